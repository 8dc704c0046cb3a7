package annotate

import (
	"math"
	"time"

	"github.com/org/oom143-action/internal/diagnose"
	"github.com/org/oom143-action/internal/record"
)

// A scene is a run that was recorded and judged.
type scene struct {
	name    string
	record  *record.Record
	verdict diagnose.Verdict
}

func (s scene) report() *Report { return NewReport(s.record, s.verdict) }

const (
	mib = 1 << 20
	gib = 1 << 30
)

var began = time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)

func after(seconds float64) time.Time {
	return began.Add(time.Duration(seconds * float64(time.Second))).Round(time.Millisecond)
}

// builder applies events.
type builder struct{ r record.Record }

func newRun(levels []record.Level, argv ...string) *builder {
	b := &builder{}
	b.add(0, record.Event{Start: &record.Start{
		Version: record.Version, Tool: "oom143 v0.1.0", Argv: argv, Workspace: "/github/workspace", StartedAt: began,
		Machine: record.Machine{MemoryTotal: 16_765_374_464, SwapTotal: 4 * gib, CPUs: 4, CgroupVersion: 2, Container: true},
		Levels:  levels, Options: record.Options{WarnAt: 80},
	}})
	b.add(0.02, record.Event{Spawned: &record.Spawned{PID: 4200}})
	return b
}

func (b *builder) add(seconds float64, e record.Event) *builder {
	e.Time = after(seconds)
	b.r.Apply(e)
	return b
}

// curve adds forty samples of every level.
func (b *builder) curve(until float64, used ...func(t float64) float64) *builder {
	for i := range 40 {
		t := until * float64(i+1) / 40
		s := &record.Sample{Tree: uint64(used[0](t))}
		for _, f := range used {
			s.Used = append(s.Used, uint64(f(t)))
		}
		b.add(t, record.Event{Sample: s})
	}
	return b
}

func (b *builder) test(at float64, action record.TestAction, framework, id string, pid int) *builder {
	return b.add(at, record.Event{Test: &record.Test{
		Action: action, ID: id, Framework: framework, PID: pid, Source: "output", Certainty: "certain", Outcome: "passed",
	}})
}

func (b *builder) end(at float64, code int, signal string) *builder {
	b.add(at, record.Event{Exit: &record.Exit{PID: 4200, Main: true, Code: code, Signal: signal, Source: record.ByWait}})
	return b.add(at, record.Event{End: &record.End{Code: code, Signal: signal}})
}

func steady(bytes float64) func(float64) float64 {
	return func(t float64) float64 { return bytes * (1 + 0.02*math.Sin(t)) }
}

// leaking grows in steps, by so many bytes a second, from a floor.
func leaking(floor, perSecond float64) func(float64) float64 {
	return func(t float64) float64 { return floor + perSecond*math.Floor(t) + perSecond/3*math.Abs(math.Sin(t*2)) }
}

func container(limit uint64) []record.Level {
	return []record.Level{
		{Kind: record.CgroupLevel, Path: "/", Limit: limit, Own: true, Exclusive: true, Made: true},
		{Kind: record.MachineLevel, Limit: 16_765_374_464},
	}
}

var machineOnly = []record.Level{{Kind: record.MachineLevel, Limit: 16_765_374_464}}

// scenes are the runs that the golden files are of.
func scenes() []scene {
	return []scene{
		cgroupOOM(), kernelOOM(), runnerShutdown(), cancelled(), passed(), passedNear(), heapLimit(), notStarted(),
		testsFailed(), hostile(),
	}
}

func cgroupOOM() scene {
	const id = "tests/test_cache.py::test_evicts[lru-70]"
	b := newRun(container(512*mib), "pytest", "-v", "--token=***")
	b.test(1, record.TestStart, "pytest", "tests/test_cache.py::test_opens", 0)
	b.curve(81, leaking(60e6, 5.8e6), leaking(1.9e9, 5.8e6))
	b.test(79.9, record.TestFinish, "pytest", "tests/test_cache.py::test_opens", 0)
	b.test(80.69, record.TestStart, "pytest", id, 0)
	b.add(81, record.Event{Processes: &record.Processes{Count: 4, Top: []record.Process{
		{PID: 4242, Parent: 4200, Command: "python3 -m pytest -v --token=***", RSS: 489_000_000, Peak: 489_000_000, First: 41_000_000, Ours: true},
		{PID: 4290, Parent: 4242, Command: "redis-server *:6379", RSS: 14_200_000, First: 9_000_000, Ours: true},
		{PID: 4200, Parent: 1, Command: "sh -e /tmp/script.sh", RSS: 1_900_000, First: 1_900_000, Ours: true},
		{PID: 1, Command: "oom143 action", RSS: 1_100_000, First: 1_100_000},
	}}})
	b.add(81.01, record.Event{Counters: &record.Counters{Levels: []record.LevelCounters{{OOM: 1, OOMKill: 1, Max: 902}, {OOMKill: 1}}}})
	b.end(81.2, 137, "SIGKILL")
	return scene{"cgroup-oom", &b.r, diagnose.Verdict{
		Cause: diagnose.CgroupOOM, OOM: true, Certainty: diagnose.Certain,
		Headline: "The container's limit of 537 MB was reached and the kernel killed python3 (489 MB), while " + id + " was running.",
		Evidence: []diagnose.Evidence{
			{Time: after(81.01), Source: "cgroup memory.events", Detail: "oom 0 -> 1, oom_kill 0 -> 1"},
			{Time: after(81.01), Source: "/proc/vmstat", Detail: "oom_kill 0 -> 1"},
			{Time: after(81.2), Source: "wait", Detail: "the command was ended by SIGKILL"},
			{Time: after(81), Source: "cgroup memory.current", Detail: "532 MB of 537 MB in use at most (99 %)"},
		},
		Advice: []diagnose.Advice{
			{Title: "Find what the tests leave behind", Detail: "Memory rose from test to test by 5.8 MB; the last test only met the limit."},
			{Title: "Raise the limit", Detail: "Give the container more than 537 MB: `options: --memory=1g`, or memory-limit: 1GB."},
		},
		Victims: []diagnose.Victim{{PID: 4242, Command: "python3 -m pytest -v --token=hunter2", RSS: 489_000_000, Constraint: "memcg", Ours: true, Test: id}},
		Running: []diagnose.RunningTest{{
			ID: id, File: "tests/test_cache.py", Line: 12, PID: 4242, RunningMS: 6310, Growth: 31_000_000,
			Source: "output", Certainty: diagnose.Certain, Framework: "pytest",
		}},
		Fit: diagnose.Fit{Kind: diagnose.FitUnknown, Sentence: "Whether it fits the 7 GB runner is unknown: it was stopped at 537 MB."},
	}}
}

func kernelOOM() scene {
	const id = "example.com/shop/cart.TestTotals/large_order"
	b := newRun(machineOnly, "go", "test", "-json", "./...")
	b.r.Start.Machine.Container = false
	b.test(301, record.TestStart, "go test", id, 0).test(302, record.TestStart, "go test", "example.com/shop/stock.TestReserve", 0)
	b.curve(420, func(t float64) float64 { return 3.1e9 + 12.9e9*math.Pow(t/420, 6) })
	b.add(419, record.Event{Processes: &record.Processes{Count: 9, Top: []record.Process{
		{PID: 5111, Command: "/tmp/go-build/cart.test -test.timeout=10m", RSS: 11_800_000_000, First: 12_000_000, Ours: true},
		{PID: 5112, Command: "/tmp/go-build/stock.test -test.timeout=10m", RSS: 640_000_000, First: 12_000_000, Ours: true},
		{PID: 990, Command: "dotnet Runner.Worker.dll", RSS: 180_000_000, First: 180_000_000},
	}}})
	b.add(420.1, record.Event{KernelKill: &record.Kill{PID: 5112, Command: "stock.test", RSS: 640_000_000, Constraint: record.NoConstraint, Ours: true, Source: "kernel log"}})
	b.add(420.2, record.Event{Signal: &record.Signal{Signal: "SIGTERM", From: &record.Sender{Kind: record.FromManager, PID: 1, Command: "systemd"}}})
	return scene{"kernel-oom", &b.r, diagnose.Verdict{
		Cause: diagnose.KernelOOM, OOM: true, Certainty: diagnose.Certain, Early: true,
		Headline: "So far: the machine ran out of memory and the kernel killed stock.test (640 MB), while " + id + " and 1 other test were running; the service manager then stopped the runner.",
		Evidence: []diagnose.Evidence{
			{Time: after(420.1), Source: "kernel log", Detail: "Out of memory: Killed process 5112 (stock.test) total-vm:902340kB, anon-rss:625000kB"},
			{Time: after(420.2), Source: "signal", Detail: "SIGTERM from systemd (pid 1)"},
		},
		Advice:  []diagnose.Advice{{Title: "Contain the tests", Detail: "With `contain: true` the kernel kills the test and never the runner."}},
		Victims: []diagnose.Victim{{PID: 5112, Command: "stock.test", RSS: 640_000_000, Constraint: "none", Ours: true, Test: "example.com/shop/stock.TestReserve"}},
		Running: []diagnose.RunningTest{
			{ID: id, File: "/github/workspace/cart/totals_test.go", Line: 88, RunningMS: 119_200, Growth: 11_000_000_000, Source: "output", Certainty: diagnose.Likely, Framework: "go test"},
			{ID: "example.com/shop/stock.TestReserve", File: "/usr/lib/go/src/x_test.go", Line: 3, RunningMS: 118_200, Source: "output", Certainty: diagnose.Likely, Framework: "go test"},
		},
		Fit: diagnose.Fit{Kind: diagnose.FitNo, Sentence: "It does not fit the 7 GB runner: it used 12.4 GB, and the system needs about 1 GB."},
	}}
}

func runnerShutdown() scene {
	b := newRun(machineOnly, "make", "test")
	b.curve(33, steady(2.1e9))
	b.add(33.5, record.Event{Signal: &record.Signal{Signal: "SIGTERM", From: &record.Sender{Kind: record.FromOutside}}})
	b.end(34, 143, "SIGTERM")
	return scene{"runner-shutdown", &b.r, diagnose.Verdict{
		Cause: diagnose.RunnerShutdown, Certainty: diagnose.Certain,
		Headline: "The runner was shut down from outside the container; memory was not the reason (2.1 GB of 16.8 GB in use at most).",
		Evidence: []diagnose.Evidence{{Time: after(33.5), Source: "signal", Detail: "SIGTERM from outside the container"}},
		Advice:   []diagnose.Advice{{Title: "Run the job again", Detail: "Nothing in the tests asked for the end."}},
		Fit:      diagnose.Fit{Kind: diagnose.FitUnknown, Sentence: "Whether it fits the 7 GB runner is unknown: it was stopped at 2.1 GB."},
	}}
}

func cancelled() scene {
	b := newRun(machineOnly, "npx", "jest")
	b.test(1, record.TestStart, "jest", "src/a.test.js", 0)
	b.curve(12, steady(900e6))
	b.add(12.1, record.Event{Signal: &record.Signal{Signal: "SIGINT", From: &record.Sender{Kind: record.FromRunner, PID: 990, Command: "Runner.Worker"}}})
	b.end(12.4, 130, "SIGINT")
	return scene{"cancelled", &b.r, diagnose.Verdict{
		Cause: diagnose.Cancelled, Certainty: diagnose.Certain,
		Headline: "The run was cancelled by the runner, while src/a.test.js was running; memory was not the reason (910 MB of 16.8 GB in use at most).",
		Evidence: []diagnose.Evidence{{Time: after(12.1), Source: "signal", Detail: "SIGINT from Runner.Worker (pid 990)"}},
		Running:  []diagnose.RunningTest{{ID: "src/a.test.js", File: "src/a.test.js", RunningMS: 11_100, Source: "output", Certainty: diagnose.Likely, Framework: "jest"}},
		Fit:      diagnose.Fit{Kind: diagnose.FitUnknown, Sentence: "Whether it fits the 7 GB runner is unknown: it was stopped at 910 MB."},
	}}
}

func passed() scene {
	b := newRun(container(2*gib), "go", "test", "./...").curve(20, steady(80e6), steady(2e9)).end(20.5, 0, "")
	return scene{"passed", &b.r, diagnose.Verdict{
		Cause: diagnose.Passed, Headline: "go passed.",
		Fit: diagnose.Fit{Kind: diagnose.FitYes, Sentence: "It fits the 7 GB runner: it used 82 MB, and the system needs about 1 GB."},
	}}
}

func passedNear() scene {
	b := newRun(container(2*gib), "bundle", "exec", "rspec").curve(40, leaking(1e8, 4.6e7), leaking(2e9, 4.6e7))
	b.test(3, record.TestStart, "RSpec", "./spec/a_spec.rb:12", 0).test(30, record.TestFinish, "RSpec", "./spec/a_spec.rb:12", 0)
	b.end(41, 0, "")
	return scene{"passed-near-limit", &b.r, diagnose.Verdict{
		Cause: diagnose.Passed, Headline: "bundle passed.",
		Warning: "The command passed, but used memory reached 2.0 GB, 91 % of the limit of the container (2.1 GB).",
		Advice:  []diagnose.Advice{{Title: "Leave more room", Detail: "Raise memory-limit, or run fewer tests at a time."}},
		Fit:     diagnose.Fit{Kind: diagnose.FitYes, Sentence: "It fits the 7 GB runner: it used 2.0 GB, and the system needs about 1 GB."},
	}}
}

func heapLimit() scene {
	const id = "src/store.test.js > store > keeps 10^6 items"
	b := newRun(machineOnly, "npx", "vitest", "run").curve(25, leaking(3e8, 1.6e8))
	b.test(20, record.TestStart, "vitest", id, 0)
	b.add(25, record.Event{Message: &record.Message{Kind: record.HeapLimit, Runtime: "V8", Text: "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"}})
	b.end(25.4, 134, "SIGABRT")
	return scene{"heap-limit", &b.r, diagnose.Verdict{
		Cause: diagnose.HeapLimit, Certainty: diagnose.Certain,
		Headline: "V8 reached its heap limit, while " + id + " was running; the machine had memory left.",
		Evidence: []diagnose.Evidence{{Time: after(25), Source: "output", Detail: `"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"`}},
		Advice:   []diagnose.Advice{{Title: "Raise the heap limit", Detail: "Set NODE_OPTIONS=--max-old-space-size=6144."}},
		Running:  []diagnose.RunningTest{{ID: id, File: "src/store.test.js", Line: 40, RunningMS: 5000, Growth: 800_000_000, Source: "output", Certainty: diagnose.Possible, Framework: "vitest"}},
		Fit:      diagnose.Fit{Kind: diagnose.FitUnknown, Sentence: "Whether it fits the 7 GB runner is unknown: it was stopped at 4.3 GB."},
	}}
}

func notStarted() scene {
	b := newRun(machineOnly, "pytset", "-q")
	b.r.PID = 0
	b.add(0.1, record.Event{NotStarted: &record.Failure{What: "pytset", Detail: "not found in PATH", Status: 127}})
	return scene{"not-started", &b.r, diagnose.Verdict{
		Cause: diagnose.NotStarted, Certainty: diagnose.Certain,
		Headline: "pytset could not be started: not found in PATH.",
		Advice:   []diagnose.Advice{{Title: "Name an image that has it", Detail: "A container action sees none of the job's tools: set `image:`, or use host/."}},
		Fit:      diagnose.Fit{Kind: diagnose.FitUnknown, Sentence: "Whether it fits the 7 GB runner is unknown: the command was not started."},
	}}
}

func testsFailed() scene {
	b := newRun(container(2*gib), "pytest", "-q").curve(8, steady(120e6), steady(2e9))
	b.test(1, record.TestStart, "pytest", "tests/test_a.py::test_x", 0).test(2, record.TestFinish, "pytest", "tests/test_a.py::test_x", 0)
	b.end(8.2, 1, "")
	return scene{"tests-failed", &b.r, diagnose.Verdict{
		Cause: diagnose.TestsFailed, Certainty: diagnose.Certain,
		Headline: "pytest ended by itself with exit status 1; memory was not the reason (122 MB of 2.1 GB in use at most).",
		Evidence: []diagnose.Evidence{{Time: after(8.2), Source: "wait", Detail: "the command ended with exit status 1"}},
		Fit:      diagnose.Fit{Kind: diagnose.FitYes, Sentence: "It fits the 7 GB runner: it used 122 MB, and the system needs about 1 GB."},
	}}
}

// nasty is a test's name that tries every way out of its place.
const nasty = "a|b `c` ``` <script>alert(1)</script> @octocat ](http://evil.example) \x1b[31m ::error::x ##[add-mask]y %0A$x$ \u202e **b** _u_ \r\n# h\n::stop-commands::t"

func hostile() scene {
	b := newRun(container(512*mib), "pytest", nasty).curve(9, leaking(6e7, 5e7), steady(2e9))
	b.test(5, record.TestStart, "pytest", nasty, 0)
	b.add(9, record.Event{Processes: &record.Processes{Top: []record.Process{{PID: 7, Command: nasty, RSS: 5e8, First: 1e6, Ours: true}}}})
	b.end(9.2, 137, "SIGKILL")
	return scene{"hostile", &b.r, diagnose.Verdict{
		Cause: diagnose.MemoryPressure, Certainty: diagnose.Possible, Headline: "Killed while " + nasty + " was running.",
		Evidence: []diagnose.Evidence{{Time: after(9.2), Source: nasty, Detail: nasty}},
		Advice:   []diagnose.Advice{{Title: nasty, Detail: nasty}},
		Victims:  []diagnose.Victim{{PID: 7, Command: nasty, Ours: true, Test: nasty}},
		Running: []diagnose.RunningTest{
			{ID: nasty, File: "../../etc/passwd", Line: 1, RunningMS: 4000, Source: "output", Framework: "pytest"},
			{ID: nasty, File: "tests/a,b:c%.py", Line: 2, RunningMS: 3000, Source: "output", Framework: "pytest"},
		},
	}}
}

func newRecord() *record.Record { return &record.Record{} }
