package diagnose

import (
	"fmt"
	"strings"
)

// notStarted: the command could not be started.
func notStarted(v *view) *finding {
	n := v.NotStarted
	if n == nil {
		return nil
	}
	why := strings.TrimRight(n.Detail, ". ")
	f := &finding{
		cause: NotStarted, certainty: Certain, at: v.ended,
		what:     fmt.Sprintf("%s could not be started: %s", startName(n.What, v.argv()), why),
		evidence: []Evidence{{v.EndedAt, "exec", fmt.Sprintf("%s (exit status %d)", why, n.Status)}},
	}
	return f
}

func startName(what, argv string) string {
	switch {
	case what != "":
		return quoted(what)
	case argv != "":
		return quoted(argv)
	}
	return "The command"
}
