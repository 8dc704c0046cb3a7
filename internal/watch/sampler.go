package watch

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/shirou/gopsutil/v3/mem"

	"github.com/org/oom143-action/internal/kernel"
	"github.com/org/oom143-action/internal/record"
)

// The pace of sampling, from far from the limit to close to it or growing
// fast.
const (
	slowestSample = time.Second
	fastestSample = 50 * time.Millisecond
	// fastestGrowth is what a process can take in a second, in bytes: the
	// next sample comes before half of the headroom can be gone. (A core
	// fills about 1 GB of fresh memory a second.)
	fastestGrowth = 2e9
	// samplesToLimit is how many samples are taken on the way to the limit
	// at the present growth.
	samplesToLimit = 20
)

// The danger line (see the README).
const (
	dangerHeadroom = 0.10
	dangerLeft     = 10 * time.Second
	growthSpan     = 2 * time.Second
	dangerEvery    = time.Second // the line is not repeated faster, however fast things get worse
)

// swapEvery is how often swap is read: it is on the slow tier.
const swapEvery = time.Second

// A Limit is what memory is held against.
type Limit struct {
	Bytes   uint64  // 0: not given as a size
	Percent float64 // of the machine's memory; 0: not given as a share
}

// Auto tells whether the limits are the system's own.
func (l Limit) Auto() bool { return l.Bytes == 0 && l.Percent == 0 }

// limitTrouble is a limit that was asked for and cannot be.
const limitTrouble = "memory-limit"

// DefaultLimit is held against where no limit can be read: the memory of
// GitHub's smallest runner for private repositories, in bytes.
const DefaultLimit = 7_000_000_000

// A level is one entry of record.Start.Levels with what reads it.
type level struct {
	record.Level
	group    *kernel.Cgroup // nil for machine, option and default
	baseline kernel.Events
	peak     uint64 // of the cgroup before the run
}

// sampler reads memory and the kernel's counters.
type sampler struct {
	fs         kernel.FS
	levels     []level
	tree       *tree
	vmstat     kernel.Vmstat
	pressure   kernel.Pressure
	stalls     bool // PSI can be read
	counted    record.Counters
	swap       uint64
	swapAt     time.Time
	history    []reading // of the level with the least headroom, the last growthSpan
	warned     bool      // above the danger line
	warnedRoom uint64    // headroom when that was last told
	warnedAt   time.Time
}

type reading struct {
	at    time.Time
	level int
	used  uint64
}

// newSampler finds the levels and takes the baseline of the counters.
// trouble is told what cannot be read.
func newSampler(fs kernel.FS, limit Limit, t *tree, trouble func(what, detail string)) *sampler {
	s := &sampler{fs: fs, tree: t}
	s.findLevels(limit, trouble)
	s.vmstat, _ = fs.Vmstat()
	var err error
	s.pressure, err = fs.MemoryPressure()
	s.stalls = err == nil
	for i := range s.levels {
		if g := s.levels[i].group; g != nil {
			s.levels[i].baseline, _ = g.Events()
			s.levels[i].peak, _, _ = g.Peak()
		}
	}
	s.counted.Levels = make([]record.LevelCounters, len(s.levels))
	return s
}

func (s *sampler) findLevels(limit Limit, trouble func(what, detail string)) {
	groups, err := s.fs.Cgroups(s.tree.self)
	if err != nil {
		trouble("cgroup", err.Error())
	}
	enforced := false
	for i := range groups {
		g := &groups[i]
		bytes, has, err := g.Limit()
		if err != nil || (!has && i > 0) {
			continue
		}
		l := level{Level: record.Level{Kind: record.CgroupLevel, Path: g.Path, Own: i == 0}, group: g}
		if has {
			l.Limit = bytes
			enforced = true
		}
		if i == 0 {
			others, err := g.HasOthers(s.tree.ours)
			l.Exclusive = err == nil && !others
		}
		s.levels = append(s.levels, l)
	}
	info, err := s.fs.Meminfo()
	if err != nil {
		trouble("meminfo", err.Error())
	}
	wanted := limit.Bytes
	if limit.Percent > 0 {
		wanted = uint64(math.Round(float64(info.MemTotal) * limit.Percent / 100))
	}
	if err == nil {
		enforced = true
		// A cgroup's limit above the machine's memory never takes effect.
		for i := range s.levels {
			if s.levels[i].Limit > info.MemTotal {
				s.levels[i].Limit = 0
			}
		}
		s.levels = append(s.levels, level{Level: record.Level{Kind: record.MachineLevel, Limit: info.MemTotal}})
	}
	switch {
	case wanted > 0 && (info.MemTotal == 0 || wanted <= info.MemTotal):
		s.levels = append(s.levels, level{Level: record.Level{Kind: record.OptionLevel, Limit: wanted}})
	case wanted > 0:
		trouble(limitTrouble, fmt.Sprintf("the memory limit of %s is above the machine's memory of %s, so the machine's memory counts",
			humanize.Bytes(wanted), humanize.Bytes(info.MemTotal)))
	case !enforced:
		s.levels = append(s.levels, level{Level: record.Level{Kind: record.DefaultLevel, Limit: DefaultLimit}})
	}
}

// needsTree tells whether a level is held against the process tree.
func (s *sampler) needsTree() bool {
	return slices.ContainsFunc(s.levels, func(l level) bool {
		return l.Kind == record.OptionLevel || l.Kind == record.DefaultLevel
	}) && s.exclusive() == nil
}

// exclusive is the cgroup that holds only the command.
func (s *sampler) exclusive() *level {
	for i := range s.levels {
		if s.levels[i].Own && s.levels[i].Exclusive {
			return &s.levels[i]
		}
	}
	return nil
}

// sample reads memory at every level. A source that cannot be read is 0.
func (s *sampler) sample(now time.Time) record.Sample {
	out := record.Sample{Used: make([]uint64, len(s.levels)), Tree: s.tree.memory()}
	info, _ := s.fs.Meminfo()
	out.Available = info.MemAvailable
	command := out.Tree
	for i, l := range s.levels {
		switch {
		case l.group != nil:
			if u, err := l.group.Usage(); err == nil {
				out.Used[i] = u.Used
				if l.Own && l.Exclusive {
					command = u.Used
				}
			}
		case l.Kind == record.MachineLevel:
			out.Used[i] = info.Used()
		default:
			out.Used[i] = command
		}
	}
	if now.Sub(s.swapAt) >= swapEvery && !s.full(brim) {
		s.swapAt = now
		if swap, err := mem.SwapMemory(); err == nil {
			s.swap = swap.Used
		}
	}
	out.SwapUsed = s.swap
	if s.stalls {
		if p, err := s.fs.MemoryPressure(); err == nil {
			out.SomeStall = p.Some.Total - s.pressure.Some.Total
			out.FullStall = p.Full.Total - s.pressure.Full.Total
		}
	}
	s.remember(now, out)
	return out
}

// remember keeps the readings of the last growthSpan at the tightest level.
func (s *sampler) remember(now time.Time, sample record.Sample) {
	tightest, room := -1, uint64(math.MaxUint64)
	for i, l := range s.levels {
		if l.Limit == 0 || sample.Used[i] == 0 {
			continue
		}
		if h := headroom(l.Limit, sample.Used[i]); h < room {
			tightest, room = i, h
		}
	}
	if tightest < 0 {
		return
	}
	s.history = slices.DeleteFunc(s.history, func(r reading) bool {
		return now.Sub(r.at) > growthSpan || r.level != tightest
	})
	s.history = append(s.history, reading{now, tightest, sample.Used[tightest]})
}

func headroom(limit, used uint64) uint64 {
	if used >= limit {
		return 0
	}
	return limit - used
}

// killed tells whether a cgroup has counted a kill since the counters were
// last told.
func (s *sampler) killed() bool {
	for i := range s.levels {
		l := &s.levels[i]
		if l.group == nil {
			continue
		}
		if e, err := l.group.Events(); err == nil && since(l.baseline.OOMKill, e.OOMKill) > s.counted.Levels[i].OOMKill {
			return true
		}
	}
	return false
}

// machineKills is how many kills the machine has counted since the start.
func (s *sampler) machineKills() uint64 {
	for i, l := range s.levels {
		if l.Kind == record.MachineLevel {
			return s.counted.Levels[i].OOMKill
		}
	}
	return 0
}

// full tells whether a cgroup has less than a share of its limit left.
func (s *sampler) full(share float64) bool {
	for i := range s.levels {
		l := &s.levels[i]
		if l.group == nil || l.Limit == 0 {
			continue
		}
		if u, err := l.group.Usage(); err == nil && float64(headroom(l.Limit, u.Used)) < share*float64(l.Limit) {
			return true
		}
	}
	return false
}

// growth is in bytes a second, over the whole growthSpan: a start-up that
// takes its memory at once is not taken for a trend.
func (s *sampler) growth() float64 {
	if len(s.history) < 2 {
		return 0
	}
	first, last := s.history[0], s.history[len(s.history)-1]
	return (float64(last.used) - float64(first.used)) / growthSpan.Seconds()
}

// next is the time until the next sample.
func (s *sampler) next() time.Duration {
	if len(s.history) == 0 {
		return slowestSample
	}
	last := s.history[len(s.history)-1]
	room := float64(headroom(s.levels[last.level].Limit, last.used))
	wait := room / 2 / fastestGrowth
	if g := s.growth(); g > 0 {
		wait = min(wait, room/g/samplesToLimit)
	}
	d := time.Duration(wait * float64(time.Second))
	return max(fastestSample, min(slowestSample, d))
}

// danger gives the danger line's facts when memory has crossed it, and then
// again only when the headroom has halved.
func (s *sampler) danger(now time.Time) *record.Danger {
	if len(s.history) == 0 {
		return nil
	}
	last := s.history[len(s.history)-1]
	limit := s.levels[last.level].Limit
	room := headroom(limit, last.used)
	d := &record.Danger{Level: last.level, Used: last.used, Growth: int64(s.growth())}
	soon := false
	if d.Growth > 0 {
		left := time.Duration(float64(room) / float64(d.Growth) * float64(time.Second))
		soon = left < dangerLeft
		d.LeftMS = left.Milliseconds()
	}
	near := float64(room) < dangerHeadroom*float64(limit)
	if !near && !soon {
		if float64(room) > 2*dangerHeadroom*float64(limit) {
			s.warned = false // memory came back: a new rise is news again
		}
		return nil
	}
	if s.warned && (room > s.warnedRoom/2 || room == s.warnedRoom || now.Sub(s.warnedAt) < dangerEvery) {
		return nil
	}
	s.warned, s.warnedRoom, s.warnedAt = true, room, now
	return d
}

// moved reads the counters and tells whether one of them has moved since the
// last call.
func (s *sampler) moved() (record.Counters, bool) {
	now := record.Counters{Levels: make([]record.LevelCounters, len(s.levels))}
	for i, l := range s.levels {
		c := s.counted.Levels[i]
		switch {
		case l.group != nil:
			if e, err := l.group.Events(); err == nil {
				c = record.LevelCounters{
					OOM:          since(l.baseline.OOM, e.OOM),
					OOMKill:      since(l.baseline.OOMKill, e.OOMKill),
					OOMGroupKill: since(l.baseline.OOMGroupKill, e.OOMGroupKill),
					Max:          since(l.baseline.Max, e.Max),
					Peak:         c.Peak,
				}
				if c.OOMKill > s.counted.Levels[i].OOMKill {
					c.Peak = l.ownPeak()
				}
			}
		case l.Kind == record.MachineLevel:
			if v, err := s.fs.Vmstat(); err == nil {
				c.OOMKill = since(s.vmstat.OOMKill, v.OOMKill)
			}
		}
		now.Levels[i] = c
	}
	if slices.Equal(now.Levels, s.counted.Levels) {
		return now, false
	}
	s.counted = now
	return now, true
}

// ownPeak is the cgroup's peak if it is of this run.
func (l level) ownPeak() uint64 {
	if peak, known, err := l.group.Peak(); err == nil && known && peak > l.peak {
		return peak
	}
	return 0
}

func since(before, now uint64) uint64 {
	if now < before {
		return 0
	}
	return now - before
}
