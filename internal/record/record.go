package record

import (
	"slices"
	"time"
)

// Bounds of what a [Record] keeps, so that its size does not depend on what
// the command does.
const (
	maxRunning  = 4096    // tests in flight
	maxIDs      = 4 << 20 // bytes of the ids of the tests in flight
	maxGrown    = 10      // tests with the most growth
	maxDaemons  = 20
	maxSignals  = 100
	maxExits    = 200
	maxKills    = 100
	maxMessages = 100
	maxTroubles = 20
	maxDangers  = 20
	maxMoments  = 32
	maxOutlived = 64
	maxLocated  = 256
	recentSpan  = 15 * time.Second // samples kept in full before the last one
	maxRecent   = 400
)

// Record is the state that the events of a run add up to. The zero value is
// the state before the first event.
type Record struct {
	Start      Start
	PID        int // of the command; 0 before it runs
	NotStarted *Failure

	// Levels are the levels of Start with what was seen at each.
	Levels  []LevelState
	Samples int
	// Recent are the samples of the last 15 s, oldest first.
	Recent    []TimedSample
	SwapPeak  uint64
	TreePeak  uint64
	Processes *Processes // at the highest peak
	Others    uint64     // the machine's used memory minus the command's, at that peak

	Signals     []Timed[Signal]
	Exits       []Timed[Exit]
	KernelKills []Timed[Kill]
	DaemonKills []Timed[Kill]
	Vanished    []Timed[Process]
	Messages    []Timed[Message]
	Dangers     []Timed[Danger]
	Troubles    []Timed[Failure]
	Tests       Tests
	// Moments are those at which something may have ended the run: a signal
	// to oom143, a death by a signal, a kill for memory, the end.
	Moments []Timed[Moment]

	mainExit *Timed[Exit]
	End      *End
	EndedAt  time.Time // zero until the command has ended
	LastAt   time.Time // of the latest event
}

// Timed is something with the time at which it was seen.
type Timed[T any] struct {
	Time time.Time
	What T
}

// TimedSample is a sample with its time.
type TimedSample = Timed[Sample]

// LevelState is what was seen at one level.
type LevelState struct {
	Level
	Timeline Timeline
	Counters LevelCounters
	// Kills are the moments at which OOMKill moved, with its new value: at
	// most 20, then only the last moves.
	Kills  []Timed[uint64]
	Last   uint64 // used bytes at the latest sample
	Peak   uint64 // highest used bytes
	PeakAt time.Time
}

// Headroom is what is left at the level's highest sample, in bytes; 0 when
// used memory passed the limit.
func (l LevelState) Headroom() uint64 {
	if l.Peak >= l.Limit {
		return 0
	}
	return l.Limit - l.Peak
}

// Apply adds one event.
func (r *Record) Apply(e Event) {
	e = e.normal()
	if e.Time.After(r.LastAt) {
		r.LastAt = e.Time
	}
	if r.marks(e) {
		r.mark(e.Time)
	}
	switch {
	case e.Start != nil:
		r.Start = *e.Start
		r.Levels = make([]LevelState, len(e.Start.Levels))
		for i, l := range e.Start.Levels {
			r.Levels[i].Level = l
		}
	case e.Spawned != nil:
		r.PID = e.Spawned.PID
	case e.NotStarted != nil:
		r.NotStarted = e.NotStarted
		r.EndedAt = e.Time
	case e.Daemon != nil:
		if len(r.Start.Daemons) < maxDaemons {
			r.Start.Daemons = append(slices.Clip(r.Start.Daemons), *e.Daemon)
		}
	case e.Sample != nil:
		r.sample(e.Time, *e.Sample)
	case e.Counters != nil:
		r.counters(e.Time, *e.Counters)
	case e.Processes != nil:
		r.Processes = e.Processes
	case e.Signal != nil:
		keep(&r.Signals, maxSignals, e.Time, *e.Signal)
	case e.Exit != nil:
		keep(&r.Exits, maxExits, e.Time, *e.Exit)
		if e.Exit.Main && r.mainExit == nil {
			r.mainExit = &Timed[Exit]{e.Time, *e.Exit}
		}
	case e.KernelKill != nil:
		keep(&r.KernelKills, maxKills, e.Time, *e.KernelKill)
	case e.DaemonKill != nil:
		keep(&r.DaemonKills, maxKills, e.Time, *e.DaemonKill)
	case e.Vanished != nil:
		keep(&r.Vanished, maxKills, e.Time, *e.Vanished)
	case e.Test != nil:
		r.Tests.apply(e.Time, *e.Test, r.binding(), r.Moments)
	case e.Located != nil:
		r.Tests.locate(*e.Located)
	case e.Message != nil:
		keep(&r.Messages, maxMessages, e.Time, *e.Message)
	case e.Danger != nil:
		keep(&r.Dangers, maxDangers, e.Time, *e.Danger)
	case e.Trouble != nil:
		keep(&r.Troubles, maxTroubles, e.Time, *e.Trouble)
	case e.End != nil:
		r.End = e.End
		r.EndedAt = e.Time
	}
}

// keep appends, and past max drops from the middle: the first and the last
// are what a verdict asks for.
func keep[T any](list *[]Timed[T], max int, at time.Time, what T) {
	if len(*list) >= max {
		*list = slices.Delete(*list, max/2, max/2+1)
	}
	*list = append(*list, Timed[T]{at, what})
}

func (r *Record) sample(at time.Time, s Sample) {
	r.Samples++
	for i := range r.Levels {
		if i >= len(s.Used) || s.Used[i] == 0 {
			continue
		}
		l := &r.Levels[i]
		l.Last = s.Used[i]
		if l.Last > l.Peak {
			l.Peak, l.PeakAt = l.Last, at
			if l.Kind == MachineLevel {
				r.Others = 0
				if own := r.commandsOwn(s); own > 0 {
					r.Others = l.Last - min(l.Last, own)
				}
			}
		}
		l.Timeline.Add(at.Sub(r.Start.StartedAt).Milliseconds(), l.Last)
	}
	r.SwapPeak = max(r.SwapPeak, s.SwapUsed)
	r.TreePeak = max(r.TreePeak, s.Tree)
	r.Recent = append(r.Recent, TimedSample{at, s})
	old := 0
	for old < len(r.Recent)-1 && (at.Sub(r.Recent[old].Time) > recentSpan || len(r.Recent)-old > maxRecent) {
		old++
	}
	r.Recent = slices.Delete(r.Recent, 0, old)
}

// commandsOwn is the part of a sample that belongs to the command.
func (r *Record) commandsOwn(s Sample) uint64 {
	for i, l := range r.Levels {
		if l.Own && l.Exclusive && i < len(s.Used) && s.Used[i] > 0 {
			return s.Used[i]
		}
	}
	return s.Tree
}

func (r *Record) counters(at time.Time, c Counters) {
	for i := range min(len(r.Levels), len(c.Levels)) {
		l := &r.Levels[i]
		if c.Levels[i].OOMKill > l.Counters.OOMKill {
			keep(&l.Kills, 20, at, c.Levels[i].OOMKill)
		}
		l.Counters = c.Levels[i]
	}
}

// Binding is the level that memory is reported against: of those with a
// limit, the one that came closest to it; nil when there is none.
func (r *Record) Binding() *LevelState {
	var best *LevelState
	for i := range r.Levels {
		l := &r.Levels[i]
		if l.Limit == 0 {
			continue
		}
		if best == nil || l.Headroom() < best.Headroom() {
			best = l
		}
	}
	return best
}

// binding is the used memory at the binding level, for a test's growth.
func (r *Record) binding() uint64 {
	if l := r.Binding(); l != nil {
		return l.Last
	}
	return 0
}

// MainExit is the end of the command itself, nil while it runs.
func (r *Record) MainExit() *Timed[Exit] { return r.mainExit }
