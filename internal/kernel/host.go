package kernel

import (
	"os"
	"strings"
)

// Release is the kernel's release as uname(2) gives it, from
// /proc/sys/kernel/osrelease; "" where it cannot be read.
func (fs FS) Release() string {
	var buf [256]byte
	b, err := fs.readInto("/proc/sys/kernel/osrelease", buf[:])
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// initialPIDNamespace is what /proc/PID/ns/pid is a link to outside of all
// containers: PROC_PID_INIT_INO, 0xEFFFFFFC (include/linux/proc_ns.h).
const initialPIDNamespace = "pid:[4026531836]"

// InContainer tells whether this process runs in a container: in a PID
// namespace of its own, or where Docker, Podman or another manager (the
// Container Interface of systemd) has left its mark.
func (fs FS) InContainer() bool {
	if ns, err := os.Readlink(fs.root + "/proc/self/ns/pid"); err == nil && ns != initialPIDNamespace {
		return true
	}
	return fs.exists("/.dockerenv") || fs.exists("/run/.containerenv") ||
		fs.exists("/run/host/container-manager") || fs.exists("/run/systemd/container")
}
