package kernel

import (
	"errors"
	"fmt"
)

// PSS gives the proportional memory of a process in bytes, what it has
// swapped out included: each shared page counts in parts. From
// /proc/PID/smaps_rollup (Linux 4.14 and later;
// Documentation/ABI/testing/procfs-smaps_rollup). The kernel walks all pages
// of the process for it, so it is dear: some 100 µs for a small process,
// milliseconds for one of gigabytes. It needs the same user, or
// CAP_SYS_PTRACE.
func (fs FS) PSS(pid int) (uint64, error) {
	var buf [2048]byte
	path := ofProcess(pid, "smaps_rollup")
	b, err := fs.readInto(path, buf[:])
	if err != nil {
		return 0, err
	}
	pss, err := parseSmapsRollup(b)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return pss, nil
}

func parseSmapsRollup(b []byte) (uint64, error) {
	var pss, swapped uint64
	wanted := [...]entry{
		{key: "Pss:", value: &pss},
		{key: "SwapPss:", value: &swapped},
	}
	if err := parseEntries(b, wanted[:]); err != nil {
		return 0, err
	}
	if !wanted[0].found {
		return 0, errors.New(`there is no line "Pss"`)
	}
	return saturated(pss, swapped), nil
}
