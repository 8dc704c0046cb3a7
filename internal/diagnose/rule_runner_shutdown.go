package diagnose

import "fmt"

// runnerShutdown: SIGTERM came to oom143 first, and neither a kill of ours nor
// exhausted memory explains it. A neighbour's OOM kill may.
func runnerShutdown(v *view) *finding {
	if !v.stoppedBy("SIGTERM") {
		return nil
	}
	f := &finding{cause: RunnerShutdown, certainty: v.agrees(), at: v.stop.Time, during: true}
	verb := "stopped"
	if v.early {
		verb = "is stopping"
	}
	f.what = fmt.Sprintf("SIGTERM%s %s the run", sender(v.stop.What), verb)
	n := v.neighbour()
	if n == nil {
		f.what += " after " + v.elapsed(v.stop.Time)
		f.tail = v.notMemory(v.stop.Time)
		return f
	}
	f.neighbour = n
	f.certainty = weaker(f.certainty, n.certainty)
	f.evidence = n.evidence
	who := process(n.command, n.rss)
	if n.command == "" {
		who = "a process"
	}
	link := "just after"
	if n.service {
		link = "because"
	}
	f.what += fmt.Sprintf(" %s %s killed %s, which is not part of the command", link, n.killer(), who)
	f.tail = "; the tests were not the reason"
	if own := v.commandPeak(); own > 0 {
		f.tail += fmt.Sprintf(" (the command used %s at most)", size(own))
	}
	return f
}

// neighbour is the kill of another process that the SIGTERM followed; nil
// when there was none.
func (v *view) neighbour() *kill {
	if v.stop == nil {
		return nil
	}
	var best *kill
	for i := range v.others {
		k := &v.others[i]
		late := v.stop.Time.Sub(k.at)
		if late > -noticed && late <= killToExit && (best == nil || k.service && !best.service || k.service == best.service && k.rss > best.rss) {
			best = k
		}
	}
	return best
}
