package kernel

import (
	"bytes"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// The range of oom_score_adj (proc_pid_oom_score_adj(5)).
const (
	MinOOMScoreAdj = -1000
	MaxOOMScoreAdj = 1000
)

// OOMScoreAdj gives what is added to a process's badness when the kernel
// looks for one to kill: -1000 (never) to 1000 (always first), in thousandths
// of the memory that ran out.
func (fs FS) OOMScoreAdj(pid int) (int, error) {
	var buf [32]byte
	path := ofProcess(pid, "oom_score_adj")
	b, err := fs.readInto(path, buf[:])
	if err != nil {
		return 0, err
	}
	adj, err := parseOOMScoreAdj(b)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return adj, nil
}

func parseOOMScoreAdj(b []byte) (int, error) {
	adj, err := strconv.Atoi(string(bytes.TrimSpace(b)))
	if err != nil || adj < MinOOMScoreAdj || adj > MaxOOMScoreAdj {
		return 0, fmt.Errorf("%.40q is not a number from %d to %d", b, MinOOMScoreAdj, MaxOOMScoreAdj)
	}
	return adj, nil
}

// SetOOMScoreAdj sets it. To go below the lowest value that a privileged
// process has set needs CAP_SYS_RESOURCE; to raise it needs nothing but the
// same user.
func (fs FS) SetOOMScoreAdj(pid int, adj int) error {
	path := ofProcess(pid, "oom_score_adj")
	if adj < MinOOMScoreAdj || adj > MaxOOMScoreAdj {
		return fmt.Errorf("%s: %d is not from %d to %d", path, adj, MinOOMScoreAdj, MaxOOMScoreAdj)
	}
	fd, err := open(fs.root+path, unix.O_WRONLY|unix.O_TRUNC)
	if err == nil {
		_, err = unix.Write(fd, []byte(strconv.Itoa(adj)))
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
