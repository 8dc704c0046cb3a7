package annotate

import (
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/org/oom143-action/internal/diagnose"
	"github.com/org/oom143-action/internal/record"
)

// extra is what [NewReport] keeps for the forms that people read.
type extra struct {
	warning   string
	fit       string // a sentence on the 7 GB runner
	script    bool
	processes []record.Process
	killed    []int // pids of the victims
}

// NewReport puts together what the record holds and what the verdict says. It
// keeps nothing that changes when more events are applied to the record.
func NewReport(r *record.Record, v diagnose.Verdict) *Report {
	rep := &Report{
		Version:   Version,
		Cause:     string(v.Cause),
		OOM:       v.OOM,
		Certainty: string(v.Certainty),
		Headline:  v.Headline,
		Evidence:  []Evidence{},
		Advice:    []Advice{},
		Command:   command(r),
		Signals:   []Signal{},
		Victims:   []Victim{},
		Memory:    memory(r, v.Cause),
		Tests:     tests(r, v),
		Runner:    runner(r.Start.Machine),
		extra: extra{
			warning: v.Warning,
			fit:     v.Fit.Sentence,
			script:  r.Start.Script,
		},
	}
	if v.Cause == diagnose.Passed {
		rep.Certainty = ""
	}
	for _, e := range v.Evidence {
		rep.Evidence = append(rep.Evidence, Evidence{Time{e.Time}, e.Source, e.Detail})
	}
	for _, a := range v.Advice {
		rep.Advice = append(rep.Advice, Advice{a.Title, a.Detail})
	}
	for _, s := range r.Signals {
		rep.Signals = append(rep.Signals, Signal{Time{s.Time}, s.What.Signal, "oom143", sender(s.What.From)})
	}
	for _, k := range v.Victims {
		rep.Victims = append(rep.Victims, Victim{
			PID: k.PID, Command: commandLine(k.Command), RSS: k.RSS, Constraint: k.Constraint, Ours: k.Ours, Test: k.Test,
		})
		rep.extra.killed = append(rep.extra.killed, k.PID)
	}
	if r.Processes != nil {
		rep.extra.processes = slices.Clone(r.Processes.Top)
	}
	return rep
}

func command(r *record.Record) *Command {
	c := &Command{Argv: record.Argv(r.Start.Argv), StartedAt: Time{r.Start.StartedAt}, EndedAt: Time{r.EndedAt}}
	switch {
	case r.End != nil:
		c.ExitCode, c.Signal = &r.End.Code, r.End.Signal
	case r.NotStarted != nil && r.NotStarted.Status != 0:
		c.ExitCode = &r.NotStarted.Status
	}
	if !r.EndedAt.IsZero() && !r.Start.StartedAt.IsZero() {
		ms := max(0, r.EndedAt.Sub(r.Start.StartedAt).Milliseconds())
		c.DurationMS = &ms
	}
	return c
}

func sender(s *record.Sender) *Sender {
	if s == nil || s.PID == 0 && s.Command == "" {
		return nil
	}
	return &Sender{s.PID, commandLine(s.Command)}
}

// level is the one that memory is reported against: after a kill by a cgroup's
// limit the innermost cgroup that counted it, else the binding one. On v2
// "oom" counts where the limit was reached and "oom_kill" where the victim
// was, and both count upwards; v1 has only the latter.
func level(r *record.Record, cause diagnose.Cause) *record.LevelState {
	if cause == diagnose.CgroupOOM {
		counted := func(of func(record.LevelCounters) uint64) *record.LevelState {
			for i := range r.Levels {
				l := &r.Levels[i]
				if l.Kind == record.CgroupLevel && l.Limit > 0 && of(l.Counters) > 0 {
					return l
				}
			}
			return nil
		}
		if l := counted(func(c record.LevelCounters) uint64 { return c.OOM }); l != nil {
			return l
		}
		if l := counted(func(c record.LevelCounters) uint64 { return c.OOMKill }); l != nil {
			return l
		}
	}
	return r.Binding()
}

func memory(r *record.Record, cause diagnose.Cause) *Memory {
	l := level(r, cause)
	if l == nil {
		return nil
	}
	m := &Memory{
		Limit:       l.Limit,
		LimitSource: string(l.Kind),
		Enforced:    l.Enforced(),
		Peak:        l.Peak,
		PeakAt:      Time{l.PeakAt},
		Others:      r.Others,
		SwapPeak:    r.SwapPeak,
		Samples:     r.Samples,
	}
	if cause == diagnose.CgroupOOM && l.Kind == record.CgroupLevel && l.Counters.OOMKill > 0 {
		m.Peak = max(m.Peak, l.Limit)
	}
	if l.Limit > 0 {
		m.PeakPercent = math.Round(float64(m.Peak)*1000/float64(l.Limit)) / 10
	}
	for _, p := range l.Timeline.Points() {
		m.Timeline = append(m.Timeline, Point{p.AtMS, p.Used})
	}
	if r.Processes != nil {
		for _, p := range r.Processes.Top {
			m.Top = append(m.Top, Process{p.PID, commandLine(p.Command), max(p.Peak, p.RSS)})
		}
	}
	return m
}

func tests(r *record.Record, v diagnose.Verdict) *Tests {
	seen := &r.Tests
	if len(seen.Frameworks) == 0 && seen.Started == 0 && seen.Finished == 0 && v.Phase == "" && len(v.Running) == 0 {
		return nil
	}
	t := &Tests{
		Frameworks: slices.Clone(seen.Frameworks),
		Started:    seen.Started,
		Finished:   seen.Finished,
		Running:    []RunningTest{},
	}
	for _, n := range v.Running {
		run := RunningTest{
			ID: n.ID, File: relative(n.File, r.Start.Workspace), PID: n.PID, RunningMS: n.RunningMS,
			Growth: n.Growth, Source: n.Source, Certainty: string(n.Certainty), framework: n.Framework,
		}
		if run.File != "" {
			run.Line = n.Line
		}
		t.Running = append(t.Running, run)
	}
	if len(t.Running) == 0 {
		t.Phase = v.Phase
	}
	if seen.LastFinished != "" {
		t.LastFinished = &TestID{seen.LastFinished}
	}
	for _, g := range seen.MostGrowth() {
		t.MostGrowth = append(t.MostGrowth, GrownTest{ID: g.ID, Growth: g.Growth, Overlapped: g.Overlapped})
	}
	return t
}

func runner(m record.Machine) *Runner {
	n := Runner{m.MemoryTotal, m.SwapTotal, m.CPUs, m.CgroupVersion}
	if n == (Runner{}) {
		return nil
	}
	return &n
}

// relative gives a file relative to the workspace, "" for one outside it.
func relative(file, workspace string) string {
	if file == "" {
		return ""
	}
	if filepath.IsAbs(file) {
		if workspace == "" {
			return ""
		}
		var err error
		if file, err = filepath.Rel(workspace, file); err != nil {
			return ""
		}
	}
	file = filepath.Clean(file)
	if !filepath.IsLocal(file) || file == "." {
		return ""
	}
	return file
}

func commandLine(s string) string { return record.CommandLine([]string{s}) }

// lasted is how long the run took, 0 where it is not known.
func (r *Report) lasted() time.Duration {
	if r.Command == nil || r.Command.DurationMS == nil {
		return 0
	}
	return time.Duration(*r.Command.DurationMS) * time.Millisecond
}

// likeliest is the running test that is the likeliest culprit, nil when none
// was running.
func (r *Report) likeliest() *RunningTest {
	if r.Tests == nil || len(r.Tests.Running) == 0 {
		return nil
	}
	return &r.Tests.Running[0]
}

// aboutMemory is true where memory is what ended the run, or killed in it.
func (r *Report) aboutMemory() bool {
	return r.OOM || r.Cause == string(diagnose.MemoryPressure) || r.Cause == string(diagnose.HeapLimit)
}

// quiet is true for a run that passed and has nothing to warn of.
func (r *Report) quiet() bool {
	return r.Cause == string(diagnose.Passed) && r.extra.warning == "" && !r.OOM
}
