package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Pressure is pressure stall information: how long tasks stood still for want
// of memory (Documentation/accounting/psi.rst).
type Pressure struct {
	Some Stall // at least one task stood still
	Full Stall // all tasks that were not idle stood still
}

// Stall is one line of it.
type Stall struct {
	Avg10 float64 // percent of the last 10 seconds, 0 to 100
	Total uint64  // microseconds since the machine, or the cgroup, was started
}

// MemoryPressure reads /proc/pressure/memory: the whole machine. Kernels
// without CONFIG_PSI have no such file, and those booted with psi=0 refuse to
// have it read.
func (fs FS) MemoryPressure() (Pressure, error) {
	return readKept(fs, "/proc/pressure", "memory", parsePressure)
}

func parsePressure(b []byte) (Pressure, error) {
	var p Pressure
	found := false
	for len(b) > 0 {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte{'\n'})
		kind, rest, _ := bytes.Cut(line, []byte{' '})
		var stall *Stall
		switch string(kind) {
		case "some":
			stall, found = &p.Some, true
		case "full":
			stall = &p.Full
		default:
			continue
		}
		if err := parseStall(rest, stall); err != nil {
			return Pressure{}, fmt.Errorf("%s: %w", kind, err)
		}
	}
	if !found {
		return Pressure{}, errors.New(`there is no line "some"`)
	}
	return p, nil
}

func parseStall(b []byte, s *Stall) error {
	var avg, total bool
	for len(b) > 0 {
		var word []byte
		word, b, _ = bytes.Cut(b, []byte{' '})
		key, value, _ := bytes.Cut(word, []byte{'='})
		var err error
		switch string(key) {
		case "avg10":
			avg = true
			s.Avg10, err = strconv.ParseFloat(string(value), 64)
			if err != nil || math.IsNaN(s.Avg10) || s.Avg10 < 0 || s.Avg10 > 100 {
				err = fmt.Errorf("avg10 is %.40q, not a percentage", value)
			}
		case "total":
			total = true
			s.Total, err = number(value)
		}
		if err != nil {
			return err
		}
	}
	if !avg || !total {
		return errors.New("avg10 or total is missing")
	}
	return nil
}
