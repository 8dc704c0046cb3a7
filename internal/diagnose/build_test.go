package diagnose

import (
	"slices"
	"time"

	"github.com/org/oom143-action/internal/record"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	gb = uint64(1_000_000_000)
	mb = uint64(1_000_000)
)

// run builds a record event by event; each method applies one at the present
// time of the run.
type run struct {
	rec   record.Record
	start record.Start
	now   time.Time
	begun bool
}

// The machine is a hosted runner's: 4 cores, 16.8 GB.
const machineTotal = 16_800 * 1_000_000

func newRun(levels ...record.Level) *run {
	return &run{now: t0, start: record.Start{
		Version: record.Version, Argv: []string{"pytest", "-q"}, StartedAt: t0, Levels: levels,
		Machine: record.Machine{MemoryTotal: machineTotal, CPUs: 4, CgroupVersion: 2},
	}}
}

var wholeMachine = record.Level{Kind: record.MachineLevel, Limit: machineTotal}

// container is oom143 as the first process of a container with a limit.
func container(limit uint64) *run {
	r := newRun(record.Level{Kind: record.CgroupLevel, Path: "/", Limit: limit, Own: true, Exclusive: true}, wholeMachine)
	r.start.Machine.Container = true
	return r
}

// containerV1 is the same on cgroup v1.
func containerV1(limit uint64) *run {
	r := container(limit)
	r.start.Machine.CgroupVersion = 1
	return r
}

// shared is a container in which other processes run as well.
func shared(limit uint64) *run {
	r := container(limit)
	r.start.Levels[0].Exclusive = false
	return r
}

// pod is a container without a limit in a pod that has one.
func pod(limit uint64) *run {
	r := newRun(
		record.Level{Kind: record.CgroupLevel, Path: "/kubepods/pod1/c1", Own: true, Exclusive: true},
		record.Level{Kind: record.CgroupLevel, Path: "/kubepods/pod1", Limit: limit},
		wholeMachine)
	r.start.Machine.Container = true
	return r
}

const unit = "/system.slice/hosted-compute-agent.service"

// service is a step on the runner: in the runner's own systemd service.
func service() *run {
	return newRun(record.Level{Kind: record.CgroupLevel, Path: unit, Own: true}, wholeMachine)
}

// scope is a step that --contain put in a cgroup of its own.
func scope(limit uint64) *run {
	r := newRun(record.Level{Kind: record.CgroupLevel, Path: "/oom143.scope", Limit: limit, Own: true, Exclusive: true, Made: true}, wholeMachine)
	r.start.Options.Contain = true
	return r
}

// bare is a machine of which only its own memory is known.
func bare() *run { return newRun(wholeMachine) }

const commandPID = 100

func (r *run) apply(e record.Event) *run {
	if !r.begun {
		r.begun = true
		start := r.start
		r.rec.Apply(record.Event{Time: t0, Start: &start})
		if e.NotStarted == nil {
			r.rec.Apply(record.Event{Time: t0, Spawned: &record.Spawned{PID: commandPID}})
		}
	}
	e.Time = r.now
	r.rec.Apply(e)
	return r
}

// with changes the start.
func (r *run) with(change func(*record.Start)) *run {
	change(&r.start)
	return r
}

func (r *run) argv(argv ...string) *run {
	return r.with(func(s *record.Start) { s.Argv = argv })
}

// at sets the present time, in seconds from the start.
func (r *run) at(seconds float64) *run {
	r.now = t0.Add(time.Duration(seconds * float64(time.Second)))
	return r
}

// used is a sample: the memory in use at each level, and what of it is the
// command's.
func (r *run) used(tree uint64, levels ...uint64) *run {
	available := uint64(0)
	if m := slices.IndexFunc(r.start.Levels, func(l record.Level) bool { return l.Kind == record.MachineLevel }); m >= 0 {
		available = machineTotal - levels[m]
	}
	return r.apply(record.Event{Sample: &record.Sample{Used: levels, Available: available, Tree: tree}})
}

// calm is a run with little memory in use.
func (r *run) calm() *run {
	levels := slices.Repeat([]uint64{900 * mb}, len(r.start.Levels))
	levels[len(levels)-1] = 2100 * mb
	return r.used(800*mb, levels...)
}

// full is the machine with next to no memory available, by the command's doing.
func (r *run) full() *run {
	levels := slices.Repeat([]uint64{14 * gb}, len(r.start.Levels))
	levels[len(levels)-1] = 16_500 * mb
	return r.used(13*gb, levels...)
}

func (r *run) counters(levels ...record.LevelCounters) *run {
	return r.apply(record.Event{Counters: &record.Counters{Levels: levels}})
}

func (r *run) signal(name string, from *record.Sender) *run {
	return r.apply(record.Event{Signal: &record.Signal{Signal: name, From: from}})
}

var (
	systemd  = &record.Sender{Kind: record.FromManager, PID: 1, Command: "systemd"}
	worker   = &record.Sender{Kind: record.FromRunner, PID: 7, Command: "Runner.Worker"}
	terminal = &record.Sender{Kind: record.FromTerminal}
	outside  = &record.Sender{Kind: record.FromOutside}
	itself   = &record.Sender{Kind: record.FromCommand, PID: 123, Command: "python3"}
	someone  = &record.Sender{Kind: record.FromOther, PID: 55, Command: "bash"}
)

func (r *run) exit(e record.Exit) *run { return r.apply(record.Event{Exit: &e}) }

// ends is the end of the command by its own choice.
func (r *run) ends(code int) *run {
	return r.exit(record.Exit{PID: commandPID, Command: "pytest -q", Main: true, Code: code, Source: record.ByWait}).
		apply(record.Event{End: &record.End{Code: code}})
}

// dies is the end of the command by a signal.
func (r *run) dies(signal string, rss uint64) *run {
	return r.exit(record.Exit{PID: commandPID, Command: "/usr/bin/python3 -m pytest -q", Main: true, Signal: signal, Source: record.ByWait, RSS: rss}).
		apply(record.Event{End: &record.End{Code: 128 + signals[signal], Signal: signal}})
}

// child is the end by a signal of another process of the command.
func (r *run) child(pid int, command, signal string, rss uint64) *run {
	return r.exit(record.Exit{PID: pid, Command: command, Signal: signal, Source: record.ByPidfd, RSS: rss})
}

func (r *run) kernelKill(k record.Kill) *run {
	k.Source = "kernel log"
	r.rec.Start.KernelLog = true
	return r.apply(record.Event{KernelKill: &k})
}

func (r *run) daemonKill(k record.Kill) *run {
	k.Source = "journal"
	return r.apply(record.Event{DaemonKill: &k})
}

func (r *run) says(m record.Message) *run { return r.apply(record.Event{Message: &m}) }

func (r *run) vanished(p record.Process) *run { return r.apply(record.Event{Vanished: &p}) }

func (r *run) top(list ...record.Process) *run {
	return r.apply(record.Event{Processes: &record.Processes{Top: list, Count: len(list)}})
}

// test is a test that starts, as a plugin tells it.
func (r *run) test(id string, pid int) *run {
	return r.apply(record.Event{Test: &record.Test{Action: record.TestStart, ID: id, Framework: "pytest", PID: pid, Source: "plugin"}})
}

// printed is a test that starts, as the output tells it.
func (r *run) printed(id string) *run {
	return r.apply(record.Event{Test: &record.Test{Action: record.TestStart, ID: id, Framework: "pytest", Source: "output"}})
}

func (r *run) done(id string, pid int) *run {
	return r.apply(record.Event{Test: &record.Test{Action: record.TestFinish, ID: id, Framework: "pytest", PID: pid, Source: "plugin"}})
}

func (r *run) phase(name string) *run {
	return r.apply(record.Event{Test: &record.Test{Action: record.TestPhase, Phase: name}})
}

// Counters of one kill, as v2 and v1 count it.
var (
	oomAndKill = record.LevelCounters{OOM: 1, OOMKill: 1, Max: 12}
	onlyKill   = record.LevelCounters{OOMKill: 1}
	none       = record.LevelCounters{}
)

const test70 = "tests/test_a.py::test_70"

// killedWords are pytest-xdist's for the death of a worker.
var killedWords = record.Message{
	Kind: record.WorkerKilled, Runtime: "pytest-xdist", Text: "worker 'gw0' crashed while running '" + test70 + "'", Test: test70,
}
