package kernel

import (
	"bytes"
	"errors"
	"math"
	"os"
)

// Limit is the cgroup's own limit in bytes, that is memory.max of v2 and
// memory.limit_in_bytes of v1; false where it has none. The limits of its
// ancestors count too, and have to be asked one by one.
func (c Cgroup) Limit() (uint64, bool, error) {
	return c.limit(c.file("memory.max", "memory.limit_in_bytes"))
}

// High is memory.high of v2 in bytes: above it the kernel slows the processes
// down and reclaims, and kills nobody. It is no limit. v1 has none.
func (c Cgroup) High() (uint64, bool, error) {
	if c.Version == 1 {
		return 0, false, nil
	}
	return c.limit("memory.high")
}

// SwapLimit is how much swap the cgroup may use, in bytes; false where there
// is no limit or swap is not accounted. v2: memory.swap.max. v1 limits memory
// and swap together (memory.memsw.limit_in_bytes); the difference to the
// memory limit is what can only be swap.
func (c Cgroup) SwapLimit() (uint64, bool, error) {
	if c.Version != 1 {
		n, has, err := c.limit("memory.swap.max")
		return unaccounted(n, has, err)
	}
	both, has, err := c.limit("memory.memsw.limit_in_bytes")
	if err != nil || !has {
		return unaccounted(both, has, err)
	}
	memory, has, err := c.Limit()
	if err != nil || !has {
		return 0, false, err
	}
	return less(both, memory), true, nil
}

// unaccounted takes a file that is not there for no limit.
func unaccounted(n uint64, has bool, err error) (uint64, bool, error) {
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	return n, has, err
}

func (c Cgroup) limit(base string) (uint64, bool, error) {
	n, err := readKept(c.fs, c.dir, base, parseLimit)
	if err != nil || n == noLimit {
		return 0, false, err
	}
	return n, true, nil
}

const noLimit = math.MaxUint64

// unlimited is where the limits of v1 end: "no limit" there is LONG_MAX
// rounded down to whole pages (PAGE_COUNTER_MAX, include/linux/page_counter.h),
// with pages of up to 64 KiB, and before Linux 3.19 LONG_MAX or ULONG_MAX.
const unlimited = math.MaxInt64 - (64<<10 - 1)

// parseLimit parses a limit; noLimit where there is none.
func parseLimit(b []byte) (uint64, error) {
	if string(bytes.TrimSpace(b)) == "max" {
		return noLimit, nil
	}
	n, err := parseNumber(b)
	if n >= unlimited {
		n = noLimit
	}
	return n, err
}
