package diagnose

import (
	"fmt"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// memoryPressure: SIGKILL or SIGTERM ended the run while memory was all but
// exhausted, and no record of a kill could be read; or oom143 itself stopped
// it for that.
func memoryPressure(v *view) *finding {
	if v.stoppedForLimit() {
		return v.stoppedAtLimit()
	}
	how, at, evidence := v.unexplainedEnd()
	if how == "" {
		return nil
	}
	f := &finding{cause: MemoryPressure, certainty: Possible, at: at, during: true, evidence: evidence}
	none := "; no kill of the command's processes is on record"
	if n := v.countNear(at); n != nil {
		// Something was killed for memory at that moment; whose it was is
		// not recorded.
		f.certainty = Likely
		f.evidence = append(f.evidence, *n)
		none = "; an OOM kill was counted at that moment, but not whose process it was"
	}
	if e := v.exhausted(at); e != nil {
		l := v.Levels[e.level]
		f.what = fmt.Sprintf("%s with memory nearly used up (%s of %s, the limit of %s)", how, size(e.used), size(l.Limit), v.place(e.level))
		if l.Kind == record.MachineLevel {
			f.what = fmt.Sprintf("%s with the machine's memory nearly used up (%s of %s)", how, size(e.used), size(l.Limit))
		}
		f.tail = none
		if e.used != l.Peak {
			f.evidence = append(f.evidence, Evidence{at, v.usedSource(&l), fmt.Sprintf("%s of %s in use just before", size(e.used), size(l.Limit))})
		}
		return f
	}
	if percent, ok := v.stalled(); ok {
		f.what = fmt.Sprintf("%s after everything had stood still for memory (%.0f %% of the last seconds)", how, percent)
		f.tail = none
		f.evidence = append(f.evidence, Evidence{at, "/proc/pressure/memory", fmt.Sprintf("full stall: %.0f %% of the time", percent)})
		return f
	}
	return nil
}

func (v *view) stoppedForLimit() bool { return v.End != nil && v.End.StoppedFor == "limit" }

// stoppedAtLimit is the work of --on-limit stop.
func (v *view) stoppedAtLimit() *finding {
	f := &finding{
		cause: MemoryPressure, certainty: Certain, at: v.ended, during: true,
		what: "oom143 stopped the command because it was about to exhaust its memory limit (--on-limit stop)",
	}
	// The stop comes at the highest danger, some seconds before the end.
	if n := len(v.Dangers); n > 0 {
		d := v.Dangers[n-1]
		f.at = d.Time
		if d.What.Level >= 0 && d.What.Level < len(v.Levels) {
			limit := v.Levels[d.What.Level].Limit
			f.what = fmt.Sprintf("oom143 stopped the command because it was about to exhaust the memory limit of %s (%s of %s in use, --on-limit stop)",
				v.place(d.What.Level), size(d.What.Used), size(limit))
			f.evidence = append(f.evidence, Evidence{d.Time, v.usedSource(&v.Levels[d.What.Level]),
				fmt.Sprintf("%s of %s in use, growing by %s a second", size(d.What.Used), size(limit), size(uint64(max(d.What.Growth, 0))))})
		}
	}
	return f
}

// unexplainedEnd is an end by SIGKILL or SIGTERM that nothing else explains:
// how the headline says it, and when it came.
func (v *view) unexplainedEnd() (how string, at time.Time, evidence []Evidence) {
	if v.stoppedBy("SIGTERM") {
		if v.neighbour() != nil {
			return "", time.Time{}, nil // that kill explains it
		}
		verb := "ended"
		if v.early {
			verb = "came to"
		}
		return "SIGTERM" + sender(v.stop.What) + " " + verb + " the run", v.stop.Time, nil
	}
	if v.stop != nil || v.sentByCommand() {
		return "", time.Time{}, nil
	}
	if d := v.fatal(); d != nil && (d.signal == "SIGKILL" || d.signal == "SIGTERM") {
		return fmt.Sprintf("%s ended %s", d.signal, d.name(v)), d.at, []Evidence{d.evidence()}
	}
	for _, signal := range []string{"SIGKILL", "SIGTERM"} {
		if v.passedOn(signal) {
			return fmt.Sprintf("The command ended with exit status %d, which stands for %s,", v.status, signal), v.ended,
				[]Evidence{{v.ended, "wait", fmt.Sprintf("exit status %d", v.status)}}
		}
	}
	if v.brokenOff() {
		return brokeOff, v.LastAt, nil
	}
	return "", time.Time{}, nil
}

// brokeOff begins the headline about a record without an end.
const brokeOff = "The record breaks off"

// brokenOff tells whether the record has neither an end nor a signal: oom143
// itself was killed.
func (v *view) brokenOff() bool { return v.early && v.stop == nil && v.status < 0 }

// countNear is the evidence of a kill that was counted at a moment.
func (v *view) countNear(at time.Time) *Evidence {
	for i := range v.Levels {
		if !countedNear(v.unexplained(i), at) {
			continue
		}
		return &Evidence{at, v.countSource(i), fmt.Sprintf("oom_kill 0 -> %d", v.Levels[i].Counters.OOMKill)}
	}
	return nil
}
