package diagnose

import (
	"fmt"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// What counts as memory being all but exhausted.
const (
	exhaustedPercent = 95 // of an enforced limit, or of the machine, in use
	tightPercent     = 5  // of the machine available
	// stallPercent and stallSpan are a full memory stall that lasts: close to
	// systemd-oomd's default of 60 % over 30 s (oomd.conf(5)), over what the
	// record keeps of the end.
	stallPercent = 50
	stallSpan    = 5 * time.Second
)

// tight gives the machine's available memory just before a time, whether
// that is known, and whether it was next to nothing.
func (v *view) tight(at time.Time) (available uint64, known, tight bool) {
	m := v.machine()
	total := v.Start.Machine.MemoryTotal
	if m >= 0 && v.Levels[m].Limit > 0 {
		total = v.Levels[m].Limit
	}
	if total == 0 {
		return 0, false, false
	}
	state := v.At(at)
	switch {
	case state.Available > 0:
		available = state.Available
	case m >= 0 && m < len(state.Used) && state.Used[m] > 0:
		available = total - min(total, state.Used[m])
	default:
		return 0, false, false
	}
	return available, true, available*100 < total*tightPercent
}

// exhaustion is a level whose memory was all but used up.
type exhaustion struct {
	level int
	used  uint64 // bytes
}

// exhausted finds the level of an enforced limit that was all but used up just
// before a time; nil when there is none.
func (v *view) exhausted(at time.Time) *exhaustion {
	state := v.At(at)
	for i, used := range state.Used {
		if i < len(v.Levels) && v.Levels[i].Enforced() && reaches(used, v.Levels[i].Limit, exhaustedPercent) {
			return &exhaustion{i, used}
		}
	}
	return nil
}

// reaches tells whether used is at least percent of limit.
func reaches(used, limit uint64, percent float64) bool {
	return limit > 0 && float64(used)*100 >= float64(limit)*percent
}

// stalled gives the share of the last seconds, in percent, in which all tasks
// stood still for memory; ok tells whether that was long and bad enough.
func (v *view) stalled() (percent float64, ok bool) {
	if len(v.Recent) < 2 {
		return 0, false
	}
	last := v.Recent[len(v.Recent)-1]
	for i := len(v.Recent) - 2; i >= 0; i-- {
		first := v.Recent[i]
		over := last.Time.Sub(first.Time)
		if over < stallSpan || last.What.FullStall < first.What.FullStall {
			continue
		}
		percent = float64(last.What.FullStall-first.What.FullStall) / float64(over.Microseconds()) * 100
		return percent, percent >= stallPercent
	}
	return 0, false
}

// place names what a level belongs to: "the container", "the machine".
func (v *view) place(i int) string {
	if i < 0 || i >= len(v.Levels) {
		return "a cgroup above the command's own"
	}
	l := v.Levels[i].Level
	switch {
	case l.Kind == record.MachineLevel:
		return "the machine"
	case l.Kind != record.CgroupLevel:
		return "the command"
	case l.Own && v.Start.Machine.Container:
		return "the container"
	case l.Made:
		return "the command"
	case l.Path == "":
		return "a cgroup"
	}
	return "the cgroup " + record.Cut(l.Path, 80)
}

// tightest is the enforced level that came closest to its limit, or, where
// nothing is enforced, the binding level; -1 when memory was not measured.
func (v *view) tightest() int {
	best := -1
	for i := range v.Levels {
		l := &v.Levels[i]
		if l.Limit == 0 || l.Peak == 0 {
			continue
		}
		firstEnforced := best >= 0 && l.Enforced() && !v.Levels[best].Enforced()
		closer := best >= 0 && l.Enforced() == v.Levels[best].Enforced() && l.Headroom() < v.Levels[best].Headroom()
		if best < 0 || firstEnforced || closer {
			best = i
		}
	}
	return best
}

// inUse tells how much memory was in use at most, at the level that came
// closest to its limit: "2.1 GB of 16.8 GB"; "" when it was not measured.
func (v *view) inUse() string {
	i := v.tightest()
	if i < 0 {
		return ""
	}
	return size(v.Levels[i].Peak) + " of " + size(v.Levels[i].Limit)
}

// muchPercent of a limit in use is too much to say that memory has nothing to
// do with it.
const muchPercent = 80

// notMemory is the tail of a headline about an end that memory did not
// cause; it says so only as far as the numbers go.
func (v *view) notMemory(at time.Time) string {
	if len(v.kills) > 0 {
		return v.otherwiseKilled(at)
	}
	if e := v.exhausted(at); e != nil {
		return fmt.Sprintf("; memory was nearly used up at the time (%s of %s)", size(e.used), size(v.Levels[e.level].Limit))
	}
	i := v.tightest()
	if i < 0 {
		return "; memory was not measured"
	}
	what, use := "was not the reason", v.inUse()+" in use at most"
	if v.early {
		what = "is not the reason so far"
	}
	if l := v.Levels[i]; reaches(l.Peak, l.Limit, muchPercent) {
		what = "was not exhausted"
		if used := v.At(at).Used; i < len(used) && used[i] > 0 {
			use = fmt.Sprintf("%s of %s in use at the time", size(used[i]), size(l.Limit))
		}
	}
	return fmt.Sprintf("; memory %s (%s)", what, use)
}

// otherwiseKilled tells of a kill for memory that did not end the run.
func (v *view) otherwiseKilled(at time.Time) string {
	k := &v.kills[0]
	when := "before that"
	if k.at.After(at) {
		when = "after that"
	}
	return fmt.Sprintf("; %s, %s killed %s for memory", when, k.killer(), process(k.command, k.rss))
}

// memoryEvidence tells how far memory went at the level that came closest to
// its limit, and of swap.
func (v *view) memoryEvidence() []Evidence {
	var out []Evidence
	if b := v.Binding(); b != nil && b.Peak > 0 {
		out = append(out, Evidence{b.PeakAt, v.usedSource(b), fmt.Sprintf("%s of %s in use at most (%.0f %%)",
			size(b.Peak), size(b.Limit), float64(b.Peak)/float64(b.Limit)*100)})
	}
	if total := v.Start.Machine.SwapTotal; total > 0 && reaches(v.SwapPeak, total, 10) {
		out = append(out, Evidence{time.Time{}, "meminfo", fmt.Sprintf("swap: %s of %s in use at most", size(v.SwapPeak), size(total))})
	}
	return out
}

// usedSource names the kernel file that a level's used memory comes from.
func (v *view) usedSource(l *record.LevelState) string {
	switch {
	case l.Kind == record.MachineLevel:
		return "meminfo"
	case l.Kind != record.CgroupLevel:
		return "process tree"
	case v.Start.Machine.CgroupVersion == 1:
		return "cgroup memory.usage_in_bytes"
	}
	return "cgroup memory.current"
}

// countSource names the kernel file that a level's count of kills comes from.
func (v *view) countSource(i int) string {
	switch {
	case v.Levels[i].Kind == record.MachineLevel:
		return "/proc/vmstat"
	case v.Start.Machine.CgroupVersion == 1:
		return "cgroup memory.oom_control"
	}
	return "cgroup memory.events"
}
