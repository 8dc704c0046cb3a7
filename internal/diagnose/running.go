package diagnose

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// running gives the tests that had started and not finished at the moment of
// the finding, the likeliest culprit first: one in the process that died, then
// the one whose memory grew most, then the one that started first. Without a
// test it gives the framework's phase.
func (v *view) running(f *finding) ([]RunningTest, string) {
	if f.cause == NotStarted || f.cause == Passed && f.at.IsZero() {
		return nil, ""
	}
	at := f.at
	if at.IsZero() {
		at = v.ended
	}
	dead := v.deadPIDs(f)
	var list []candidate
	for _, t := range v.Tests.RunningAt(at, v.usedAt(at)) {
		list = append(list, v.candidate(t, at, dead))
	}
	list = v.addNamed(list, f)
	shared := 0
	for _, c := range list {
		if c.inDead {
			shared++
		}
	}
	slices.SortStableFunc(list, func(a, b candidate) int {
		if a.inDead != b.inDead {
			if a.inDead {
				return -1
			}
			return 1
		}
		return cmp.Compare(max(b.Growth, 0), max(a.Growth, 0))
	})
	var out []RunningTest
	for _, c := range list {
		switch {
		case len(dead) > 0 && !c.inDead, c.inDead && shared > 1:
			c.Certainty = weaker(c.Certainty, Likely)
		}
		out = append(out, c.RunningTest)
	}
	if len(out) == 0 {
		return nil, v.Tests.Phase
	}
	return out, ""
}

// candidate is a running test with whether it ran in a process that died.
type candidate struct {
	RunningTest
	inDead bool
}

// dying is a process that died, and its memory then.
type dying struct {
	pid int
	rss uint64
}

// deadPIDs are the processes whose death the finding is about.
func (v *view) deadPIDs(f *finding) []dying {
	var out []dying
	for i := range v.kills {
		if k := &v.kills[i]; k.pid != 0 && (f.kill == nil || v.ledToEnd(k)) {
			out = append(out, dying{k.pid, k.rss})
		}
	}
	if f.death != nil && f.death.pid != 0 {
		out = append(out, dying{f.death.pid, 0})
	}
	if f.message != nil && f.message.PID != 0 {
		out = append(out, dying{f.message.PID, 0})
	}
	return out
}

func (v *view) candidate(t record.RunningTest, at time.Time, dead []dying) candidate {
	c := candidate{RunningTest: RunningTest{
		ID: t.ID, File: t.File, Line: t.Line, PID: t.PID, Growth: t.Growth, Source: t.Source, Framework: t.Framework,
		RunningMS: max(at.Sub(t.Since).Milliseconds(), 0), Certainty: certaintyOf(t.Test),
	}}
	for _, d := range dead {
		if t.PID == 0 || t.PID != d.pid && !v.descends(d.pid, t.PID) {
			continue
		}
		c.inDead = true
		if t.PID == d.pid && d.rss > 0 && t.RSS > 0 {
			c.Growth = int64(d.rss) - int64(t.RSS)
		}
		if t.PID != d.pid {
			c.Certainty = weaker(c.Certainty, Likely) // a child of the test's process
		}
		break
	}
	return c
}

// certaintyOf is how sure it is that this very test is meant.
func certaintyOf(t record.Test) Certainty {
	switch {
	case t.Certainty != "":
		return Certainty(t.Certainty)
	case t.Source == "plugin":
		return Certain
	}
	return Likely
}

// descends tells whether a process is a child, grandchild and so on of
// another, as far as the processes at the peak show it.
func (v *view) descends(pid, from int) bool {
	for range record.MaxProcesses {
		p, ok := v.lookup(pid)
		if !ok || p.Parent == 0 {
			return false
		}
		if p.Parent == from {
			return true
		}
		pid = p.Parent
	}
	return false
}

// addNamed takes the test that the words about a death name.
func (v *view) addNamed(list []candidate, f *finding) []candidate {
	for _, m := range v.wordsOf(f) {
		if m == nil || m.Test == "" {
			continue
		}
		i := slices.IndexFunc(list, func(c candidate) bool { return c.ID == m.Test })
		if i >= 0 {
			list[i].inDead = true
			continue
		}
		if slices.ContainsFunc(list, func(c candidate) bool { return c.Source == "plugin" && strings.HasPrefix(m.Runtime, c.Framework) }) {
			continue // the framework itself has told, in full, what was running
		}
		file, line := v.Tests.Where(m.Test)
		list = append(list, candidate{inDead: true, RunningTest: RunningTest{
			ID: m.Test, File: file, Line: line, PID: m.PID, Source: "output", Certainty: Likely,
		}})
	}
	return list
}

// wordsOf are the words about the death that the finding is about.
func (v *view) wordsOf(f *finding) []*record.Message {
	words := []*record.Message{f.message}
	if f.kill != nil {
		words = append(words, f.kill.told)
	} else if len(v.kills) > 0 {
		words = append(words, v.kills[0].told)
	}
	if f.death != nil {
		words = append(words, f.death.told)
	}
	return words
}

// usedAt is the memory in use at a moment at the level that came closest to
// its limit, in bytes.
func (v *view) usedAt(at time.Time) uint64 {
	b := v.Binding()
	if b == nil {
		return 0
	}
	state := v.At(at)
	for i := range v.Levels {
		if &v.Levels[i] == b && i < len(state.Used) && state.Used[i] > 0 {
			return state.Used[i]
		}
	}
	return b.Last
}

// maxVictims bounds the victims of a verdict.
const maxVictims = 20

// victims gives the processes that were killed for memory, the one that
// decided first; a neighbour is among them when its kill stopped the run.
func (v *view) victims(f *finding, running []RunningTest) []Victim {
	var out []Victim
	for i := range v.kills {
		k := &v.kills[i]
		if k.pid == 0 && k.command == "" {
			continue
		}
		victim := Victim{PID: k.pid, Command: k.command, RSS: k.rss, Constraint: string(k.constraint), Ours: true, Test: v.testIn(k, running)}
		if k == f.kill {
			out = slices.Insert(out, 0, victim)
		} else {
			out = append(out, victim)
		}
	}
	if n := f.neighbour; n != nil {
		out = append(out, Victim{PID: n.pid, Command: n.command, RSS: n.rss, Constraint: string(n.constraint)})
	}
	return out[:min(len(out), maxVictims)]
}

// testIn is the test that ran in a process that was killed, "" when that is
// not known.
func (v *view) testIn(k *kill, running []RunningTest) string {
	told := ""
	if k.told != nil {
		told = k.told.Test
	}
	if slices.ContainsFunc(running, func(t RunningTest) bool { return t.ID == told }) {
		return told
	}
	found := ""
	for _, t := range running {
		if k.pid == 0 || t.PID == 0 || t.PID != k.pid && !v.descends(k.pid, t.PID) {
			continue
		}
		if found != "" {
			return "" // several ran in it
		}
		found = t.ID
	}
	if found == "" && k.main && len(running) == 1 {
		return running[0].ID
	}
	return cmp.Or(found, told)
}

// tools are those whose words about a death are not a test framework's.
var tools = []string{"bash", "sh", "make", "npm", "yarn", "pnpm", "kubectl", "gcc", "clang", "go", "just", "tox", "Python", "cargo", "ninja"}

// tallyWrong tells whether a framework went on after one of its processes had
// died, so that its own counts of passed and failed tests are wrong.
func (v *view) tallyWrong(f *finding, victims []Victim) bool {
	if !v.chosen() || v.stop != nil {
		return false
	}
	for i := range v.kills {
		k := &v.kills[i]
		inTest := slices.ContainsFunc(victims, func(x Victim) bool { return x.Ours && x.PID == k.pid && x.Test != "" })
		if !k.main && (frameworks(k.told) || k.told == nil && inTest && !v.passedOn("SIGKILL")) {
			return true
		}
	}
	if d := f.death; d != nil && !d.main && frameworks(d.told) {
		return true
	}
	return f.message != nil && f.message.Kind == record.WorkerKilled && frameworks(f.message)
}

// frameworks tells whether words are a test framework's.
func frameworks(m *record.Message) bool {
	return m != nil && m.Kind == record.WorkerKilled && !slices.Contains(tools, m.Runtime)
}
