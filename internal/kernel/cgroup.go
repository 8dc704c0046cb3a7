package kernel

import (
	"errors"
	"os"
	"path"
	"slices"
	"strings"
)

// Cgroup is a memory cgroup, of version 1
// (Documentation/admin-guide/cgroup-v1/memory.rst) or 2
// (Documentation/admin-guide/cgroup-v2.rst, "Memory").
type Cgroup struct {
	Version int
	// Path is the cgroup as /proc/PID/cgroup names it. In a cgroup namespace
	// of its own (Docker's default with v2) a container sees itself as "/",
	// while the kernel log has the path from the machine's root.
	Path string

	fs  FS
	dir string // where its files are
	// swap is true where v1 accounts for swap, with a limit and counters of
	// its own.
	swap bool
}

// Dir is the folder of the cgroup's files, below the root of its [FS].
func (c Cgroup) Dir() string { return c.dir }

// Cgroups gives the memory cgroups that a process's memory counts towards:
// the process's own first, then its ancestors as far as they can be seen. The
// list is empty where no memory cgroup can be seen.
//
// Where the process's own cgroup (of v2) has no memory controller, the first
// one is the nearest ancestor that has. The root cgroup of v2 has neither
// limit nor usage and is left out. In a hierarchy of v1 the list ends below
// the first ancestor with memory.use_hierarchy 0, which does not count its
// children.
func (fs FS) Cgroups(pid int) ([]Cgroup, error) {
	b, err := fs.read(ofProcess(pid, "cgroup"))
	if errors.Is(err, os.ErrNotExist) && fs.exists(ofProcess(pid, "stat")) {
		return nil, nil // a kernel without cgroups
	}
	if err != nil {
		return nil, err
	}
	member, ok := parseMembership(b)
	if !ok {
		return nil, nil
	}
	// The paths of mountinfo are those of the reader, not of pid.
	b, err = fs.read("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var best []Cgroup
	for _, m := range parseMountinfo(b) {
		if m.version != member.version {
			continue
		}
		if found := fs.upFrom(m, member.path, pid); len(found) > len(best) {
			best = found
		}
	}
	return best, nil
}

// upFrom gives the memory cgroups from the process's own up to the mount's
// root, as far as they can be seen through this mount.
func (fs FS) upFrom(m mount, own string, pid int) []Cgroup {
	base, below, ok := fs.locate(m, own, pid)
	if !ok {
		return nil
	}
	var groups []Cgroup
	for {
		c := Cgroup{Version: m.version, Path: joinName(base, below), fs: fs, dir: path.Join(m.point, below)}
		c.swap = c.Version == 1 && fs.exists(path.Join(c.dir, "memory.memsw.failcnt"))
		if c.Version == 1 && len(groups) > 0 && c.flat() {
			return groups
		}
		if fs.exists(c.dir + "/" + c.file("memory.current", "memory.usage_in_bytes")) {
			groups = append(groups, c)
		}
		if below == "/" {
			return groups
		}
		below = path.Dir(below)
	}
}

// joinName names a cgroup below another one. The ".." at the beginning of a
// name stay.
func joinName(base, below string) string {
	if below == "/" {
		return base
	}
	return strings.TrimSuffix(base, "/") + below
}

// flat tells whether a v1 cgroup does not count its children. Since Linux
// 5.11 all do.
func (c Cgroup) flat() bool {
	n, err := readKept(c.fs, c.dir, "memory.use_hierarchy", parseNumber)
	return err == nil && n == 0
}

// file is the name of a file in v2 and in v1.
func (c Cgroup) file(v2, v1 string) string {
	if c.Version == 1 {
		return v1
	}
	return v2
}

// locate finds the cgroup own below the mount: below is its path from the
// mount point, "/" for the mount point itself, and base is the name of the
// mount point's cgroup.
//
// A path that begins with ".." climbs out of the cgroup namespace
// (cgroup_namespaces(7)). Both own and the mount's root may do so.
func (fs FS) locate(m mount, own string, pid int) (base, below string, ok bool) {
	ownUps, ownRest := climb(own)
	rootUps, rootRest := climb(m.root)
	switch {
	case rootUps == ownUps && within(ownRest, rootRest):
		base, below = m.root, path.Join("/", strings.TrimPrefix(ownRest, rootRest))
	case rootUps > ownUps && rootRest == "":
		// The mount's root is above the namespace: the folders between
		// have no names here.
		base = "/"
		below, ok = fs.search(m.point, rootUps-ownUps, ownRest, pid)
		if !ok {
			return "", "", false
		}
	}
	if below != "" && fs.exists(path.Join(m.point, below, "cgroup.procs")) {
		return base, below, true
	}
	// The names do not fit the mount, as with containers that see the
	// machine's /proc/PID/cgroup: its root is the process's own if it holds it.
	if fs.holds(m.point, pid) {
		return own, "/", true
	}
	return "", "", false
}

// climb splits the leading ".." off a path: "/../../a" is 2 and "/a", "/" is
// 0 and "".
func climb(p string) (ups int, rest string) {
	p = strings.TrimSuffix(p, "/")
	for p == "/.." || strings.HasPrefix(p, "/../") {
		ups++
		p = p[len("/.."):]
	}
	return ups, p
}

// within tells whether p is root or below it, both without a slash at the end.
func within(p, root string) bool {
	return p == root || strings.HasPrefix(p, root+"/")
}

// maxSearched bounds the folders looked at by search.
const maxSearched = 4096

// search looks depth levels below the mount point for the folder whose rest
// holds the process.
func (fs FS) search(point string, depth int, rest string, pid int) (string, bool) {
	level := []string{"/"}
	looked := 0
	for range depth {
		var next []string
		for _, dir := range level {
			entries, err := os.ReadDir(fs.root + path.Join(point, dir))
			if err != nil {
				continue
			}
			for _, e := range entries {
				if e.IsDir() && looked < maxSearched {
					looked++
					next = append(next, path.Join(dir, e.Name()))
				}
			}
		}
		level = next
	}
	for _, dir := range level {
		if below := path.Join(dir, rest); fs.holds(path.Join(point, below), pid) {
			return below, true
		}
	}
	return "", false
}

// holds tells whether the cgroup in dir itself holds the process.
func (fs FS) holds(dir string, pid int) bool {
	pids, err := fs.readPIDs(path.Join(dir, "cgroup.procs"))
	return err == nil && slices.Contains(pids, pid)
}
