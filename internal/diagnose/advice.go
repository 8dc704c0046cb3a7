package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// tip is one row of the table of advice. Its detail may hold the names of
// [view.values] in braces; a row of which a value is not known is left out.
type tip struct {
	causes []Cause
	when   func(*view, *finding, *Verdict) bool // nil: always
	title  string
	detail string
}

// maxAdvice bounds the advice of a verdict.
const maxAdvice = 4

// tips are given in this order; the cheapest thing to try comes first, a
// larger machine last.
var tips = []tip{
	{
		[]Cause{NotStarted}, startStatus(127), "Make the command available",
		"{command} was not found: install it or correct PATH; the container action sees the workspace and none of the tools that earlier steps installed.",
	},
	{
		[]Cause{NotStarted}, startStatus(126), "Make the command executable",
		"{command} exists but cannot be executed: give it `chmod +x`, or name its interpreter in front of it.",
	},

	{
		[]Cause{CgroupOOM, KernelOOM, OOMDaemon, MemoryPressure}, isRunning, "Run the likeliest test alone",
		"Run {test} by itself under the same limit (`docker run --memory={memory} …`): if it still dies, it needs the memory itself; if not, the tests before it leave memory behind.",
	},
	{
		[]Cause{CgroupOOM, KernelOOM, OOMDaemon, MemoryPressure}, inPhase("build"), "Build with fewer jobs",
		"Memory ran out during the build, before any test: lower the number of parallel compilers and linkers (`make -j1`, `go build -p 1`, `cargo build -j 1`).",
	},
	{
		[]Cause{CgroupOOM, KernelOOM, OOMDaemon, MemoryPressure}, severalRan, "Run fewer tests at a time",
		"{tests} tests were running at once: halve the number of workers (`pytest -n`, `jest --maxWorkers`, `go test -p` and `-parallel`).",
	},
	{
		[]Cause{CgroupOOM}, ownLimit, "Raise the memory limit",
		"Set `memory-limit` (or the container's `--memory`) above {limit}; the machine has {machine}.",
	},
	{
		[]Cause{CgroupOOM}, hiddenCgroup, "Look for the limit elsewhere",
		"The limit that was reached is not among those that oom143 can see: look at the memory limit of the pod, or of a container or cgroup that the tests start.",
	},
	{
		[]Cause{KernelOOM, OOMDaemon}, larger, "Look at the other large process",
		"{larger} was in use by a process that is not part of the command: stop what earlier steps or services left running before the tests begin.",
	},
	{
		[]Cause{KernelOOM, MemoryPressure}, uncontained, "Contain the tests",
		"In a container with a limit of its own (`docker run --memory`) the kernel kills the test alone when memory runs out, and the runner stays alive to report it.",
	},
	{
		[]Cause{OOMDaemon}, nil, "Keep the daemon away from the tests",
		"{daemon} kills before the kernel does: in a container with a limit (`docker run --memory`) the command meets a limit of its own first.",
	},
	{
		[]Cause{MemoryPressure}, stoppedByUs, "Give it more room",
		"The run was stopped by `--on-limit stop` at {used}: raise `memory-limit` if the machine has more, or use `on-limit: report` to let it go on.",
	},
	{
		[]Cause{CgroupOOM, KernelOOM, MemoryPressure}, nil, "Take a larger runner last",
		"If the tests do need more than the {machine} of this machine, a larger runner is the remedy; a leak will fill that one too.",
	},

	{
		[]Cause{HeapLimit}, runtime("V8"), "Raise the heap limit of Node",
		"Set `NODE_OPTIONS=--max-old-space-size=` to a number of MB that leaves room below {limit} for all workers together, or recycle workers (`jest --workerIdleMemoryLimit`).",
	},
	{
		[]Cause{HeapLimit}, runtime("JVM"), "Raise the heap of the tests' JVM",
		"Set `-Xmx` where the test JVM gets its arguments (Surefire `argLine`, Gradle `test { maxHeapSize }`), below {limit} with room for the build tool's own JVM.",
	},
	{
		[]Cause{HeapLimit}, runtime("PHP"), "Raise PHP's memory_limit",
		"Run the tests with `php -d memory_limit=` and a value above the present one; the container or machine has {limit}.",
	},
	{
		[]Cause{HeapLimit}, runtime(".NET"), "Raise .NET's heap limit",
		"Set `DOTNET_GCHeapHardLimit`, or `DOTNET_GCHeapHardLimitPercent`: by default .NET takes at most 75 % of a container's limit.",
	},
	{
		[]Cause{HeapLimit}, refusing, "See what limits the allocation",
		"{runtime} asked the system for memory and was refused: check `ulimit -v`, the overcommit setting (`/proc/sys/vm/overcommit_memory`), and whether the size that was asked for is meant.",
	},
	{
		[]Cause{HeapLimit}, isRunning, "Run the test alone",
		"Run {test} by itself with the same heap: if it passes, the tests before it leave memory behind.",
	},

	{
		[]Cause{Timeout}, isRunning, "Look at the test that was running",
		"{test} had been running for {ran} when the time was over: run it alone to see whether it hangs or is only slow.",
	},
	{
		[]Cause{Timeout}, isStepTimeout, "Raise the step's time limit",
		"If nothing hangs, raise `timeout-minutes` above {timeout}, or split the suite into several jobs.",
	},
	{
		[]Cause{Timeout}, notRunning, "Raise the time limit",
		"The run took {elapsed}: find what takes the time, or raise the limit that ended it.",
	},
	{
		[]Cause{Cancelled}, notTyped, "Find who cancelled",
		"A cancel comes from a person, a newer commit (`concurrency: cancel-in-progress`), a failed sibling (`fail-fast`) or a time limit; give `timeout-minutes` as `--timeout` so that oom143 can tell that one apart.",
	},
	{
		[]Cause{RunnerShutdown}, byNeighbour, "Stop the other process first",
		"{neighbour} is not part of the command: stop it before the tests begin, or start it with less memory (a Gradle or database daemon from an earlier step is typical).",
	},
	{
		[]Cause{RunnerShutdown}, byNeighbour, "Keep the service alive",
		"With `OOMPolicy=continue` in the runner's unit, systemd does not stop the whole service because of one kill.",
	},
	{
		[]Cause{RunnerShutdown}, noNeighbour, "Ask the runner, not the tests",
		"The tests did not cause this: look at the runner's own log and at what stops its machine (scale-down, spot reclaim, maintenance), then run the job again.",
	},
	{
		[]Cause{Killed}, bySelf, "Find the kill in the tests",
		"A process of the command sent the signal itself: look for a kill of the parent or of the process group in {suspect}.",
	},
	{
		[]Cause{Killed}, bySomebody, "Find who sent the signal",
		"Nothing points to memory: look for a kill in the tests' own clean-up (a wrong pid, `kill -- -PGID`, `pkill`), in scripts around them, or by another user of the machine.",
	},
	{
		[]Cause{Crashed}, nil, "Get a stack trace",
		"Run {suspect} alone with core dumps on (`ulimit -c unlimited`) or under a debugger; native extensions and mixed library versions are the usual suspects.",
	},
	{
		[]Cause{TestsFailed}, hadKill, "Mind the kill first",
		"A process was killed for memory during the run: failures after it may only follow from that.",
	},
	{
		[]Cause{TestsFailed}, noTrouble, "Read the tests' own output",
		"The exit status {status} is the command's own: what failed stands in its output.",
	},
	{
		[]Cause{Passed, TestsFailed}, warned, "Watch the memory",
		"The peak was {peak} of {limit}: see in the report which tests grew most before the limit is reached.",
	},
}

// advice fills in the table for a verdict.
func (v *view) advice(f *finding, verdict *Verdict) []Advice {
	values := v.values(f, verdict)
	var out []Advice
	for _, t := range tips {
		if !slices.Contains(t.causes, f.cause) || t.when != nil && !t.when(v, f, verdict) {
			continue
		}
		if detail, ok := fill(t.detail, values); ok && len(out) < maxAdvice {
			out = append(out, Advice{t.title, detail})
		}
	}
	return out
}

// fill replaces the names in braces; ok is false when a value is not known.
func fill(text string, values map[string]string) (filled string, ok bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, after, closed := strings.Cut(rest, "}")
		value, known := values[name]
		switch {
		case !closed || !known: // braces of the sentence itself
			b.WriteString("{")
			text = rest
			continue
		case value == "":
			return "", false
		}
		b.WriteString(value)
		text = after
	}
}

// values are what a detail can name; "" where it is not known.
func (v *view) values(f *finding, verdict *Verdict) map[string]string {
	values := map[string]string{
		"test": "", "tests": fmt.Sprint(len(verdict.Running)), "ran": "", "suspect": "the tests",
		"limit": "", "memory": "", "peak": "", "used": "", "machine": "",
		"command": quoted(v.argv()), "status": fmt.Sprint(v.status), "elapsed": v.elapsed(v.ended),
		"timeout": span(time.Duration(v.Start.Options.TimeoutMS) * time.Millisecond),
		"runtime": "", "daemon": "", "neighbour": "", "larger": "",
	}
	if n := v.NotStarted; n != nil && n.What != "" {
		values["command"] = quoted(n.What)
	}
	if len(verdict.Running) > 0 {
		first := verdict.Running[0]
		values["test"] = testName(first.ID)
		values["suspect"] = values["test"]
		if first.RunningMS > 0 {
			values["ran"] = span(time.Duration(first.RunningMS) * time.Millisecond)
		}
	}
	if l := v.limitOf(f); l != nil {
		values["limit"] = size(l.Limit)
		values["memory"] = DockerSize(l.Limit)
		if l.Peak > 0 {
			values["peak"] = size(l.Peak)
			values["used"] = size(l.Peak) + " of " + size(l.Limit)
		}
	}
	if total := v.Start.Machine.MemoryTotal; total > 0 {
		values["machine"] = size(total)
	}
	if f.message != nil {
		values["runtime"] = f.message.Runtime
	}
	if f.kill != nil {
		values["daemon"] = f.kill.daemon
	}
	if f.neighbour != nil && f.neighbour.command != "" {
		values["neighbour"] = process(f.neighbour.command, f.neighbour.rss)
	}
	if p, ok := v.largest(false); ok {
		values["larger"] = fmt.Sprintf("%s of memory (%s, pid %d)", size(resident(p)), program(p.Command), p.PID)
	}
	return values
}

// limitOf is the level that the verdict is about: the one whose limit was
// reached, the machine where that ran out, else the tightest.
func (v *view) limitOf(f *finding) *record.LevelState {
	if k := f.kill; k != nil {
		switch m := v.machine(); {
		case k.level >= 0:
			return &v.Levels[k.level]
		case k.cause() == CgroupOOM:
			return nil
		case m >= 0:
			return &v.Levels[m]
		}
	}
	return v.Binding()
}

// The conditions of the table.

func isRunning(_ *view, _ *finding, d *Verdict) bool  { return len(d.Running) > 0 }
func notRunning(_ *view, _ *finding, d *Verdict) bool { return len(d.Running) == 0 }
func severalRan(_ *view, _ *finding, d *Verdict) bool { return len(d.Running) > 1 }
func warned(v *view, _ *finding, d *Verdict) bool     { return d.Warning != "" && len(v.kills) == 0 }
func noTrouble(v *view, _ *finding, d *Verdict) bool {
	return d.Warning == "" && !d.FrameworkTallyWrong
}
func hadKill(v *view, _ *finding, _ *Verdict) bool { return len(v.kills) > 0 }

func ownLimit(_ *view, f *finding, _ *Verdict) bool     { return f.kill.level >= 0 }
func hiddenCgroup(_ *view, f *finding, _ *Verdict) bool { return f.kill.level < 0 }

func uncontained(v *view, _ *finding, _ *Verdict) bool {
	return !v.Start.Options.Contain && !v.Start.Machine.Container && !v.stoppedForLimit()
}

func stoppedByUs(v *view, _ *finding, _ *Verdict) bool { return v.stoppedForLimit() }
func notTyped(v *view, _ *finding, _ *Verdict) bool    { return !sentBy(v.stop.What, record.FromTerminal) }
func byNeighbour(_ *view, f *finding, _ *Verdict) bool { return f.neighbour != nil }
func noNeighbour(_ *view, f *finding, _ *Verdict) bool { return f.neighbour == nil }
func bySelf(v *view, _ *finding, _ *Verdict) bool      { return v.sentByCommand() }
func bySomebody(v *view, _ *finding, _ *Verdict) bool  { return !v.sentByCommand() }
func isStepTimeout(v *view, _ *finding, _ *Verdict) bool {
	return v.stop != nil && v.Start.Options.TimeoutMS > 0
}

// larger tells whether a process of others held more than a fifth of the
// machine's memory.
func larger(v *view, _ *finding, _ *Verdict) bool {
	p, ok := v.largest(false)
	return ok && v.Start.Machine.MemoryTotal > 0 && resident(p) > v.Start.Machine.MemoryTotal/5
}

func refusing(_ *view, f *finding, _ *Verdict) bool {
	return f.message != nil && slices.Contains(refused, f.message.Runtime)
}

func inPhase(name string) func(*view, *finding, *Verdict) bool {
	return func(_ *view, _ *finding, d *Verdict) bool { return d.Phase == name }
}

func runtime(name string) func(*view, *finding, *Verdict) bool {
	return func(_ *view, f *finding, _ *Verdict) bool { return f.message != nil && f.message.Runtime == name }
}

func startStatus(status int) func(*view, *finding, *Verdict) bool {
	return func(v *view, _ *finding, _ *Verdict) bool {
		return v.NotStarted != nil && v.NotStarted.Status == status
	}
}
