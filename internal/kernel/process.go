package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Process is a process as /proc/PID/stat (proc_pid_stat(5)) and
// /proc/PID/statm (proc_pid_statm(5)) have it.
type Process struct {
	PID     int
	Parent  int // 0 where it cannot be seen from here
	Group   int
	Session int
	TTY     int  // device number of the controlling terminal, 0 for none
	State   byte // 'R' running, 'S' sleeping, 'D' in the kernel, 'T' stopped, 'Z' zombie, 'X' dead, …
	Threads int
	// Start is when it was started, in clock ticks (1/100 s) since the
	// machine was. With the PID it names a process for good.
	Start uint64
	// Comm is its name, cut by the kernel at 15 bytes. It can hold any byte.
	Comm string
	// RSS is its resident memory in bytes, shared pages included.
	RSS uint64
}

// pageSize is the unit of statm, in bytes.
var pageSize = uint64(os.Getpagesize())

// Process reads /proc/PID/stat and, for the resident memory, /proc/PID/statm.
func (fs FS) Process(pid int) (Process, error) {
	var buf [1024]byte
	b, err := fs.readInto(ofProcess(pid, "stat"), buf[:])
	if err != nil {
		return Process{}, err
	}
	p, err := parseStat(b)
	if err != nil {
		return Process{}, fmt.Errorf("%s: %w", ofProcess(pid, "stat"), err)
	}
	b, err = fs.readInto(ofProcess(pid, "statm"), buf[:])
	if err != nil {
		return Process{}, err
	}
	if p.RSS, err = parseStatm(b); err != nil {
		return Process{}, fmt.Errorf("%s: %w", ofProcess(pid, "statm"), err)
	}
	return p, nil
}

// The fields of stat that are read, counted from the one after the name.
const (
	statState   = 0
	statParent  = 1
	statGroup   = 2
	statSession = 3
	statTTY     = 4
	statThreads = 17
	statStart   = 19
)

func parseStat(b []byte) (Process, error) {
	// The name stands in parentheses and may hold parentheses, blanks and
	// newlines; nothing after it does.
	from, to := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if from < 0 || to < from {
		return Process{}, errors.New("there is no name in parentheses")
	}
	var fields [statStart + 1][]byte
	n := 0
	for word := range bytes.FieldsSeq(b[to+1:]) {
		if n == len(fields) {
			break
		}
		fields[n] = word
		n++
	}
	if n < len(fields) {
		return Process{}, fmt.Errorf("there are %d fields after the name, not %d", n, len(fields))
	}
	p := Process{State: fields[statState][0], Comm: string(b[from+1 : to])}
	var err error
	integer := func(b []byte) int {
		n, e := strconv.ParseInt(string(b), 10, 32)
		if e != nil && err == nil {
			err = fmt.Errorf("%.40q is not a 32-bit number", b)
		}
		return int(n)
	}
	p.PID = integer(bytes.TrimSpace(b[:from]))
	p.Parent = integer(fields[statParent])
	p.Group = integer(fields[statGroup])
	p.Session = integer(fields[statSession])
	p.TTY = integer(fields[statTTY])
	p.Threads = integer(fields[statThreads])
	if err != nil {
		return Process{}, err
	}
	if p.Start, err = number(fields[statStart]); err != nil {
		return Process{}, err
	}
	return p, nil
}

// parseStatm gives the resident memory in bytes: the second field, in pages.
func parseStatm(b []byte) (uint64, error) {
	_, rest, _ := bytes.Cut(b, []byte{' '})
	resident, _, ok := bytes.Cut(rest, []byte{' '})
	if !ok {
		return 0, errors.New("there is no second field")
	}
	pages, err := number(resident)
	if err != nil {
		return 0, err
	}
	if pages > ^uint64(0)/pageSize {
		return 0, fmt.Errorf("%d pages are more than memory can be", pages)
	}
	return pages * pageSize, nil
}
