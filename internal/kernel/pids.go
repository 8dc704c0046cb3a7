package kernel

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// PIDs gives all processes that can be seen from here, in ascending order.
func (fs FS) PIDs() ([]int, error) {
	return fs.numbered("/proc")
}

// numbered gives the entries of a folder whose names are numbers, in
// ascending order.
func (fs FS) numbered(dir string) ([]int, error) {
	f, err := os.Open(fs.root + dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, reason(err))
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, reason(err))
	}
	numbers := make([]int, 0, len(names))
	for _, name := range names {
		if n, err := strconv.ParseUint(name, 10, 31); err == nil {
			numbers = append(numbers, int(n))
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// Children gives the children of a process, those of all its threads, in
// ascending order: /proc/PID/task/*/children (proc_tid_children(5)). The
// kernel may leave some out while others of them are ending. Where it does
// not have these files (CONFIG_PROC_CHILDREN), all processes are asked for
// their parent.
func (fs FS) Children(pid int) ([]int, error) {
	threads, err := fs.numbered(ofProcess(pid, "task"))
	if err != nil {
		return nil, err
	}
	var children []int
	listed := false
	for _, thread := range threads {
		some, err := fs.readPIDs(ofProcess(pid, "task/"+strconv.Itoa(thread)+"/children"))
		if err != nil {
			continue // the thread is gone, or the kernel has no such file
		}
		listed = true
		children = append(children, some...)
	}
	if !listed {
		return fs.childrenByParent(pid)
	}
	slices.Sort(children)
	return children, nil
}

func (fs FS) childrenByParent(pid int) ([]int, error) {
	if _, err := fs.Process(pid); err != nil {
		return nil, err
	}
	pids, err := fs.PIDs()
	if err != nil {
		return nil, err
	}
	var children []int
	for _, other := range pids {
		if p, err := fs.Process(other); err == nil && p.Parent == pid {
			children = append(children, other)
		}
	}
	return children, nil
}

// Descendants gives the children of a process, their children, and so on,
// each after its parent. What is started or ends meanwhile may be missing: who
// has to catch them all asks until there are none.
func (fs FS) Descendants(pid int) ([]int, error) {
	all, err := fs.Children(pid)
	if err != nil {
		return nil, err
	}
	seen := map[int]bool{pid: true}
	all = unseen(all, seen)
	for i := 0; i < len(all); i++ {
		children, err := fs.Children(all[i])
		if err != nil {
			if errors.Is(err, os.ErrPermission) {
				return all, err
			}
			continue // it has gone meanwhile
		}
		all = append(all, unseen(children, seen)...)
	}
	return all, nil
}

// unseen gives those not seen before and notes them: numbers are used again,
// and a tree read in the meantime must not go round in a circle.
func unseen(pids []int, seen map[int]bool) []int {
	var out []int
	for _, pid := range pids {
		if !seen[pid] {
			seen[pid] = true
			out = append(out, pid)
		}
	}
	return out
}
