package kernel

import "errors"

// Vmstat is what /proc/vmstat (proc_vmstat(5)) counts since the machine was
// started. Inside a container it still is the machine's.
type Vmstat struct {
	// OOMKill counts the processes that the kernel killed for memory, for
	// cgroup limits too (oom_kill, Linux 4.13 and later).
	OOMKill    uint64
	HasOOMKill bool
	SwapIn     uint64 // pages read from swap (pswpin)
	SwapOut    uint64 // pages written to swap (pswpout)
}

// Vmstat reads /proc/vmstat.
func (fs FS) Vmstat() (Vmstat, error) {
	return readKept(fs, "/proc", "vmstat", parseVmstat)
}

func parseVmstat(b []byte) (Vmstat, error) {
	var v Vmstat
	wanted := [...]entry{
		{key: "oom_kill", value: &v.OOMKill},
		{key: "pswpin", value: &v.SwapIn},
		{key: "pswpout", value: &v.SwapOut},
	}
	if err := parseEntries(b, wanted[:]); err != nil {
		return Vmstat{}, err
	}
	v.HasOOMKill = wanted[0].found
	// The swap counters depend on CONFIG_SWAP; without any of the three this
	// is no vmstat.
	if !wanted[0].found && !wanted[1].found && !wanted[2].found {
		return Vmstat{}, errors.New("neither oom_kill nor pswpin nor pswpout is there")
	}
	return v, nil
}
