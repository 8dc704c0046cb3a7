package kernel

import "errors"

// Events are a cgroup's counts of memory events since it was made. Each count
// is known only where its Has says so.
//
// v2 (memory.events) counts events of the cgroup and of those below it. v1
// counts kills in the victim's own cgroup alone, and failed charges in the
// cgroup alone whose limit was in the way.
type Events struct {
	// OOM counts how often the limit was reached and nothing could be
	// reclaimed (v2 "oom"). It does not say that somebody was killed.
	OOM    uint64
	HasOOM bool
	// OOMKill counts processes of the cgroup that were killed for memory by
	// any kind of OOM: its own limit, an ancestor's, or the machine's (v2
	// "oom_kill", v1 memory.oom_control "oom_kill", Linux 4.13 and later).
	OOMKill    uint64
	HasOOMKill bool
	// OOMGroupKill counts how often the cgroup was killed as a whole, for
	// memory.oom.group (v2, Linux 5.17 and later).
	OOMGroupKill    uint64
	HasOOMGroupKill bool
	// Max counts how often the limit was run into, killed or not: page cache
	// does that too (v2 "max"; v1 memory.failcnt and memory.memsw.failcnt, of
	// which the kernel counts in the second where both limits are the same).
	Max    uint64
	HasMax bool
}

// Events reads memory.events, or memory.oom_control and the two failcnt files.
func (c Cgroup) Events() (Events, error) {
	if c.Version != 1 {
		return readKept(c.fs, c.dir, "memory.events", parseEvents)
	}
	e, err := readKept(c.fs, c.dir, "memory.oom_control", parseOOMControl)
	if err != nil {
		return Events{}, err
	}
	e.Max, err = readKept(c.fs, c.dir, "memory.failcnt", parseNumber)
	e.HasMax = err == nil
	if !c.swap {
		return e, nil
	}
	if swap, err := readKept(c.fs, c.dir, "memory.memsw.failcnt", parseNumber); err == nil {
		e.Max, e.HasMax = e.Max+swap, true
	}
	return e, nil
}

func parseEvents(b []byte) (Events, error) {
	var e Events
	wanted := [...]entry{
		{key: "max", value: &e.Max},
		{key: "oom", value: &e.OOM},
		{key: "oom_kill", value: &e.OOMKill},
		{key: "oom_group_kill", value: &e.OOMGroupKill},
	}
	if err := parseEntries(b, wanted[:]); err != nil {
		return Events{}, err
	}
	e.HasMax, e.HasOOM = wanted[0].found, wanted[1].found
	e.HasOOMKill, e.HasOOMGroupKill = wanted[2].found, wanted[3].found
	if !e.HasMax && !e.HasOOM && !e.HasOOMKill {
		return Events{}, errors.New("neither max nor oom nor oom_kill is there")
	}
	return e, nil
}

func parseOOMControl(b []byte) (Events, error) {
	var e Events
	var under uint64
	wanted := [...]entry{
		{key: "oom_kill", value: &e.OOMKill},
		{key: "under_oom", value: &under},
	}
	if err := parseEntries(b, wanted[:]); err != nil {
		return Events{}, err
	}
	e.HasOOMKill = wanted[0].found
	if !wanted[0].found && !wanted[1].found {
		return Events{}, errors.New("neither oom_kill nor under_oom is there")
	}
	return e, nil
}
