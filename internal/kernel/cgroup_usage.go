package kernel

import (
	"errors"
	"os"
)

// Usage is the memory that a cgroup and those below it hold, in bytes.
type Usage struct {
	// Current is all that is charged (memory.current, memory.usage_in_bytes),
	// page cache included.
	Current uint64
	// File is page cache that can be dropped: active_file + inactive_file of
	// memory.stat. tmpfs and shared memory are not in it.
	File uint64
	// SlabReclaimable is slab_reclaimable of memory.stat; v1 does not tell it.
	SlabReclaimable uint64
	// Used is what the kernel cannot reclaim: Current without File and
	// SlabReclaimable.
	Used uint64
	// Swap is what is swapped out, on top of Current; 0 where swap is not
	// accounted.
	Swap uint64
}

// Usage reads the cgroup's memory. The numbers are read one after the other,
// so under fast growth they can be some pages apart.
func (c Cgroup) Usage() (Usage, error) {
	parse, current := parseStatV2, "memory.current"
	if c.Version == 1 {
		parse, current = parseStatV1, "memory.usage_in_bytes"
	}
	u, err := readKept(c.fs, c.dir, "memory.stat", parse)
	if err != nil {
		return Usage{}, err
	}
	if u.Current, err = readKept(c.fs, c.dir, current, parseNumber); err != nil {
		return Usage{}, err
	}
	if c.Version != 1 {
		u.Swap, err = readKept(c.fs, c.dir, "memory.swap.current", parseNumber)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return Usage{}, err
		}
	}
	u.Used = less(less(u.Current, u.File), u.SlabReclaimable)
	return u, nil
}

// parseStatV2 parses memory.stat of v2, whose numbers include the cgroups
// below.
func parseStatV2(b []byte) (Usage, error) {
	var u Usage
	var active, inactive uint64
	wanted := [...]entry{
		{key: "active_file", value: &active},
		{key: "inactive_file", value: &inactive},
		{key: "slab_reclaimable", value: &u.SlabReclaimable},
	}
	if err := parseEntries(b, wanted[:]); err != nil {
		return Usage{}, err
	}
	if !wanted[0].found || !wanted[1].found {
		return Usage{}, errors.New("active_file or inactive_file is missing")
	}
	u.File = saturated(active, inactive)
	return u, nil
}

// parseStatV1 parses memory.stat of v1, where the numbers with "total_"
// include the cgroups below.
func parseStatV1(b []byte) (Usage, error) {
	var u Usage
	var active, inactive uint64
	wanted := [...]entry{
		{key: "total_active_file", value: &active},
		{key: "total_inactive_file", value: &inactive},
		{key: "total_swap", value: &u.Swap},
	}
	if err := parseEntries(b, wanted[:]); err != nil {
		return Usage{}, err
	}
	if !wanted[0].found || !wanted[1].found {
		return Usage{}, errors.New("total_active_file or total_inactive_file is missing")
	}
	u.File = saturated(active, inactive)
	return u, nil
}

// Peak is the highest [Usage.Current] since the cgroup was made, in bytes:
// page cache is in it, so it is more than was ever used in the sense of
// [Usage.Used]. v2: memory.peak (Linux 5.19 and later; false where it is not
// there). v1: memory.max_usage_in_bytes.
func (c Cgroup) Peak() (uint64, bool, error) {
	n, err := readKept(c.fs, c.dir, c.file("memory.peak", "memory.max_usage_in_bytes"), parseNumber)
	return unaccounted(n, err == nil, err)
}

// Pressure is the cgroup's memory.pressure; v1 has none, which is
// [errors.ErrUnsupported].
func (c Cgroup) Pressure() (Pressure, error) {
	if c.Version == 1 {
		return Pressure{}, errors.ErrUnsupported
	}
	return readKept(c.fs, c.dir, "memory.pressure", parsePressure)
}
