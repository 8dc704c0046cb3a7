package record

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }

// started is a record of a run in a container with a limit on a machine.
func started() *Record {
	r := &Record{}
	r.Apply(Event{Time: t0, Start: &Start{
		Version: Version, Argv: []string{"pytest"}, StartedAt: t0,
		Levels: []Level{
			{Kind: CgroupLevel, Path: "/", Limit: 1000, Own: true, Exclusive: true},
			{Kind: MachineLevel, Limit: 10000},
		},
	}})
	return r
}

func sampleAt(ms int, used ...uint64) Event {
	return Event{Time: at(ms), Sample: &Sample{Used: used, Tree: used[0]}}
}

func testEvent(ms int, action TestAction, id string, pid int) Event {
	return Event{Time: at(ms), Test: &Test{Action: action, ID: id, PID: pid, Source: "plugin", Framework: "pytest"}}
}

func apply(r *Record, events ...Event) *Record {
	for _, e := range events {
		r.Apply(e)
	}
	return r
}

func ids(tests []RunningTest) string {
	var out []string
	for _, t := range tests {
		out = append(out, t.ID)
	}
	return strings.Join(out, " ")
}

func TestPeaks(t *testing.T) {
	r := apply(started(),
		sampleAt(0, 100, 5000), sampleAt(100, 700, 6000), sampleAt(200, 300, 6500), sampleAt(300, 0, 100))
	own, machine := r.Levels[0], r.Levels[1]
	if own.Peak != 700 || !own.PeakAt.Equal(at(100)) || own.Last != 300 {
		t.Errorf("own: peak %d at %v, last %d", own.Peak, own.PeakAt, own.Last)
	}
	if machine.Peak != 6500 || machine.Last != 100 || r.Others != 6200 {
		t.Errorf("machine: peak %d, last %d, others %d", machine.Peak, machine.Last, r.Others)
	}
	if r.Binding() != &r.Levels[0] {
		t.Errorf("binding level: %+v", r.Binding())
	}
	if r.Samples != 4 || r.TreePeak != 700 {
		t.Errorf("%d samples, tree peak %d", r.Samples, r.TreePeak)
	}
}

func TestBindingIgnoresLevelsWithoutLimit(t *testing.T) {
	r := &Record{Levels: []LevelState{{Level: Level{Kind: CgroupLevel, Own: true}, Peak: 99}}}
	if b := r.Binding(); b != nil {
		t.Errorf("binding level without a limit: %+v", b)
	}
}

func TestKillsAreTheMovesOfTheCounter(t *testing.T) {
	r := started()
	count := func(ms int, own, machine uint64) {
		r.Apply(Event{Time: at(ms), Counters: &Counters{Levels: []LevelCounters{{OOMKill: own}, {OOMKill: machine}, {OOMKill: 9}}}})
	}
	count(100, 0, 1)
	count(200, 2, 2)
	count(300, 2, 2)
	if k := r.Levels[0].Kills; len(k) != 1 || k[0].What != 2 || !k[0].Time.Equal(at(200)) {
		t.Errorf("own kills: %v", k)
	}
	if k := r.Levels[1].Kills; len(k) != 2 {
		t.Errorf("machine kills: %v", k)
	}
	for i := range 1000 {
		count(400+i, uint64(i+3), 2)
	}
	if k := r.Levels[0].Kills; len(k) > 20 || k[len(k)-1].What != 1002 || k[0].What != 2 {
		t.Errorf("%d kills, first %v, last %v", len(k), k[0], k[len(k)-1])
	}
}

func TestMainExitSurvivesManyOthers(t *testing.T) {
	r := started()
	other := Event{Time: at(1), Exit: &Exit{PID: 9, Signal: "SIGKILL", Source: ByWait}}
	for range 300 {
		r.Apply(other)
	}
	r.Apply(Event{Time: at(2), Exit: &Exit{PID: 5, Main: true, Code: 3, Source: ByWait}})
	for range 300 {
		r.Apply(other)
	}
	if e := r.MainExit(); e == nil || e.What.Code != 3 {
		t.Errorf("main exit: %v", e)
	}
	if len(r.Exits) > maxExits {
		t.Errorf("%d exits kept", len(r.Exits))
	}
}

func TestRunningTests(t *testing.T) {
	r := apply(started(),
		sampleAt(0, 100, 1000),
		testEvent(10, TestStart, "a", 1),
		testEvent(20, TestStart, "b", 2),
		testEvent(30, TestStart, "c", 2),
		testEvent(40, TestFinish, "b", 2),
		testEvent(50, TestPause, "a", 1),
		sampleAt(60, 400, 1000),
	)
	running := r.Tests.Running(400)
	if got := ids(running); got != "c" {
		t.Errorf("running: %q, want c (a is paused)", got)
	}
	if running[0].Growth != 300 {
		t.Errorf("growth %d, want 300", running[0].Growth)
	}
	apply(r, testEvent(70, TestFinish, "c", 2))
	if got := ids(r.Tests.Running(400)); got != "a" {
		t.Errorf("running: %q, want the paused a when nothing else runs", got)
	}
	apply(r, testEvent(80, TestResume, "a", 1), testEvent(90, TestFinish, "a", 7))
	if got := ids(r.Tests.Running(400)); got != "a" {
		t.Errorf("running: %q, want a: another process's a has finished", got)
	}
	if r.Tests.Started != 3 || r.Tests.Finished != 3 || r.Tests.LastFinished != "a" {
		t.Errorf("started %d, finished %d, last %q", r.Tests.Started, r.Tests.Finished, r.Tests.LastFinished)
	}
}

func TestRunningAtAMoment(t *testing.T) {
	kill := Event{Time: at(100), KernelKill: &Kill{PID: 1, Ours: true}}
	r := apply(started(),
		testEvent(10, TestStart, "before", 1), testEvent(50, TestFinish, "before", 1),
		testEvent(60, TestStart, "died", 1),
		testEvent(70, TestStart, "survived", 2),
		kill,
		testEvent(150, TestFinish, "survived", 2),
		testEvent(500, TestStart, "later", 2),
	)
	if got := ids(r.Tests.RunningAt(at(100), 0)); got != "died survived" {
		t.Errorf("at the kill: %q, want died survived", got)
	}
	if got := ids(r.Tests.Running(0)); got != "died later" {
		t.Errorf("now: %q, want died later", got)
	}
	// A plugin's event that is read after the kill, with its own time.
	apply(r, testEvent(90, TestStart, "late news", 3), testEvent(95, TestFinish, "late news", 3))
	if got := ids(r.Tests.RunningAt(at(100), 0)); got != "died survived" {
		t.Errorf("at the kill, with late news: %q", got)
	}
}

func TestMostGrowth(t *testing.T) {
	r := started()
	for i := range 30 {
		id := fmt.Sprintf("t%02d", i)
		apply(r, sampleAt(i*10, 100, 1), testEvent(i*10, TestStart, id, 0), sampleAt(i*10+5, uint64(100+(i*7)%30), 1), testEvent(i*10+6, TestFinish, id, 0))
	}
	grown := r.Tests.MostGrowth()
	if len(grown) != maxGrown || grown[0].Growth != 29 || grown[9].Growth != 20 {
		t.Errorf("most growth: %+v", grown)
	}
	if grown[0].Overlapped {
		t.Error("a test that ran alone is marked as overlapped")
	}
}

func TestWhere(t *testing.T) {
	r := apply(started(), testEvent(1, TestStart, "a", 1), Event{Time: at(2), Located: &Located{ID: "a", File: "a.py", Line: 7}})
	if file, line := r.Tests.Where("a"); file != "a.py" || line != 7 {
		t.Errorf("where: %s:%d", file, line)
	}
	if got := r.Tests.Running(0)[0]; got.File != "a.py" || got.Line != 7 {
		t.Errorf("running: %s:%d", got.File, got.Line)
	}
	if file, _ := r.Tests.Where("b"); file != "" {
		t.Errorf("an unknown test is at %q", file)
	}
}

func TestMoments(t *testing.T) {
	r := apply(started(),
		sampleAt(0, 990, 9000), // too old for the signal
		sampleAt(2500, 300, 9000), sampleAt(3000, 600, 9500), sampleAt(3010, 100, 500),
		Event{Time: at(3020), Signal: &Signal{Signal: "SIGTERM"}},
		Event{Time: at(3050), Exit: &Exit{PID: 5, Main: true, Signal: "SIGTERM"}},
	)
	if len(r.Moments) != 1 {
		t.Fatalf("%d moments, want the signal and the exit in one", len(r.Moments))
	}
	for i := range 100 {
		r.Apply(sampleAt(4000+i*1000, 50, 60))
	}
	state := r.At(at(3020))
	if len(state.Used) != 2 || state.Used[0] != 600 || state.Used[1] != 9500 {
		t.Errorf("at the signal, long after: %+v, want the highest of the 2 s before it", state)
	}
	if state := r.At(at(50_000)); state.Used != nil {
		t.Errorf("a time that nothing is known of: %+v", state)
	}
	for i := range 1000 {
		r.Apply(Event{Time: at(200_000 + 500*i), Signal: &Signal{Signal: "SIGTERM"}})
	}
	if len(r.Moments) > maxMoments || !r.Moments[0].Time.Equal(at(3020)) {
		t.Errorf("%d moments, the first at %v", len(r.Moments), r.Moments[0].Time)
	}
}

// A run's length, its tests and what it prints must not make the record grow.
func TestRecordStaysBounded(t *testing.T) {
	r := started()
	long := strings.Repeat("x", 100)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	fill := func(n int) {
		for i := range n {
			id := fmt.Sprintf("tests/test_%d.py::%s", i, long)
			apply(r,
				testEvent(i*10, TestStart, id, 1), sampleAt(i*10+1, uint64(i%900), uint64(i%9000)), testEvent(i*10+2, TestFinish, id, 1),
			)
			if i%20 != 0 {
				continue
			}
			apply(r,
				testEvent(i*10+3, TestStart, "never finished "+id, i),
				Event{Time: at(i * 10), Signal: &Signal{Signal: "SIGUSR1"}},
				Event{Time: at(i * 10), Message: &Message{Kind: WorkerKilled, Text: long}},
				Event{Time: at(i * 10), KernelKill: &Kill{PID: i, Detail: long}},
				Event{Time: at(i * 10), DaemonKill: &Kill{PID: i}},
				Event{Time: at(i * 10), Vanished: &Process{PID: i}},
				Event{Time: at(i * 10), Danger: &Danger{}},
				Event{Time: at(i * 10), Trouble: &Failure{Detail: long}},
				Event{Time: at(i * 10), Located: &Located{ID: id, File: long}},
			)
		}
	}
	fill(90_000) // 4,500 that never finish: more than are kept
	before := heap()
	fill(100_000)
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("100,000 more tests made the record grow by %d bytes", grown)
	}
	if n := len(r.Tests.Running(0)); n > maxRunning {
		t.Errorf("%d running tests kept", n)
	}
	runtime.KeepAlive(r)
}

func TestLongIDsStayBounded(t *testing.T) {
	r := started()
	for i := range 2000 {
		r.Apply(testEvent(i, TestStart, fmt.Sprintf("%05d%s", i, strings.Repeat("y", 10_000)), 1))
	}
	total := 0
	for _, n := range r.Tests.Running(0) {
		total += len(n.ID)
	}
	if total > maxIDs {
		t.Errorf("%d bytes of ids kept, want at most %d", total, maxIDs)
	}
	for _, n := range r.Tests.Running(0) {
		r.Apply(testEvent(3000, TestFinish, n.ID, 1))
	}
	r.Apply(testEvent(3001, TestStart, "short", 1))
	if got := ids(r.Tests.Running(0)); got != "short" {
		t.Errorf("after all have finished: %.40q", got)
	}
}

func TestOverlap(t *testing.T) {
	r := apply(started(),
		sampleAt(0, 100, 1), testEvent(1, TestStart, "alone", 0), sampleAt(2, 200, 1), testEvent(3, TestFinish, "alone", 0),
		testEvent(4, TestStart, "first", 0), testEvent(5, TestStart, "second", 0), sampleAt(6, 250, 1),
		testEvent(7, TestFinish, "first", 0), sampleAt(8, 300, 1), testEvent(9, TestFinish, "second", 0))
	for _, g := range r.Tests.MostGrowth() {
		if g.Overlapped != (g.ID != "alone") {
			t.Errorf("%s: overlapped %v", g.ID, g.Overlapped)
		}
	}
}

// A plugin is heard from its first event on, and what the output said of the
// same framework before does not count twice.
func TestPluginSilencesOutput(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	test := func(ms int, action TestAction, id, framework, source string, pid int) Event {
		return Event{Time: at(ms), Test: &Test{Action: action, ID: id, Framework: framework, Source: source, PID: pid}}
	}
	var r Record
	r.Apply(test(1, TestStart, "p.TestA", "go test", "output", 0))
	r.Apply(test(2, TestStart, "t.py::test_x", "pytest", "output", 0))
	r.Apply(test(3, TestStart, "p.TestA", "go test", "plugin", 9))
	r.Apply(test(4, TestStart, "p.TestB", "gotestsum", "output", 0))
	var got []string
	for _, n := range r.Tests.Running(0) {
		got = append(got, n.Source+" "+n.ID)
	}
	if want := []string{"output t.py::test_x", "plugin p.TestA"}; !slices.Equal(got, want) {
		t.Errorf("running %q, want %q", got, want)
	}
	if r.Tests.Started != 2 {
		t.Errorf("%d started, want 2", r.Tests.Started)
	}
}
