package diagnose

import (
	"fmt"
	"slices"
)

// crashed: a process of the command ended itself by a fault or an abort, and
// no runtime said that it had reached its heap limit.
func crashed(v *view) *finding {
	d := v.fatal()
	if d == nil || !slices.Contains(crashes, d.signal) {
		return nil
	}
	f := &finding{
		cause: Crashed, certainty: Certain, at: d.at, during: true, death: d,
		what:     fmt.Sprintf("%s crashed (%s, %s)", d.name(v), d.signal, meanings[d.signal]),
		tail:     v.notMemory(d.at),
		evidence: []Evidence{d.evidence()},
	}
	if !d.known() {
		f.certainty = Likely
	}
	return f
}

// meanings are what the crashing signals stand for (signal(7)).
var meanings = map[string]string{
	"SIGSEGV": "an invalid memory reference",
	"SIGABRT": "an abort by the program itself",
	"SIGBUS":  "an access to memory that is not there",
	"SIGILL":  "an illegal instruction",
	"SIGFPE":  "an arithmetic error",
	"SIGTRAP": "a trap set by the program",
	"SIGSYS":  "a forbidden system call",
}
