package kernel

import (
	"slices"
	"strings"
)

// membership is the cgroup of a process in the hierarchy that controls memory
// (/proc/PID/cgroup, cgroups(7)).
type membership struct {
	version int
	path    string
}

// parseMembership finds the hierarchy in charge of memory: a v1 hierarchy
// that has the controller, or else v2. A controller is in one hierarchy only,
// so on a hybrid machine the v1 line decides.
func parseMembership(b []byte) (membership, bool) {
	var found membership
	for line := range strings.Lines(string(b)) {
		// 4:memory:/a/b or 0::/a/b
		id, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, path, ok := strings.Cut(rest, ":")
		if !ok || !strings.HasPrefix(path, "/") {
			continue
		}
		// The path of a cgroup that was removed while it had processes.
		path = strings.TrimSuffix(path, " (deleted)")
		switch {
		case slices.Contains(strings.Split(controllers, ","), "memory"):
			return membership{1, path}, true
		case id == "0" && controllers == "":
			found = membership{2, path}
		}
	}
	return found, found.version != 0
}
