package diagnose

import (
	"fmt"

	"github.com/org/oom143-action/internal/record"
)

// unknown: the command has not ended, and nothing has happened to it.
func unknown(v *view) *finding {
	f := &finding{cause: Unknown, at: v.ended, during: true}
	last := ""
	if b := v.Binding(); b != nil && b.Last > 0 {
		last = fmt.Sprintf("; %s of %s was in use last", size(b.Last), size(b.Limit))
	}
	f.what = brokeOff + " after " + v.elapsed(v.LastAt) + " without the command's end"
	f.tail = last + "; what ended the run is not known"
	if len(v.Signals) > 0 {
		s := v.Signals[0]
		f.what = fmt.Sprintf("The command goes on after %s%s", s.What.Signal, sender(s.What))
		f.tail = last
		if sentBy(s.What, record.FromCommand) {
			f.tail += "; so far nothing has ended it"
		}
	}
	return f
}
