package kernel

import "errors"

// Meminfo is /proc/meminfo (proc_meminfo(5)), in bytes: the machine's memory.
// Inside a container it still is the machine's.
type Meminfo struct {
	MemTotal     uint64
	MemFree      uint64
	MemAvailable uint64 // what can be had without swapping
	AnonPages    uint64
	Shmem        uint64 // tmpfs and shared memory: looks like cache, cannot be dropped
	ActiveFile   uint64 // page cache, used lately
	InactiveFile uint64 // page cache
	SReclaimable uint64 // slab that can be reclaimed
	SwapTotal    uint64
	SwapFree     uint64
	// Estimated is true where the kernel (before 3.14) has no MemAvailable.
	// It then is MemFree + ActiveFile + InactiveFile + SReclaimable: the
	// kernel's own sum without the watermarks that it keeps back, so some
	// percent too high (Documentation/filesystems/proc.rst, "MemAvailable").
	Estimated bool
}

// Used is the memory that the kernel cannot reclaim: MemTotal - MemAvailable,
// in bytes, and 0 where that would be negative.
func (m Meminfo) Used() uint64 { return less(m.MemTotal, m.MemAvailable) }

// Meminfo reads /proc/meminfo.
func (fs FS) Meminfo() (Meminfo, error) {
	return readKept(fs, "/proc", "meminfo", parseMeminfo)
}

func parseMeminfo(b []byte) (Meminfo, error) {
	var m Meminfo
	wanted := [...]entry{
		{key: "MemTotal:", value: &m.MemTotal},
		{key: "MemFree:", value: &m.MemFree},
		{key: "MemAvailable:", value: &m.MemAvailable},
		{key: "AnonPages:", value: &m.AnonPages},
		{key: "Shmem:", value: &m.Shmem},
		{key: "Active(file):", value: &m.ActiveFile},
		{key: "Inactive(file):", value: &m.InactiveFile},
		{key: "SReclaimable:", value: &m.SReclaimable},
		{key: "SwapTotal:", value: &m.SwapTotal},
		{key: "SwapFree:", value: &m.SwapFree},
	}
	if err := parseEntries(b, wanted[:]); err != nil {
		return Meminfo{}, err
	}
	if m.MemTotal == 0 {
		return Meminfo{}, errors.New("MemTotal is missing")
	}
	if !wanted[2].found {
		if !wanted[1].found {
			return Meminfo{}, errors.New("neither MemAvailable nor MemFree is there")
		}
		m.Estimated = true
		m.MemAvailable = min(m.MemTotal, saturated(m.MemFree, m.ActiveFile, m.InactiveFile, m.SReclaimable))
	}
	return m, nil
}

// saturated adds sizes up and stops at the largest one there can be.
func saturated(sizes ...uint64) uint64 {
	var sum uint64
	for _, s := range sizes {
		if sum+s < sum {
			return ^uint64(0)
		}
		sum += s
	}
	return sum
}
