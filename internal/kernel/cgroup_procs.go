package kernel

import (
	"bytes"
	"errors"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// Procs gives the processes in the cgroup itself, without those in cgroups
// below it, as cgroup.procs lists them: in no order, and with 0 for each
// process of a PID namespace that cannot be seen from here.
func (c Cgroup) Procs() ([]int, error) {
	return c.fs.readPIDs(path.Join(c.dir, "cgroup.procs"))
}

// maxDescendants bounds the cgroups that HasOthers looks into.
const maxDescendants = 4096

// HasOthers tells whether the cgroup, or one below it, holds a process for
// which ours is false. A process that cannot be seen from here counts as
// another's, and so does what is in more cgroups than can be looked into.
func (c Cgroup) HasOthers(ours func(pid int) bool) (bool, error) {
	dirs := []string{c.dir}
	for i := 0; i < len(dirs); i++ {
		if i == maxDescendants {
			return true, nil
		}
		pids, err := c.fs.readPIDs(path.Join(dirs[i], "cgroup.procs"))
		switch {
		case err == nil:
		case i == 0:
			return false, err
		case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ENODEV):
			continue // removed meanwhile
		case !errors.Is(err, unix.EOPNOTSUPP):
			return false, err
		}
		// A threaded cgroup does not list its processes; the one above it
		// does.
		for _, pid := range pids {
			if pid == 0 || !ours(pid) {
				return true, nil
			}
		}
		entries, err := os.ReadDir(c.fs.root + dirs[i])
		if err != nil && i == 0 {
			return false, err
		}
		for _, e := range entries {
			if e.IsDir() && len(dirs) <= maxDescendants {
				dirs = append(dirs, path.Join(dirs[i], e.Name()))
			}
		}
	}
	return false, nil
}

// readPIDs reads a file that lists processes.
func (fs FS) readPIDs(path string) ([]int, error) {
	b, err := fs.read(path)
	if err != nil {
		return nil, err
	}
	return parsePIDs(b), nil
}

// parsePIDs parses numbers between blanks or newlines. What is no number is
// left out.
func parsePIDs(b []byte) []int {
	var pids []int
	for word := range bytes.FieldsSeq(b) {
		if pid, err := strconv.ParseInt(string(word), 10, 32); err == nil && pid >= 0 {
			pids = append(pids, int(pid))
		}
	}
	return pids
}
