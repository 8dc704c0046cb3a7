package diagnose

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/oom143-action/internal/record"
)

// heapLimit: a runtime reached a ceiling of its own, and a process ended with
// the status that goes with its words.
func heapLimit(v *view) *finding {
	var best *finding
	for i := range v.Messages {
		m := &v.Messages[i]
		old := v.stop != nil && v.stop.Time.Sub(m.Time) > killToExit // the run went on, until it was stopped
		if m.What.Kind != record.HeapLimit || old {
			continue
		}
		status, certainty, ok := v.confirmed(m.What)
		if !ok || best != nil && weaker(certainty, best.certainty) == certainty {
			continue
		}
		at := m.Time
		if at.After(v.ended) {
			at = v.ended
		}
		best = &finding{
			cause: HeapLimit, certainty: certainty, at: at, during: true, message: &m.What,
			what: fmt.Sprintf("%s (%s), and %s", ceilingWords(m.What), quoted(m.What.Text), status),
			tail: v.roomLeft(),
			evidence: []Evidence{
				{m.Time, "output", m.What.Runtime + ": " + quoted(m.What.Text)},
				{v.ended, "wait", status},
			},
		}
	}
	return best
}

// refused are the runtimes without a ceiling of their own: they tell that the
// system refused memory (ulimit -v, overcommit).
var refused = []string{"Python", "Go", "Ruby", "Rust", "C++", "Perl", "BEAM"}

func ceilingWords(m record.Message) string {
	name := m.Runtime
	if name == "JVM" {
		name = "The JVM"
	}
	switch {
	case slices.Contains(refused, m.Runtime):
		return name + " was refused memory"
	case m.Limit > 0:
		return fmt.Sprintf("%s reached its own memory limit of %s", name, size(m.Limit))
	}
	return name + " reached its own memory limit"
}

// roomLeft says that neither the container nor the machine was full.
func (v *view) roomLeft() string {
	i := v.tightest()
	if i < 0 || reaches(v.Levels[i].Peak, v.Levels[i].Limit, muchPercent) {
		return ""
	}
	return fmt.Sprintf("; no other limit was near (%s in use at most)", v.inUse())
}

// confirmed tells whether the words of a runtime or framework go with how the
// process that said them ended: in a clause, and how sure that is. Exit
// status 1 goes with anything that fails, and so is weaker.
func (v *view) confirmed(m record.Message) (status string, certainty Certainty, ok bool) {
	// The process itself, where it is known.
	for i := range v.deaths {
		d := &v.deaths[i]
		if d.signal != "" && slices.Contains(m.Statuses, 128+signalNumber(d.signal)) && (m.PID == 0 || d.pid == 0 || m.PID == d.pid) && !d.doubted {
			who := "a process of the command"
			if d.main {
				who = "the command"
			}
			return who + " was ended by " + d.signal, Certain, true
		}
		// A framework ends a worker that has told of its own end already.
		if m.PID != 0 && d.pid == m.PID && !d.doubted && d.signal == "SIGTERM" {
			return fmt.Sprintf("its process (pid %d) was ended by %s", m.PID, d.signal), Likely, true
		}
	}
	for _, o := range v.Messages {
		if o.What.Kind == record.WorkerKilled && o.What.Code != 0 && slices.Contains(m.Statuses, o.What.Code) && v.status != 0 {
			return fmt.Sprintf("a worker ended with exit status %d", o.What.Code), Certain, true
		}
	}
	if v.status <= 0 || v.stop != nil {
		return "", "", false // it has not failed by itself
	}
	status = fmt.Sprintf("the command ended with exit status %d", v.status)
	switch {
	case len(m.Statuses) == 0, slices.Contains(m.Statuses, v.status) && v.status == 1:
		return status, Likely, true
	case slices.Contains(m.Statuses, v.status):
		return status, Certain, true
	case v.goTestSwallowed(m):
		return status, Likely, true
	}
	return "", "", false
}

// goTestSwallowed tells whether `go test` stood between the words of a test
// binary, which ends with 2, and the exit status, which is then 1: the binary
// took a test with it that never finished.
func (v *view) goTestSwallowed(m record.Message) bool {
	if v.status != 1 || m.Runtime != "Go" && m.Runtime != "go test" || len(v.Start.Argv) == 0 {
		return false
	}
	direct := strings.HasSuffix(path.Base(v.Start.Argv[0]), ".test")
	return !direct && (m.Test != "" || len(v.Tests.Running(0)) > 0)
}
