package record

import (
	"cmp"
	"slices"
	"time"
)

// Bounds of what a [Record] keeps, so that its size does not depend on what
// the command does.
const (
	maxRunning  = 4096 // tests in flight
	maxGrown    = 10   // tests with the most growth
	maxSignals  = 100
	maxExits    = 200
	maxKills    = 100
	maxMessages = 100
	maxTroubles = 20
	maxDangers  = 20
	recentSpan  = 15 * time.Second // samples kept in full before the last one
	maxRecent   = 400
)

// Record is the state that the events of a run add up to. The zero value is
// the state before the first event.
type Record struct {
	Start      Start
	PID        int // of the command; 0 before it runs
	NotStarted *Failure

	// Levels are the levels of Start with what was seen at each.
	Levels  []LevelState
	Samples int
	// Recent are the samples of the last 15 s, oldest first.
	Recent    []TimedSample
	SwapPeak  uint64
	TreePeak  uint64
	Processes *Processes // at the highest peak
	Others    uint64     // the machine's used memory minus the command's, at that peak

	Signals     []Timed[Signal]
	Exits       []Timed[Exit]
	KernelKills []Timed[Kill]
	DaemonKills []Timed[Kill]
	Messages    []Timed[Message]
	Dangers     []Timed[Danger]
	Troubles    []Timed[Failure]
	Tests       Tests

	End     *End
	EndedAt time.Time // zero until the command has ended
	LastAt  time.Time // of the latest event
}

// Timed is something with the time at which it was seen.
type Timed[T any] struct {
	Time time.Time
	What T
}

// TimedSample is a sample with its time.
type TimedSample = Timed[Sample]

// LevelState is what was seen at one level.
type LevelState struct {
	Level
	Timeline Timeline
	Counters LevelCounters
	// Kills are the moments at which OOMKill moved, with its new value: at
	// most 20, then only the last moves.
	Kills  []Timed[uint64]
	Last   uint64 // used bytes at the latest sample
	Peak   uint64 // highest used bytes
	PeakAt time.Time
}

// Headroom is what is left at the level's highest sample, in bytes; 0 when
// used memory passed the limit.
func (l LevelState) Headroom() uint64 {
	if l.Peak >= l.Limit {
		return 0
	}
	return l.Limit - l.Peak
}

// Apply adds one event.
func (r *Record) Apply(e Event) {
	if e.Time.After(r.LastAt) {
		r.LastAt = e.Time
	}
	switch {
	case e.Start != nil:
		r.Start = *e.Start
		r.Levels = make([]LevelState, len(e.Start.Levels))
		for i, l := range e.Start.Levels {
			r.Levels[i].Level = l
		}
	case e.Spawned != nil:
		r.PID = e.Spawned.PID
	case e.NotStarted != nil:
		r.NotStarted = e.NotStarted
		r.EndedAt = e.Time
	case e.Sample != nil:
		r.sample(e.Time, *e.Sample)
	case e.Counters != nil:
		r.counters(e.Time, *e.Counters)
	case e.Processes != nil:
		r.Processes = e.Processes
	case e.Signal != nil:
		keep(&r.Signals, maxSignals, e.Time, *e.Signal)
	case e.Exit != nil:
		keep(&r.Exits, maxExits, e.Time, *e.Exit)
	case e.KernelKill != nil:
		keep(&r.KernelKills, maxKills, e.Time, *e.KernelKill)
	case e.DaemonKill != nil:
		keep(&r.DaemonKills, maxKills, e.Time, *e.DaemonKill)
	case e.Test != nil:
		r.Tests.apply(e.Time, *e.Test, r.binding())
	case e.Located != nil:
		r.Tests.locate(*e.Located)
	case e.Message != nil:
		keep(&r.Messages, maxMessages, e.Time, *e.Message)
	case e.Danger != nil:
		keep(&r.Dangers, maxDangers, e.Time, *e.Danger)
	case e.Trouble != nil:
		keep(&r.Troubles, maxTroubles, e.Time, *e.Trouble)
	case e.End != nil:
		r.End = e.End
		r.EndedAt = e.Time
	}
}

// keep appends, and past max drops from the middle: the first and the last
// are what a verdict asks for.
func keep[T any](list *[]Timed[T], max int, at time.Time, what T) {
	if len(*list) >= max {
		*list = slices.Delete(*list, max/2, max/2+1)
	}
	*list = append(*list, Timed[T]{at, what})
}

func (r *Record) sample(at time.Time, s Sample) {
	r.Samples++
	for i := range r.Levels {
		if i >= len(s.Used) || s.Used[i] == 0 {
			continue
		}
		l := &r.Levels[i]
		l.Last = s.Used[i]
		if l.Last > l.Peak {
			l.Peak, l.PeakAt = l.Last, at
			if l.Kind == MachineLevel {
				r.Others = l.Last - min(l.Last, r.commandsOwn(s))
			}
		}
		l.Timeline.Add(at.Sub(r.Start.StartedAt).Milliseconds(), l.Last)
	}
	r.SwapPeak = max(r.SwapPeak, s.SwapUsed)
	r.TreePeak = max(r.TreePeak, s.Tree)
	r.Recent = append(r.Recent, TimedSample{at, s})
	old := 0
	for old < len(r.Recent)-1 && (at.Sub(r.Recent[old].Time) > recentSpan || len(r.Recent)-old > maxRecent) {
		old++
	}
	r.Recent = slices.Delete(r.Recent, 0, old)
}

// commandsOwn is the part of a sample that belongs to the command.
func (r *Record) commandsOwn(s Sample) uint64 {
	for i, l := range r.Levels {
		if l.Own && l.Exclusive && i < len(s.Used) && s.Used[i] > 0 {
			return s.Used[i]
		}
	}
	return s.Tree
}

func (r *Record) counters(at time.Time, c Counters) {
	for i := range min(len(r.Levels), len(c.Levels)) {
		l := &r.Levels[i]
		if c.Levels[i].OOMKill > l.Counters.OOMKill {
			keep(&l.Kills, 20, at, c.Levels[i].OOMKill)
		}
		l.Counters = c.Levels[i]
	}
}

// Binding is the level that memory is reported against: of those with a
// limit, the one that came closest to it; nil when there is none.
func (r *Record) Binding() *LevelState {
	var best *LevelState
	for i := range r.Levels {
		l := &r.Levels[i]
		if l.Limit == 0 {
			continue
		}
		if best == nil || l.Headroom() < best.Headroom() {
			best = l
		}
	}
	return best
}

// binding is the used memory at the binding level, for a test's growth.
func (r *Record) binding() uint64 {
	if l := r.Binding(); l != nil {
		return l.Last
	}
	return 0
}

// MainExit is the end of the command itself, nil while it runs.
func (r *Record) MainExit() *Timed[Exit] {
	for i := range r.Exits {
		if r.Exits[i].What.Main {
			return &r.Exits[i]
		}
	}
	return nil
}

// Tests are the tests of a run, without a list that grows with their number.
type Tests struct {
	Frameworks   []string
	Started      int
	Finished     int
	Phase        string // what the framework does while no test runs
	LastFinished string
	running      map[testKey]*RunningTest
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
	overlap bool
}

// GrownTest is a finished test with what memory did meanwhile.
type GrownTest struct {
	ID         string
	Growth     int64
	Overlapped bool // other tests ran at the same time, so blame is shared
}

func (t *Tests) apply(at time.Time, e Test, used uint64) {
	if e.Used == 0 {
		e.Used = used
	}
	if e.Framework != "" && !slices.Contains(t.Frameworks, e.Framework) && len(t.Frameworks) < 20 {
		t.Frameworks = append(t.Frameworks, e.Framework)
	}
	switch e.Action {
	case TestStart:
		t.Started++
		t.Phase = ""
		if len(t.running) >= maxRunning {
			return
		}
		if t.running == nil {
			t.running = map[testKey]*RunningTest{}
		}
		t.order++
		n := &RunningTest{Test: e, Since: at, order: t.order, started: e, overlap: len(t.running) > 0}
		for _, other := range t.running {
			other.overlap = true
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
		t.grew(GrownTest{ID: e.ID, Growth: growth(n.started, e), Overlapped: n.overlap})
	case TestPhase:
		t.Phase = e.Phase
	}
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

// Running are the tests that had started and not finished, in the order of
// their start; a paused test is among them only when nothing else is.
func (t *Tests) Running(used uint64) []RunningTest {
	var active, paused []RunningTest
	for _, n := range t.running {
		c := *n
		c.Growth = growth(c.started, Test{Used: used})
		if c.paused {
			paused = append(paused, c)
		} else {
			active = append(active, c)
		}
	}
	if len(active) == 0 {
		active = paused
	}
	slices.SortFunc(active, func(a, b RunningTest) int { return cmp.Compare(a.order, b.order) })
	return active
}

func (t *Tests) locate(l Located) {
	for key, n := range t.running {
		if key.id == l.ID {
			n.File, n.Line = l.File, l.Line
		}
	}
}
