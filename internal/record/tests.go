package record

import (
	"cmp"
	"slices"
	"time"
)

// Tests are the tests of a run, without a list that grows with their number.
type Tests struct {
	Frameworks   []string
	Started      int
	Finished     int
	Phase        string // what the framework does while no test runs
	LastFinished string
	running      map[testKey]*RunningTest
	plugged      map[string]bool // frameworks whose plugin reports
	ids          int             // bytes of the ids in running
	outlived     []Timed[RunningTest]
	located      map[string]Located
	grown        []GrownTest
	order        int
}

// testKey keeps two tests of one id apart that run in different processes.
type testKey struct {
	pid int
	id  string
}

func keyOf(t Test) testKey { return testKey{t.PID, t.ID} }

// RunningTest is a test that has started and not finished.
type RunningTest struct {
	Test
	Since   time.Time
	Growth  int64 // of used memory (or of its process, where a plugin measured it) since its start
	order   int
	started Test
	paused  bool
	overlap bool // others ran when it started
}

// GrownTest is a finished test with what memory did meanwhile.
type GrownTest struct {
	ID         string
	Growth     int64
	Overlapped bool // other tests ran at the same time, so blame is shared
}

func (t *Tests) apply(at time.Time, e Test, used uint64, moments []Timed[Moment]) {
	if e.Used == 0 {
		e.Used = used
	}
	if !t.heard(e) {
		return
	}
	if e.Framework != "" && !slices.Contains(t.Frameworks, e.Framework) && len(t.Frameworks) < 20 {
		t.Frameworks = append(t.Frameworks, e.Framework)
	}
	switch e.Action {
	case TestStart:
		t.Started++
		t.Phase = ""
		if len(t.running) >= maxRunning || t.ids+len(e.ID) > maxIDs {
			return
		}
		if t.running == nil {
			t.running = map[testKey]*RunningTest{}
		}
		t.order++
		n := &RunningTest{Test: e, Since: at, order: t.order, started: e, overlap: len(t.running) > 0}
		if t.running[keyOf(e)] == nil {
			t.ids += len(e.ID)
		}
		t.running[keyOf(e)] = n
	case TestPause, TestResume:
		if n := t.running[keyOf(e)]; n != nil {
			n.paused = e.Action == TestPause
		}
	case TestFinish:
		t.Finished++
		t.LastFinished = e.ID
		n := t.running[keyOf(e)]
		if n == nil {
			return
		}
		delete(t.running, keyOf(e))
		t.ids -= len(e.ID)
		if slices.ContainsFunc(moments, func(m Timed[Moment]) bool { return !m.Time.Before(n.Since) && !m.Time.After(at) }) {
			keep(&t.outlived, maxOutlived, at, *n)
		}
		t.grew(GrownTest{ID: e.ID, Growth: growth(n.started, e), Overlapped: n.overlap || t.order > n.order})
	case TestPhase:
		t.Phase = e.Phase
	}
}

// heard tells whether an event counts. Once a framework's plugin has reported,
// what its output or processes say of tests would count them twice.
func (t *Tests) heard(e Test) bool {
	family := familyOf(e.Framework)
	if e.Source != "plugin" {
		return !t.plugged[family]
	}
	if t.plugged[family] {
		return true
	}
	if t.plugged == nil {
		t.plugged = map[string]bool{}
	}
	t.plugged[family] = true
	for key, n := range t.running {
		if familyOf(n.Framework) == family && n.Source != "plugin" {
			delete(t.running, key)
			t.ids -= len(key.id)
			t.Started--
		}
	}
	return true
}

// familyOf gives the framework that runs the tests, for a tool that shows the
// output of another.
func familyOf(framework string) string {
	switch framework {
	case "gotestsum":
		return "go test"
	case "surefire", "gradle":
		return "junit"
	}
	return framework
}

// growth is what memory gained between two events of a test, by the test's
// own process where both measured it.
func growth(from, to Test) int64 {
	if from.RSS > 0 && to.RSS > 0 {
		return int64(to.RSS) - int64(from.RSS)
	}
	if from.Used > 0 && to.Used > 0 {
		return int64(to.Used) - int64(from.Used)
	}
	return 0
}

func (t *Tests) grew(g GrownTest) {
	if g.Growth <= 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(t.grown, g, func(a, b GrownTest) int { return cmp.Compare(b.Growth, a.Growth) })
	if i < maxGrown {
		t.grown = slices.Insert(t.grown, i, g)
		t.grown = t.grown[:min(len(t.grown), maxGrown)]
	}
}

// MostGrowth are the finished tests during which memory grew most, the
// largest growth first, at most ten.
func (t *Tests) MostGrowth() []GrownTest { return t.grown }

// Running are the tests that have started and not finished, in the order of
// their start; a paused test is among them only when nothing else is. Used is
// the memory in use now, in bytes, for their growth.
func (t *Tests) Running(used uint64) []RunningTest {
	var all []RunningTest
	for _, n := range t.running {
		all = append(all, *n)
	}
	return t.inOrder(all, used)
}

// startLate is how much later than a kill, by its own clock, a plugin may
// date the start of the test that was running in it.
const startLate = 250 * time.Millisecond

// RunningAt is [Tests.Running] as it was at one of the record's Moments, when
// used bytes were in use. A test that finished afterwards is among them.
func (t *Tests) RunningAt(at time.Time, used uint64) []RunningTest {
	var all []RunningTest
	for _, n := range t.running {
		if !n.Since.After(at.Add(startLate)) {
			all = append(all, *n)
		}
	}
	for _, o := range t.outlived {
		if !o.What.Since.After(at) && !o.Time.Before(at) {
			all = append(all, o.What)
		}
	}
	return t.inOrder(all, used)
}

// inOrder sorts running tests by their start and fills in what is known now.
func (t *Tests) inOrder(all []RunningTest, used uint64) []RunningTest {
	var active, paused []RunningTest
	for _, n := range all {
		n.Growth = growth(n.started, Test{Used: used})
		if file, line := t.Where(n.ID); file != "" {
			n.File, n.Line = file, line
		}
		if n.paused {
			paused = append(paused, n)
		} else {
			active = append(active, n)
		}
	}
	if len(active) == 0 {
		active = paused
	}
	slices.SortFunc(active, func(a, b RunningTest) int { return cmp.Compare(a.order, b.order) })
	return active
}

// Where tells where a test is defined, as a [Located] event said; file is ""
// when none did. The first 256 tests that were located are known.
func (t *Tests) Where(id string) (file string, line int) {
	l := t.located[id]
	return l.File, l.Line
}

func (t *Tests) locate(l Located) {
	if t.located == nil {
		t.located = map[string]Located{}
	}
	if len(t.located) < maxLocated {
		t.located[l.ID] = l
	}
}
