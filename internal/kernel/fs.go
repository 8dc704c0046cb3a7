// Package kernel reads what the kernel says about memory and processes: the
// files of procfs, of the cgroup file systems (v1, v2 and both together), and
// the kernel log. One file per kernel file; each exported reader hangs off an
// [FS], whose root tests can replace, and hands the bytes to a pure parser.
//
// Sizes are bytes. A file that is missing, has vanished or does not hold what
// its documentation says gives an error, and the other readers go on.
package kernel

import "path"

// FS is the place where the kernel's files are: /proc, /sys, /dev and the few
// others below one root. It is made by [New] and safe for concurrent use.
type FS struct {
	root string // "" for the live machine, else without a slash at the end
	kept *kept
}

// New gives the kernel's files below root; "" and "/" are the live machine.
//
// The files that are read many times a second (/proc/meminfo, /proc/vmstat,
// /proc/pressure/memory and the counters of memory cgroups) stay open, at most
// maxKept of them, until [FS.Close]: opening a file needs kernel memory, which
// may be what has run out.
func New(root string) FS {
	root = path.Clean("/" + root)
	if root == "/" {
		root = ""
	}
	return FS{root: root, kept: &kept{open: map[name]int{}}}
}

// Close closes the files that are kept open. The FS can be used again after
// it.
func (fs FS) Close() error {
	fs.kept.close()
	return nil
}
