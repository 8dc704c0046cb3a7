package diagnose

import (
	"fmt"

	"github.com/org/oom143-action/internal/record"
)

// testsFailed: the command chose a non-zero exit status itself, 137 and 143
// included.
func testsFailed(v *view) *finding {
	if v.status <= 0 {
		return nil
	}
	f := &finding{
		cause: TestsFailed, certainty: Certain, at: v.ended,
		what: fmt.Sprintf("The command ended by itself with exit status %d", v.status),
		evidence: []Evidence{
			{v.ended, "wait", fmt.Sprintf("exit status %d, chosen by the command", v.status)},
		},
	}
	switch {
	case len(v.kills) > 0:
		f.at = v.kills[0].at
		f.what += fmt.Sprintf(", %s after %s was killed for memory and the run went on", span(v.ended.Sub(v.kills[0].at)), process(v.kills[0].command, v.kills[0].rss))
	case v.signalWords() != "":
		f.what += v.signalWords()
		f.tail = v.notMemory(v.ended)
	default:
		f.tail = v.notMemory(v.ended)
	}
	if m := v.workerDied(); m != nil && len(v.kills) == 0 {
		f.message = m
		f.tail = fmt.Sprintf("; %s says that one of its workers died, of what is not known%s", m.Runtime, v.notMemory(v.ended))
		f.evidence = append(f.evidence, Evidence{v.ended, "output", m.Runtime + ": " + quoted(m.Text)})
	}
	return f
}

// signalWords says that an exit status which looks like a signal's was the
// command's own choice.
func (v *view) signalWords() string {
	if signal := signalOf(v.status); signal == "SIGKILL" || signal == "SIGTERM" {
		return fmt.Sprintf("; no process is known to have died of %s", signal)
	}
	return ""
}

// workerDied is a framework's word that a worker died, without how.
func (v *view) workerDied() *record.Message {
	for i := range v.deaths {
		if d := &v.deaths[i]; d.signal == "" && d.told != nil && !d.doubted {
			return d.told
		}
	}
	return nil
}
