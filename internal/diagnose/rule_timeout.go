package diagnose

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// nearTimeout is how close a SIGINT has to be to --timeout: the runner counts
// from the step's start, which is before the command's.
const nearTimeout = 30 * time.Second

// timeout: a time limit ended the run: the step's, timeout(1)'s, or the test
// framework's own.
func timeout(v *view) *finding {
	for _, says := range []rule{stepTimeout, timeoutAround, timeoutCommand, frameworkTimeout} {
		if f := says(v); f != nil {
			return f
		}
	}
	return nil
}

func stepTimeout(v *view) *finding {
	limit := time.Duration(v.Start.Options.TimeoutMS) * time.Millisecond
	if limit <= 0 || !v.stoppedBy("SIGINT") || sentBy(v.stop.What, record.FromTerminal) {
		return nil
	}
	ran := v.stop.Time.Sub(v.Start.StartedAt)
	if (ran - limit).Abs() > nearTimeout {
		return nil
	}
	return &finding{
		cause: Timeout, certainty: v.agrees(), at: v.stop.Time, during: true,
		what: fmt.Sprintf("The step's time limit of %s stopped the run: SIGINT%s came after %s", span(limit), sender(v.stop.What), span(ran)),
		tail: v.notMemory(v.stop.Time),
	}
}

// agrees is the certainty of a cause that a signal stands for: it is certain
// when its sender is known.
func (v *view) agrees() Certainty {
	if v.stop.What.From == nil {
		return Likely
	}
	return Certain
}

// timeoutAround is timeout(1) as the parent of oom143.
func timeoutAround(v *view) *finding {
	if v.stop == nil || v.stop.What.From == nil || program(v.stop.What.From.Command) != "timeout" {
		return nil
	}
	return &finding{
		cause: Timeout, certainty: Certain, at: v.stop.Time, during: true,
		what: fmt.Sprintf("timeout(1) stopped the run with %s after %s", v.stop.What.Signal, v.elapsed(v.stop.Time)),
		tail: v.notMemory(v.stop.Time),
	}
}

// timeoutStatus is what timeout(1) ends with when the time is over.
const timeoutStatus = 124

// timeoutWord finds the command timeout in a shell script.
var timeoutWord = regexp.MustCompile(`(?:^|[\s;&|(])(?:/\S*/)?timeout\s`)

// timeoutCommand is timeout(1) as the command, or in its script: its exit
// status together with its name or its words.
func timeoutCommand(v *view) *finding {
	if v.status != timeoutStatus || !v.chosen() {
		return nil
	}
	f := &finding{
		cause: Timeout, certainty: Certain, during: true,
		what:     fmt.Sprintf("timeout(1) ended the command after %s (exit status 124)", v.elapsed(v.ended)),
		tail:     v.notMemory(v.ended),
		evidence: []Evidence{{v.ended, "wait", "exit status 124, which is timeout(1)'s for a time that is over"}},
	}
	for _, m := range v.Messages {
		if m.What.Kind == record.TimedOut && m.What.Runtime == "timeout" {
			f.evidence = append(f.evidence, Evidence{m.Time, "output", quoted(m.What.Text)})
			return f
		}
	}
	line := strings.Join(v.Start.Argv, " ")
	if len(v.Start.Argv) > 0 && path.Base(v.Start.Argv[0]) == "timeout" || timeoutWord.MatchString(line) {
		return f
	}
	if v.Start.Script && strings.HasSuffix(line, "…") {
		f.certainty = Possible // the record does not hold the whole script
		f.what = fmt.Sprintf("The command ended after %s with exit status 124, which is timeout(1)'s for a time that is over", v.elapsed(v.ended))
		return f
	}
	return nil
}

// frameworkTimeout is a framework's own words, with the exit status that goes
// with them.
func frameworkTimeout(v *view) *finding {
	for i := range v.Messages {
		m := &v.Messages[i]
		if m.What.Kind != record.TimedOut || m.What.Runtime == "timeout" && !slices.Contains(m.What.Statuses, v.status) {
			continue
		}
		status, certainty, ok := v.confirmed(m.What)
		if !ok {
			continue
		}
		return &finding{
			cause: Timeout, certainty: certainty, at: m.Time, during: true, message: &m.What,
			what:     fmt.Sprintf("%s ended the run at its own time limit (%s)", m.What.Runtime, quoted(m.What.Text)),
			tail:     v.notMemory(m.Time),
			evidence: []Evidence{{m.Time, "output", m.What.Runtime + ": " + quoted(m.What.Text)}, {v.ended, "wait", status}},
		}
	}
	return nil
}
