package diagnose

import (
	"fmt"
	"slices"

	"github.com/org/oom143-action/internal/record"
)

// crashes are the signals that a process brings on itself.
var crashes = []string{"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS"}

// killed: a signal from some process ended the command or one of its
// processes, and nothing points to memory.
func killed(v *view) *finding {
	d := v.fatal()
	if d == nil || d.signal == "" || slices.Contains(crashes, d.signal) {
		return nil
	}
	f := &finding{
		cause: Killed, certainty: Certain, at: d.at, during: true, death: d,
		what:     fmt.Sprintf("%s ended %s", d.signal, d.name(v)),
		evidence: []Evidence{d.evidence()},
	}
	if !d.known() {
		f.certainty = Likely
	}
	if s := v.sentFor(d); s != nil {
		f.what = fmt.Sprintf("%s%s ended the run", d.signal, sender(s.What))
	}
	f.tail = v.notMemory(d.at)
	return f
}

// fatal is the death that the command ended with: its own, or that of one of
// its processes of which its exit status or a parent's words tell. Nil when the
// command ended by itself. Tests kill processes of their own all the time.
func (v *view) fatal() *death {
	var best *death
	for i := range v.deaths {
		d := &v.deaths[i]
		if d.main {
			return d
		}
		near := v.ended.Sub(d.at).Abs() <= killToExit
		passedOn := d.known() && near && d.signal != "" && v.passedOn(d.signal)
		told := d.told != nil && v.status > 0 && v.goesWith(*d.told, d.signal)
		if v.status > 0 && (passedOn || told) && (best == nil || best.signal == "") {
			best = d
		}
	}
	return best
}

// sentFor is the signal that one of the command's own processes sent to
// oom143, when the command died of it.
func (v *view) sentFor(d *death) *record.Timed[record.Signal] {
	for i := range v.Signals {
		s := &v.Signals[i]
		late := d.at.Sub(s.Time)
		if s.What.Signal == d.signal && s.What.From != nil && late > -together && late <= killToExit {
			return s
		}
	}
	return nil
}

// sentByCommand tells whether the command ended by a signal that one of its
// own processes sent.
func (v *view) sentByCommand() bool {
	for _, s := range v.Signals {
		if sentBy(s.What, record.FromCommand) && v.status == 128+signalNumber(s.What.Signal) && v.ended.Sub(s.Time) <= killToExit {
			return true
		}
	}
	return false
}
