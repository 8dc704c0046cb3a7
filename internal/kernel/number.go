package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// errEmpty is what a file without content gives.
var errEmpty = errors.New("the file is empty")

// number parses a decimal number without sign.
func number(b []byte) (uint64, error) {
	n, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a number from 0 to %d", b, uint64(math.MaxUint64))
	}
	return n, nil
}

// kibibytes gives n KiB in bytes. The kernel writes "kB" and means 1024
// (proc_meminfo(5)).
func kibibytes(n uint64) (uint64, error) {
	if n > math.MaxUint64/1024 {
		return 0, fmt.Errorf("%d kB is more than a size can be", n)
	}
	return n * 1024, nil
}

// parseNumber parses a file that holds one number.
func parseNumber(b []byte) (uint64, error) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return 0, errEmpty
	}
	return number(b)
}

// entry is a line of a file that parseEntries looks for.
type entry struct {
	key   string
	value *uint64
	found bool
}

// parseEntries parses lines of a key, a number and, maybe, the unit "kB": the
// flat keyed files of cgroups (Documentation/admin-guide/cgroup-v2.rst,
// "Format"), /proc/vmstat, and /proc/meminfo with its like, where the key
// ends in a colon. Keys that are not wanted are skipped, as the kernel adds
// new ones. If a key stands there twice, the first counts.
func parseEntries(b []byte, wanted []entry) error {
	if len(bytes.TrimSpace(b)) == 0 {
		return errEmpty
	}
	left := len(wanted)
	for left > 0 && len(b) > 0 {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte{'\n'})
		key, rest, ok := bytes.Cut(line, []byte{' '})
		if !ok {
			continue
		}
		for i := range wanted {
			e := &wanted[i]
			if e.found || e.key != string(key) {
				continue
			}
			var err error
			if *e.value, err = quantity(rest); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			e.found = true
			left--
			break
		}
	}
	return nil
}

// quantity parses a number with or without the unit "kB".
func quantity(b []byte) (uint64, error) {
	b = bytes.TrimSpace(b)
	digits, isKiB := bytes.CutSuffix(b, []byte(" kB"))
	n, err := number(digits)
	if err != nil || !isKiB {
		return n, err
	}
	return kibibytes(n)
}

// less gives a-b, and 0 where b is the larger: the kernel's numbers are not
// all taken at the same moment.
func less(a, b uint64) uint64 {
	if b > a {
		return 0
	}
	return a - b
}
