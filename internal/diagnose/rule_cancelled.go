package diagnose

import "fmt"

// cancelled: SIGINT came first, from the runner or from Ctrl-C.
func cancelled(v *view) *finding {
	if !v.stoppedBy("SIGINT") || v.stoppedForLimit() {
		return nil
	}
	verb := "was"
	if v.early {
		verb = "is being"
	}
	return &finding{
		cause: Cancelled, certainty: v.agrees(), at: v.stop.Time, during: true,
		what: fmt.Sprintf("The run %s cancelled after %s (SIGINT%s)", verb, v.elapsed(v.stop.Time), sender(v.stop.What)),
		tail: v.notMemory(v.stop.Time),
	}
}
