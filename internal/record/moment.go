package record

import (
	"slices"
	"time"
)

// Moment is the state of memory just before something happened.
type Moment struct {
	Used      []uint64 // highest at each level, in bytes; nil when no sample was taken
	Available uint64   // lowest MemAvailable, in bytes; 0 when it is not known
}

const (
	// momentSpan is how far back a moment looks for samples: twice the
	// longest interval between two of them.
	momentSpan = 2 * time.Second
	// momentGap joins what happens at once into one moment.
	momentGap = 100 * time.Millisecond
)

// marks tells whether an event makes a moment.
func (r *Record) marks(e Event) bool {
	switch {
	case e.Signal != nil, e.KernelKill != nil, e.DaemonKill != nil, e.Vanished != nil, e.End != nil:
		return true
	case e.Exit != nil:
		return e.Exit.Main || e.Exit.Signal != ""
	case e.Counters != nil:
		for i := range min(len(r.Levels), len(e.Counters.Levels)) {
			if e.Counters.Levels[i].OOMKill > r.Levels[i].Counters.OOMKill {
				return true
			}
		}
	}
	return false
}

// mark notes that something happened.
func (r *Record) mark(at time.Time) {
	m := r.recent(at)
	if n := len(r.Moments); n > 0 && at.Sub(r.Moments[n-1].Time).Abs() < momentGap {
		r.Moments[n-1].What.raise(m)
		return
	}
	keep(&r.Moments, maxMoments, at, m)
}

// recent joins the samples just before a time.
func (r *Record) recent(at time.Time) Moment {
	var m Moment
	for _, s := range slices.Backward(r.Recent) {
		age := at.Sub(s.Time)
		if age > momentSpan {
			break
		}
		if age > -momentGap {
			m.raise(Moment{s.What.Used, s.What.Available})
		}
	}
	return m
}

// raise takes over what is worse in o.
func (m *Moment) raise(o Moment) {
	for len(m.Used) < len(o.Used) {
		m.Used = append(m.Used, 0)
	}
	for i, used := range o.Used {
		m.Used[i] = max(m.Used[i], used)
	}
	if o.Available > 0 && (m.Available == 0 || o.Available < m.Available) {
		m.Available = o.Available
	}
}

// At is the state of memory just before a time: the worst of the samples of
// the 2 s before it and of the Moments within a second. Only times near the end or
// near a Moment are still known.
func (r *Record) At(at time.Time) Moment {
	m := r.recent(at)
	for _, o := range r.Moments {
		if at.Sub(o.Time).Abs() <= time.Second {
			m.raise(o.What)
		}
	}
	return m
}
