package diagnose

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/org/oom143-action/internal/record"
)

// headline puts the sentence together: what happened, which test was running,
// and what else there is to know.
func (v *view) headline(f *finding, verdict *Verdict) string {
	s := f.what
	if f.during {
		s += during(verdict)
	}
	s += f.tail
	if verdict.FrameworkTallyWrong {
		s += "; the framework went on, so its own tally of tests is wrong"
	}
	if v.early && f.cause != Unknown && !strings.HasPrefix(f.what, brokeOff) {
		s = "So far: " + lower(s)
	}
	s = upper(s)
	return strings.TrimRight(s, ".") + "."
}

// during says which tests were running: ", while a and 2 other tests were running".
func during(verdict *Verdict) string {
	switch n := len(verdict.Running); {
	case n == 0 && verdict.Phase != "":
		return ", during " + phase(verdict.Phase)
	case n == 0:
		return ""
	case n == 1:
		return ", while " + testName(verdict.Running[0].ID) + " was running"
	default:
		return fmt.Sprintf(", while %s and %s were running", testName(verdict.Running[0].ID), plural(n-1, "other test", "other tests"))
	}
}

// phase names a phase in a sentence.
func phase(name string) string {
	switch name {
	case "collection":
		return "test collection"
	case "build":
		return "the build"
	case "setup", "teardown":
		return "test " + name
	}
	return record.Cut(name, 40)
}

// testName gives a test's id for a sentence; ids can be very long.
func testName(id string) string { return record.Cut(id, 160) }

// upper begins a sentence with a capital, unless it begins with a name.
func upper(s string) string {
	for _, name := range []string{"earlyoom", "nohang", "systemd-oomd", "oom143", "timeout(1)", "pytest", "go test", "jest"} {
		if strings.HasPrefix(s, name) {
			return s
		}
	}
	r, n := utf8.DecodeRuneInString(s)
	first, _, _ := strings.Cut(s, " ")
	if !unicode.IsLetter(r) || first != "a" && first != "the" {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// lower makes the begin of a sentence follow a colon.
func lower(s string) string {
	if rest, ok := strings.CutPrefix(s, "The "); ok {
		return "the " + rest
	}
	return s
}

// maxEvidence bounds the evidence of a verdict.
const maxEvidence = 30

// evidence lists what the verdict rests on, then what happened besides, then
// what was looked at and excluded.
func (v *view) evidence(f *finding, verdict *Verdict) []Evidence {
	var out []Evidence
	seen := map[Evidence]bool{}
	add := func(list ...Evidence) {
		for _, e := range list {
			key := e
			key.Time = time.Time{}
			if !seen[key] && len(out) < maxEvidence {
				seen[key] = true
				out = append(out, e)
			}
		}
	}
	add(f.evidence...)
	if f.kill != nil && f.kill.daemon == "" && !sourced(out, "/proc/vmstat") {
		add(v.machineCount(f.kill.at)...)
	}
	for i := range v.kills {
		if k := &v.kills[i]; k != f.kill && i < 5 {
			add(k.evidence...)
		}
	}
	if v.status >= 0 && !v.early && !sourced(out, "wait") {
		add(Evidence{v.ended, "wait", v.endWords()})
	}
	add(v.signalEvidence()...)
	add(v.memoryEvidence()...)
	if verdict.FrameworkTallyWrong {
		add(Evidence{time.Time{}, "output", "the framework went on after a process of its had died: its counts of passed and failed tests leave out what ran there"})
	}
	add(v.excluded(f)...)
	return out
}

func sourced(list []Evidence, source string) bool {
	for _, e := range list {
		if e.Source == source {
			return true
		}
	}
	return false
}

func (v *view) endWords() string {
	if v.signal != "" {
		return "the command was ended by " + v.signal
	}
	return fmt.Sprintf("the command ended with exit status %d", v.status)
}

// excluded tells what could be taken for a cause and is none.
func (v *view) excluded(f *finding) []Evidence {
	var out []Evidence
	for i := range v.others {
		k := &v.others[i]
		if k == f.neighbour || i >= 3 {
			continue
		}
		killer := "an OOM kill elsewhere on the machine"
		if k.daemon != "" {
			killer = "a kill by " + k.daemon
		}
		out = append(out, Evidence{k.at, k.evidence[0].Source, fmt.Sprintf("not the command's: %s, of %s", killer, withPID(k.command, k.rss, k.pid))})
	}
	if v.earlier > 0 {
		out = append(out, Evidence{time.Time{}, "kernel log", "not this run's: " + plural(v.earlier, "kill", "kills") + " from before the command was started"})
	}
	if len(v.others) == 0 && len(v.kills) == 0 && f.cause != MemoryPressure {
		out = append(out, v.foreignCounts()...)
	}
	if f.kill == nil && len(v.kills) == 0 {
		for i := range v.Messages {
			m := &v.Messages[i]
			if &m.What == f.message || m.What.Kind == record.TimedOut || v.believed(f, &m.What) || v.early || v.status == 0 || len(out) > 5 {
				continue
			}
			out = append(out, Evidence{m.Time, "output", fmt.Sprintf("not relied on, since a test can print it: %s", quoted(m.What.Text))})
		}
	}
	return out
}

// foreignCounts are the counters that moved for a kill that was not, as far as
// is known, one of the command's processes.
func (v *view) foreignCounts() []Evidence {
	why := "no process of the command is known to have died of it"
	if v.exclusive() {
		why = "the command's own cgroup counted none"
	}
	var out []Evidence
	for i, l := range v.Levels {
		if l.Counters.OOMKill == 0 {
			continue
		}
		out = append(out, Evidence{time.Time{}, v.countSource(i), fmt.Sprintf("not the command's: oom_kill 0 -> %d, but %s", l.Counters.OOMKill, why)})
	}
	return out
}

// believed tells whether the verdict uses words of the output.
func (v *view) believed(f *finding, m *record.Message) bool {
	if f.death != nil && f.death.told == m || f.cause == HeapLimit || f.cause == MemoryPressure {
		return true
	}
	for i := range v.deaths {
		if d := &v.deaths[i]; d.told == m && !d.doubted {
			return true
		}
	}
	return false
}
