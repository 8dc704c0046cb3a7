package diagnose

import (
	"cmp"
	"slices"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// How far apart two things may be and still belong together.
const (
	// killToExit is how long after a kill an exit that the command chose
	// itself still follows from it.
	killToExit = 5 * time.Second
	// noticed is how late a kill may be counted: the longest interval
	// between two samples, twice.
	noticed = 2 * time.Second
	// together is how close a death and the machine's count must be, since
	// that count says nothing about whose process it was.
	together = time.Second
	// longestGrace is the longest that anything waits between asking a
	// process to stop and killing it: systemd's DefaultTimeoutStopSec. (The
	// runner waits 10 s, Docker 10 s, Kubernetes 30 s.) An exit that the command
	// chose later than that does not follow from the signal.
	longestGrace = 90 * time.Second
)

// view is a record with what several rules ask of it, worked out once.
type view struct {
	*record.Record
	early   bool
	status  int       // what the command ended with, 0 to 255; -1 while it runs
	signal  string    // that ended the command; "" when it chose its end itself
	ended   time.Time // when the command ended; the latest event while it runs
	stop    *record.Timed[record.Signal]
	deaths  []death
	kills   []kill // of the command's processes, for memory
	others  []kill // of other processes, for memory
	earlier int    // kills in the kernel log from before the command
}

func newView(r *record.Record) *view {
	v := &view{Record: r, status: -1, ended: r.LastAt}
	v.early = r.End == nil && r.NotStarted == nil
	if r.End != nil {
		v.status, v.signal, v.ended = r.End.Code, r.End.Signal, r.EndedAt
	}
	if exit := r.MainExit(); exit != nil {
		v.ended = exit.Time
		if r.End == nil {
			v.signal = exit.What.Signal
			v.status = exit.What.Code
		}
		if v.signal != "" {
			v.status = 128 + signalNumber(v.signal)
		}
	}
	v.stop = v.firstStop()
	v.deaths = v.findDeaths()
	v.findKills()
	return v
}

// chosen tells whether the command ended with a status that it chose itself.
func (v *view) chosen() bool { return v.status >= 0 && v.signal == "" }

// own is the index of the cgroup that the command was started in, -1 when
// none could be read.
func (v *view) own() int {
	return slices.IndexFunc(v.Levels, func(l record.LevelState) bool { return l.Kind == record.CgroupLevel && l.Own })
}

// exclusive tells whether that cgroup holds nothing but the command, so that
// its counters speak of the command alone.
func (v *view) exclusive() bool {
	i := v.own()
	return i >= 0 && v.Levels[i].Exclusive
}

// machine is the index of the machine's level, -1 when there is none.
func (v *view) machine() int {
	return slices.IndexFunc(v.Levels, func(l record.LevelState) bool { return l.Kind == record.MachineLevel })
}

// lookup gives what is known of a process: as it was at the peak of memory.
func (v *view) lookup(pid int) (record.Process, bool) {
	if v.Processes == nil || pid == 0 {
		return record.Process{}, false
	}
	i := slices.IndexFunc(v.Processes.Top, func(p record.Process) bool { return p.PID == pid })
	if i < 0 {
		return record.Process{}, false
	}
	return v.Processes.Top[i], true
}

// resident is the most that is known of a process's memory, in bytes.
func resident(p record.Process) uint64 { return max(p.RSS, p.PSS, p.Peak) }

// largest gives the largest process of the command, or of the others.
func (v *view) largest(ours bool) (record.Process, bool) {
	if v.Processes == nil {
		return record.Process{}, false
	}
	var of []record.Process
	for _, p := range v.Processes.Top {
		if p.Ours == ours {
			of = append(of, p)
		}
	}
	if len(of) == 0 {
		return record.Process{}, false
	}
	return slices.MaxFunc(of, func(a, b record.Process) int { return cmp.Compare(resident(a), resident(b)) }), true
}
