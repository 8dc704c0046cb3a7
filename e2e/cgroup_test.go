package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The mount points of the memory controller: v1 has one of its own
// (Documentation/admin-guide/cgroup-v1/memory.rst), v2 shares one tree
// (Documentation/admin-guide/cgroup-v2.rst).
const (
	memoryV1 = "/sys/fs/cgroup/memory"
	memoryV2 = "/sys/fs/cgroup"
)

// A cgroup is a memory cgroup of the machine's own version, made for one test.
type cgroup struct{ path string }

// newCgroup makes a cgroup with a limit in bytes and no swap; the test's end
// kills what is in it and removes it.
func newCgroup(t *testing.T, limit int64) *cgroup {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "root, to make a memory cgroup")
	}
	name := "oom143-e2e-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	c := &cgroup{}
	value := strconv.FormatInt(limit, 10)
	switch {
	case exists(filepath.Join(memoryV1, "memory.limit_in_bytes")):
		c.path = filepath.Join(memoryV1, name)
		c.create(t)
		c.set(t, "memory.limit_in_bytes", value)
		if exists(filepath.Join(c.path, "memory.memsw.limit_in_bytes")) {
			c.set(t, "memory.memsw.limit_in_bytes", value)
		}
	case exists(filepath.Join(memoryV2, "cgroup.controllers")):
		root := &cgroup{path: memoryV2}
		root.set(t, "cgroup.subtree_control", "+memory")
		c.path = filepath.Join(memoryV2, name)
		c.create(t)
		c.set(t, "memory.max", value)
		if exists(filepath.Join(c.path, "memory.swap.max")) {
			c.set(t, "memory.swap.max", "0")
		}
	default:
		missing(t, "the memory controller of cgroup v1 or v2 under /sys/fs/cgroup")
	}
	return c
}

func (c *cgroup) create(t *testing.T) {
	t.Helper()
	if err := os.Mkdir(c.path, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.remove(t) })
}

// remove kills what is in the cgroup and removes it. A killed process leaves
// its cgroup only when it is gone, hence the tries.
func (c *cgroup) remove(t *testing.T) {
	for range 100 {
		procs, _ := os.ReadFile(filepath.Join(c.path, "cgroup.procs"))
		for _, word := range strings.Fields(string(procs)) {
			if pid, err := strconv.Atoi(word); err == nil {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if err := syscall.Rmdir(c.path); err == nil || err == syscall.ENOENT {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%s cannot be removed", c.path)
}

func (c *cgroup) set(t *testing.T, file, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.path, file), []byte(value), 0o644); err != nil {
		t.Fatal(err)
	}
}

// command gives a command that starts inside the cgroup; a nil cgroup is the
// test's own.
func (c *cgroup) command(name string, args ...string) *exec.Cmd {
	if c == nil {
		return exec.Command(name, args...)
	}
	enter := `echo $$ >"$0/cgroup.procs" && exec "$@"`
	return exec.Command("sh", append([]string{"-c", enter, c.path, name}, args...)...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// kernelLog tells whether the kernel log can be read here.
func kernelLog() bool {
	f, err := os.Open("/dev/kmsg")
	if err != nil {
		return false
	}
	f.Close()
	return true
}
