package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// firstStop is the first SIGINT or SIGTERM that came to oom143 from outside
// the command and can have led to its end; nil when there is none. Which of the two
// comes first tells a cancel from a shutdown: the runner cancels with SIGINT,
// then SIGTERM after 7.5 s, then SIGKILL after 2.5 s
// (Runner.Sdk/ProcessInvoker.cs), service managers and container engines begin with SIGTERM.
func (v *view) firstStop() *record.Timed[record.Signal] {
	var stops []*record.Timed[record.Signal]
	for i := range v.Signals {
		s := &v.Signals[i]
		switch {
		case s.What.Signal != "SIGINT" && s.What.Signal != "SIGTERM":
		case sentBy(s.What, record.FromCommand):
		case s.Time.After(v.ended) && !v.endedLike(s):
		default:
			stops = append(stops, s)
		}
	}
	slices.SortStableFunc(stops, func(a, b *record.Timed[record.Signal]) int { return a.Time.Compare(b.Time) })
	for i, s := range stops {
		next := v.ended
		if i+1 < len(stops) {
			next = stops[i+1].Time
		}
		outlived := next.Sub(s.Time) > longestGrace && (i+1 < len(stops) || v.chosen())
		if !outlived {
			return s
		}
	}
	return nil
}

// endedLike tells whether the command ended by a signal that was only noted
// just after: a service manager signals all processes at once.
func (v *view) endedLike(s *record.Timed[record.Signal]) bool {
	return s.Time.Sub(v.ended) <= time.Second && v.status == 128+signalNumber(s.What.Signal)
}

func sentBy(s record.Signal, kind record.SenderKind) bool {
	return s.From != nil && s.From.Kind == kind
}

// stoppedBy tells whether the run was stopped by this signal first.
func (v *view) stoppedBy(signal string) bool {
	return v.stop != nil && v.stop.What.Signal == signal
}

// sender names who sent a signal, with a preposition: " from the service
// manager"; "" when it is not known.
func sender(s record.Signal) string {
	if s.From == nil {
		return ""
	}
	name := program(s.From.Command)
	switch s.From.Kind {
	case record.FromManager:
		return " from the service manager"
	case record.FromTerminal:
		return " from the terminal"
	case record.FromOutside:
		return " from outside the container"
	case record.FromRunner:
		if name == "" {
			return " from the runner"
		}
		return " from " + name
	case record.FromCommand:
		if name == "" {
			name = "a process"
		}
		return fmt.Sprintf(" from the command's own %s (pid %d)", name, s.From.PID)
	}
	if name == "" {
		return fmt.Sprintf(" from pid %d", s.From.PID)
	}
	return fmt.Sprintf(" from %s (pid %d)", name, s.From.PID)
}

// elapsed is the time from the command's start to t.
func (v *view) elapsed(t time.Time) string { return span(t.Sub(v.Start.StartedAt)) }

// signalEvidence tells of all signals that oom143 received.
func (v *view) signalEvidence() []Evidence {
	var out []Evidence
	for i, s := range v.Signals {
		if i >= 5 && i < len(v.Signals)-1 {
			continue
		}
		out = append(out, Evidence{s.Time, "signal", s.What.Signal + " to oom143" + sender(s.What)})
	}
	return out
}
