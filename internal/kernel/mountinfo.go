package kernel

import (
	"slices"
	"strings"
)

// mount is a mounted cgroup file system as /proc/self/mountinfo has it
// (proc_pid_mountinfo(5)).
type mount struct {
	version int    // of cgroups, 1 or 2
	root    string // the cgroup that is at the mount point
	point   string
}

// parseMountinfo gives the mounts of cgroup v2, and those of v1 that have the
// memory controller.
func parseMountinfo(b []byte) []mount {
	var mounts []mount
	for line := range strings.Lines(string(b)) {
		// 35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
		left, right, ok := strings.Cut(line, " - ")
		where, what := strings.Fields(left), strings.Fields(right)
		if !ok || len(where) < 6 || len(what) < 3 {
			continue
		}
		m := mount{root: unescapeOctal(where[3]), point: unescapeOctal(where[4])}
		switch {
		case what[0] == "cgroup2":
			m.version = 2
		case what[0] == "cgroup" && slices.Contains(strings.Split(what[2], ","), "memory"):
			m.version = 1
		default:
			continue
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// unescapeOctal gives a path back its blanks, tabs, newlines and backslashes,
// which mountinfo writes as \040, \011, \012 and \134.
func unescapeOctal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && isOctal(s[i+1:i+4]) {
			b.WriteByte(s[i+1]<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isOctal(s string) bool {
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7'
}
