package diagnose

import (
	"fmt"
)

// defaultWarnAt is --warn-at where the record does not tell it, in percent.
const defaultWarnAt = 80

// warning is the sentence for a run that passed, or failed by itself, and
// still has something to say about memory; "" for all others.
func (v *view) warning(f *finding, verdict *Verdict) string {
	if f.cause != Passed && f.cause != TestsFailed {
		return ""
	}
	end := "passed"
	if f.cause == TestsFailed {
		end = fmt.Sprintf("ended by itself with exit status %d", v.status)
	}
	if len(v.kills) > 0 {
		k := &v.kills[0]
		s := fmt.Sprintf("The command %s, but %s killed %s for memory %s before the end%s",
			end, k.killer(), process(k.command, k.rss), span(v.ended.Sub(k.at)), during(verdict))
		if verdict.FrameworkTallyWrong {
			s += "; the framework's own tally of tests is wrong"
		}
		return s + "."
	}
	b := v.Binding()
	warnAt := v.Start.Options.WarnAt
	if warnAt <= 0 {
		warnAt = defaultWarnAt
	}
	if b == nil || !reaches(b.Peak, b.Limit, float64(warnAt)) {
		return ""
	}
	what := "the limit"
	for i := range v.Levels {
		if &v.Levels[i] != b {
			continue
		}
		switch {
		case b.Kind == "machine":
			what = "the machine's memory"
		case b.Enforced():
			what = "the limit of " + v.place(i)
		}
	}
	return fmt.Sprintf("The command %s, but used memory reached %s, %.0f %% of %s (%s).",
		end, size(b.Peak), float64(b.Peak)/float64(b.Limit)*100, what, size(b.Limit))
}
