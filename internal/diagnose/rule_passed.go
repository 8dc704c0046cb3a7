package diagnose

import "fmt"

// passed: exit status 0, always. A kill inside shows in OOM, Victims and
// Warning.
func passed(v *view) *finding {
	if v.status != 0 {
		return nil
	}
	f := &finding{cause: Passed, what: "The command passed in " + v.elapsed(v.ended), evidence: []Evidence{{v.ended, "wait", "exit status 0"}}}
	switch use := v.inUse(); {
	case len(v.kills) > 0:
		k := &v.kills[0]
		f.at = k.at
		f.what += fmt.Sprintf(", although %s was killed for memory", process(k.command, k.rss))
		f.evidence = append(f.evidence, k.evidence...)
	case use != "":
		f.what += fmt.Sprintf(" (%s in use at most)", use)
	}
	return f
}
