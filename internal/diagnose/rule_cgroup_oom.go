package diagnose

import (
	"fmt"

	"github.com/org/oom143-action/internal/record"
)

// cgroupOOM: the kernel killed a process of the command because a limit of a
// container, pod or other cgroup was reached.
func cgroupOOM(v *view) *finding {
	k := v.decisive(CgroupOOM)
	if k == nil {
		return nil
	}
	return v.killFinding(k, fmt.Sprintf("The kernel %s %s because %s", k.verb(), v.victimWords(k), v.reached(k)))
}

// verb says as much as is sure.
func (k *kill) verb() string {
	if k.certainty == Possible {
		return "probably killed"
	}
	return "killed"
}

// reached says which limit was reached.
func (v *view) reached(k *kill) string {
	if k.level < 0 {
		return "the memory limit of a cgroup that oom143 cannot see was reached"
	}
	l := v.Levels[k.level]
	limit := "its memory limit of " + size(l.Limit)
	if l.Made && l.Own {
		return "the command reached " + limit
	}
	return v.place(k.level) + " reached " + limit
}

// victimWords names the process that was killed, and how many more were.
func (v *view) victimWords(k *kill) string {
	name := process(k.command, k.rss)
	if k.guessed {
		name = "a process of the command, most likely " + name + ","
	}
	more := -1
	for i := range v.kills {
		if v.kills[i].cause() == k.cause() && v.ledToEnd(&v.kills[i]) {
			more++
		}
	}
	if more > 0 {
		name += " and " + plural(more, "more process", "more processes")
	}
	return name
}

// killFinding is what all kills for memory have in common.
func (v *view) killFinding(k *kill, what string) *finding {
	return &finding{
		cause: k.cause(), certainty: k.certainty, at: k.at, what: what, tail: v.spared(k) + v.serviceStopped(k),
		during: true, evidence: k.evidence, kill: k,
	}
}

// spared says that a larger process than the victim was alive: oom143 gives
// the command a higher oom_score_adj, so the victim need not be the culprit.
func (v *view) spared(k *kill) string {
	if k.guessed || k.rss == 0 || v.Processes == nil {
		return ""
	}
	size := k.rss
	if p, ok := v.lookup(k.pid); ok {
		size = max(size, resident(p))
	}
	for _, p := range v.Processes.Top {
		if p.PID == k.pid || resident(p) <= size || (k.constraint == record.MemcgConstraint && !p.Ours) {
			continue
		}
		whose := "another process, "
		if p.Ours {
			whose = "another process of the command, "
		}
		return fmt.Sprintf("; %s%s, was larger and was not killed", whose, process(p.Command, resident(p)))
	}
	return ""
}

// serviceStopped says that the kill was followed by a SIGTERM to all. systemd
// stops a service in which a process was OOM-killed (OOMPolicy=stop,
// systemd.service(5)).
func (v *view) serviceStopped(k *kill) string {
	for _, s := range v.Signals {
		late := s.Time.Sub(k.at)
		if k.stopped { // that signal is the kill
			continue
		}
		if s.What.Signal != "SIGTERM" || sentBy(s.What, record.FromCommand) || late < -noticed || late > killToExit {
			continue
		}
		if s.What.From == nil || s.What.From.Kind == record.FromManager {
			return "; the runner's service was stopped because of this kill"
		}
		return "; SIGTERM" + sender(s.What) + " followed"
	}
	return ""
}
