// Package diagnose turns a flight record into a verdict: what ended the
// command, how sure that is, what it rests on, and what to change.
//
// It is pure: the same record gives the same verdict, in the live run and in
// `oom143 explain`. Each cause is one rule in a file of its own; the first
// rule that has something to say, in the order of [rules], decides.
package diagnose

import (
	"time"

	"github.com/org/oom143-action/internal/record"
)

// Cause is what ended the command.
type Cause string

// The causes. Unknown is the cause of a record that supports none: the
// command had not ended and nothing had happened to it.
const (
	Passed         Cause = "passed"
	TestsFailed    Cause = "tests-failed"
	CgroupOOM      Cause = "cgroup-oom"
	KernelOOM      Cause = "kernel-oom"
	OOMDaemon      Cause = "oom-daemon"
	HeapLimit      Cause = "heap-limit"
	Timeout        Cause = "timeout"
	Cancelled      Cause = "cancelled"
	MemoryPressure Cause = "memory-pressure"
	RunnerShutdown Cause = "runner-shutdown"
	Killed         Cause = "killed"
	Crashed        Cause = "crashed"
	NotStarted     Cause = "not-started"
	Unknown        Cause = ""
)

// Certainty is how sure a cause, or a running test, is.
type Certainty string

// The certainties. A cause is Certain when a record of the kill names a
// process of the command or, for causes without a kill, when the exit status
// and the cause's own evidence agree; Likely when counters and timing agree;
// Possible when it rests on memory alone. Passed and Unknown have none.
const (
	Certain  Certainty = "certain"
	Likely   Certainty = "likely"
	Possible Certainty = "possible"
)

// weaker gives the less sure of two certainties.
func weaker(a, b Certainty) Certainty {
	rank := map[Certainty]int{Certain: 3, Likely: 2, Possible: 1}
	if rank[b] < rank[a] {
		return b
	}
	return a
}

// Evidence is one thing that a verdict rests on, or that was looked at and
// excluded.
type Evidence struct {
	Time   time.Time // zero when it belongs to no moment
	Source string    // "cgroup memory.events", "/proc/vmstat", "kernel log", "wait", "pidfd", "signal", "meminfo", "output", …
	Detail string    // one line
}

// Advice is one thing to change.
type Advice struct {
	Title  string // a few words, imperative
	Detail string // one sentence
}

// Victim is a process that was killed for memory. Fields that are not known
// are zero.
type Victim struct {
	PID        int
	Command    string
	RSS        uint64 // bytes
	Constraint string // "memcg", "none" or "node", as [record.Constraint]
	Ours       bool   // a process of the command
	Test       string // id of the test that was running in it
}

// RunningTest is a test that had started and not finished at the moment that
// decided the run.
type RunningTest struct {
	ID        string
	File      string // relative to the workspace
	Line      int    // where the test is defined; 0 when it is not known
	PID       int
	RunningMS int64
	Growth    int64 // bytes that memory gained since its start
	Source    string
	Certainty Certainty
	Framework string
}

// Verdict is the answer to what ended the command.
type Verdict struct {
	Cause Cause
	// OOM is true exactly when a process of the command was killed for
	// memory by the kernel or a daemon, whatever the cause.
	OOM       bool
	Certainty Certainty
	Headline  string // one sentence
	Evidence  []Evidence
	Advice    []Advice
	Victims   []Victim      // the command's own first
	Running   []RunningTest // the likeliest culprit first
	Phase     string        // what the framework did, when no test was running
	// Warning is a sentence for a run that passed, or failed by itself, when
	// a kill happened inside or the peak passed --warn-at.
	Warning string
	// FrameworkTallyWrong is true when the framework went on after one of
	// its processes had died: its own counts are not to be trusted.
	FrameworkTallyWrong bool
	Fit                 Fit
	Early               bool // the command had not ended: all is "so far"
}

// finding is what a rule found.
type finding struct {
	cause     Cause
	certainty Certainty
	at        time.Time // the moment that decided; zero for the end
	// The headline is what, the running test when during is set, and tail.
	what, tail string
	during     bool
	evidence   []Evidence
	kill       *kill           // the kill that is the cause
	death      *death          // the death that is the cause, memory or not
	neighbour  *kill           // the kill of another process that is the cause
	message    *record.Message // the words that are the cause
}

// A rule says that its cause is the case, or nothing. It sees the whole
// record; the order of [rules] settles who is heard first.
type rule func(*view) *finding

// rules are the causes in their precedence. The two in front cannot be said
// together with another one.
var rules = []rule{
	notStarted,
	passed,
	cgroupOOM,
	kernelOOM,
	oomDaemon,
	heapLimit,
	timeout,
	cancelled,
	memoryPressure,
	runnerShutdown,
	killed,
	crashed,
	testsFailed,
	unknown,
}

// Diagnose gives the verdict on a record. A record without an end gives the
// verdict so far.
func Diagnose(r *record.Record) Verdict {
	v := newView(r)
	var f *finding
	for _, says := range rules {
		if f = says(v); f != nil {
			break
		}
	}
	verdict := Verdict{
		Cause:     f.cause,
		OOM:       len(v.kills) > 0,
		Certainty: f.certainty,
		Early:     v.early,
	}
	verdict.Running, verdict.Phase = v.running(f)
	verdict.Victims = v.victims(f, verdict.Running)
	verdict.FrameworkTallyWrong = v.tallyWrong(f, verdict.Victims)
	verdict.Headline = v.headline(f, &verdict)
	verdict.Evidence = v.evidence(f, &verdict)
	verdict.Fit = v.fit(f)
	verdict.Warning = v.warning(f, &verdict)
	verdict.Advice = v.advice(f, &verdict)
	return verdict
}
