package kernel

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hogVariable turns the test binary into a process that waits for a line on
// its input and then takes memory until it is killed.
const hogVariable = "OOM143_KERNEL_TEST_HOG"

func TestMain(m *testing.M) {
	if os.Getenv(hogVariable) != "" {
		hog()
	}
	os.Exit(m.Run())
}

// hog ends by itself after 1 GiB, should nothing stop it.
func hog() {
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		os.Exit(3)
	}
	var held [][]byte
	for range 1024 {
		block := make([]byte, mib)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		held = append(held, block)
	}
	os.Exit(4 + len(held)&1)
}

// startHog starts one and gives the end of its input.
func startHog(t *testing.T) (*exec.Cmd, io.WriteCloser) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hogVariable+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, in
}

// liveCgroup makes a memory cgroup on this machine, of the machine's own
// version, with the limit in bytes.
func liveCgroup(t *testing.T, limit int) Cgroup {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("making a memory cgroup needs root")
	}
	fs := New("/")
	t.Cleanup(func() { fs.Close() })
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skip("cgroups: ", err)
	}
	member, _ := parseMembership(own)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range parseMountinfo(mounts) {
		if m.version != member.version || m.root != "/" {
			continue
		}
		c := Cgroup{Version: m.version, Path: fmt.Sprintf("/oom143-kernel-test-%d-%s", os.Getpid(), t.Name()), fs: fs}
		c.dir = path.Join(m.point, c.Path)
		if c.Version == 2 {
			enabled, _ := os.ReadFile(path.Join(m.point, "cgroup.subtree_control"))
			if !slices.Contains(strings.Fields(string(enabled)), "memory") {
				t.Skipf("the memory controller is not enabled below %s", m.point)
			}
		}
		if err := os.Mkdir(c.dir, 0o755); err != nil {
			t.Skipf("no memory cgroup can be made: %v", err)
		}
		t.Cleanup(func() { removeCgroup(t, c.dir) })
		set(t, c, c.file("memory.max", "memory.limit_in_bytes"), itoa(limit))
		return c
	}
	t.Skip("no file system of memory cgroups is mounted from its root")
	return Cgroup{}
}

func set(t *testing.T, c Cgroup, file, value string) {
	t.Helper()
	if err := os.WriteFile(path.Join(c.dir, file), []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

func removeCgroup(t *testing.T, dir string) {
	var err error
	for range 100 {
		if err = os.Remove(dir); err == nil || errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("the cgroup stays: %v", err)
}

func TestLiveKill(t *testing.T) {
	const limit = 32 * mib
	c := liveCgroup(t, limit)
	fs := c.fs
	log, err := OpenKernelLog(fs)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
		t.Log("without the kernel log: ", err)
	} else if err != nil {
		t.Fatal(err)
	} else {
		defer log.Close()
	}
	before, err := c.Events()
	if err != nil || !before.HasOOMKill || before.OOMKill != 0 {
		t.Fatalf("Events of a new cgroup = %+v, %v", before, err)
	}
	machine, err := fs.Vmstat()
	if err != nil {
		t.Fatal(err)
	}

	cmd, in := startHog(t)
	pid := cmd.Process.Pid
	set(t, c, "cgroup.procs", itoa(pid))
	checkMembership(t, c, pid)
	if got, has, err := c.Limit(); err != nil || !has || got != limit {
		t.Errorf("Limit = %d, %t, %v; want %d", got, has, err, limit)
	}
	fmt.Fprintln(in, "go")
	cmd.Wait()
	if status := cmd.ProcessState.Sys().(interface{ Signal() unix.Signal }).Signal(); status != unix.SIGKILL {
		t.Fatalf("the hog ended with %v, not by SIGKILL", cmd.ProcessState)
	}

	after, err := c.Events()
	if err != nil || after.OOMKill != 1 || after.Max == 0 {
		t.Errorf("Events after the kill = %+v, %v; want one oom_kill and some max", after, err)
	}
	if peak, has, err := c.Peak(); err != nil || has && peak < limit/2 {
		t.Errorf("Peak = %d, %t, %v; want about %d", peak, has, err, limit)
	}
	if now, err := fs.Vmstat(); err != nil || now.OOMKill <= machine.OOMKill {
		t.Errorf("Vmstat oom_kill = %d, %v; want more than %d", now.OOMKill, err, machine.OOMKill)
	}
	if log != nil {
		checkLog(t, log, c, pid)
	}
}

// checkMembership looks at the cgroup while the hog waits in it.
func checkMembership(t *testing.T, c Cgroup, pid int) {
	t.Helper()
	groups, err := c.fs.Cgroups(pid)
	if err != nil || len(groups) == 0 || groups[0].Path != c.Path || groups[0].Dir() != c.Dir() {
		t.Fatalf("Cgroups = %+v, %v; want %s first", groups, err, c.Path)
	}
	if c.Version == 1 && groups[len(groups)-1].Path != "/" {
		t.Errorf("Cgroups end with %s, not with /", groups[len(groups)-1].Path)
	}
	if pids, err := c.Procs(); err != nil || !slices.Equal(pids, []int{pid}) {
		t.Errorf("Procs = %v, %v; want %d", pids, err, pid)
	}
	if others, err := c.HasOthers(func(p int) bool { return p == pid }); err != nil || others {
		t.Errorf("HasOthers = %t, %v; want false", others, err)
	}
	if others, err := c.HasOthers(func(int) bool { return false }); err != nil || !others {
		t.Errorf("HasOthers = %t, %v; want true", others, err)
	}
	if _, err := c.Usage(); err != nil {
		t.Errorf("Usage: %v", err)
	}
}

func checkLog(t *testing.T, log *KernelLog, c Cgroup, pid int) {
	t.Helper()
	var mine []OOMKill
	for range 50 {
		kills, err := log.Read()
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range kills {
			if k.LimitCgroup == c.Path || k.PID == pid || k.PID == fakePID {
				mine = append(mine, k)
			}
		}
		if len(mine) > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if len(mine) != 1 {
		t.Fatalf("kills in the log: %+v; want one", mine)
	}
	k := mine[0]
	if k.Constraint != ConstraintMemcg || k.Global || k.LimitCgroup != c.Path || k.TaskCgroup != c.Path || k.RSS < 16*mib || k.UID != 0 {
		t.Errorf("kill = %+v", k)
	}
	if own, err := os.Readlink("/proc/self/ns/pid"); err == nil && own == initialPIDNamespace && k.PID != pid {
		t.Errorf("kill of %d, want %d", k.PID, pid)
	}
}

// fakePID is above all process numbers there can be (PID_MAX_LIMIT, 4194304).
const fakePID = 4194399

func TestLiveFakeLine(t *testing.T) {
	log, err := OpenKernelLog(New("/"))
	if err != nil {
		t.Skip("the kernel log cannot be read: ", err)
	}
	defer log.Close()
	f, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("the kernel log cannot be written: ", err)
	}
	defer f.Close()
	// "<3>" asks for the facility of the kernel, which is not given.
	if _, err := fmt.Fprintf(f, "<3>Out of memory: Killed process %d (fake)%s", fakePID, sizes); err != nil {
		t.Skip("the kernel log cannot be written: ", err)
	}
	kills, err := log.Read()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kills {
		if k.PID == fakePID {
			t.Errorf("a line from user space was believed: %+v", k)
		}
	}
}

// A SIGKILL that somebody sent counts nowhere.
func TestLivePlainKill(t *testing.T) {
	c := liveCgroup(t, 256*mib)
	cmd, _ := startHog(t)
	set(t, c, "cgroup.procs", itoa(cmd.Process.Pid))
	cmd.Process.Kill()
	cmd.Wait()
	if e, err := c.Events(); err != nil || e.OOMKill != 0 {
		t.Errorf("Events = %+v, %v; want no oom_kill", e, err)
	}
}

// A cgroup that is removed while its files are open is gone, and another one
// of the same name is read anew.
func TestLiveRemoved(t *testing.T) {
	c := liveCgroup(t, 64*mib)
	if limit, _, err := c.Limit(); err != nil || limit != 64*mib {
		t.Fatalf("Limit = %d, %v", limit, err)
	}
	if err := os.Remove(c.dir); err != nil {
		t.Fatal(err)
	}
	if limit, has, err := c.Limit(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Limit of a removed cgroup = %d, %t, %v; want os.ErrNotExist", limit, has, err)
	}
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	set(t, c, c.file("memory.max", "memory.limit_in_bytes"), itoa(128*mib))
	if limit, _, err := c.Limit(); err != nil || limit != 128*mib {
		t.Errorf("Limit of the new cgroup = %d, %v; want %d", limit, err, 128*mib)
	}
}

func TestLiveProcess(t *testing.T) {
	fs := New("/")
	defer fs.Close()
	cmd, _ := startHog(t)
	pid := cmd.Process.Pid
	p, err := fs.Process(pid)
	if err != nil || p.PID != pid || p.Parent != os.Getpid() || p.RSS == 0 || p.Threads == 0 || p.Start == 0 {
		t.Errorf("Process = %+v, %v", p, err)
	}
	if argv, err := fs.Cmdline(pid); err != nil || !slices.Equal(argv, os.Args[:1]) {
		t.Errorf("Cmdline = %q, %v; want %q", argv, err, os.Args[:1])
	}
	if env, err := fs.Environ(pid, hogVariable); err != nil || env[hogVariable] != "1" {
		t.Errorf("Environ = %v, %v", env, err)
	}
	if pss, err := fs.PSS(pid); err != nil || pss == 0 {
		t.Errorf("PSS = %d, %v", pss, err)
	}
	for name, find := range map[string]func(int) ([]int, error){"Children": fs.Children, "Descendants": fs.Descendants} {
		if pids, err := find(os.Getpid()); err != nil || !slices.Contains(pids, pid) {
			t.Errorf("%s = %v, %v; want %d among them", name, pids, err, pid)
		}
	}
	adj, err := fs.OOMScoreAdj(pid)
	if err != nil {
		t.Fatal(err)
	}
	want := min(adj+100, MaxOOMScoreAdj)
	if err := fs.SetOOMScoreAdj(pid, want); err != nil {
		t.Error(err)
	}
	if adj, err = fs.OOMScoreAdj(pid); err != nil || adj != want {
		t.Errorf("OOMScoreAdj = %d, %v; want %d", adj, err, want)
	}
	cmd.Process.Kill()
	waitForZombie(t, fs, pid)
	if argv, err := fs.Cmdline(pid); err != nil || argv != nil {
		t.Errorf("Cmdline of a zombie = %q, %v; want none", argv, err)
	}
	if p, err := fs.Process(pid); err != nil || p.State != 'Z' || p.RSS != 0 {
		t.Errorf("zombie = %+v, %v", p, err)
	}
}

func waitForZombie(t *testing.T, fs FS, pid int) {
	t.Helper()
	for range 500 {
		if p, err := fs.Process(pid); err == nil && p.State == 'Z' {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("process %d does not end", pid)
}

func TestPidfdExit(t *testing.T) {
	for _, test := range []struct {
		script string
		want   unix.WaitStatus
	}{
		{"read x; exit 0", 0},
		{"read x; exit 143", 143 << 8},
		{"read x; kill -KILL $$", unix.WaitStatus(unix.SIGKILL)},
		{"read x; kill -TERM $$", unix.WaitStatus(unix.SIGTERM)},
	} {
		t.Run(test.script, func(t *testing.T) {
			cmd := exec.Command("sh", "-c", test.script)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			fd, err := OpenPidfd(cmd.Process.Pid)
			if err != nil {
				t.Skip("before Linux 5.3: ", err)
			}
			defer unix.Close(fd)
			if status, ok, err := PidfdExit(fd); ok || err != nil || status != 0 {
				t.Errorf("PidfdExit while it runs = %v, %t, %v", status, ok, err)
			}
			fmt.Fprintln(in, "go")
			cmd.Wait()
			status, ok, err := PidfdExit(fd)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				var major, minor int
				fmt.Sscanf(New("/").Release(), "%d.%d", &major, &minor)
				if major > 6 || major == 6 && minor >= 15 {
					t.Fatal("PidfdExit tells nothing on Linux 6.15 or later")
				}
				t.Skip("before Linux 6.15 the kernel does not tell how a process ended")
			}
			if status != test.want {
				t.Errorf("status = %#x, want %#x", status, test.want)
			}
		})
	}
}

func TestPidfdOfNobody(t *testing.T) {
	if fd, err := OpenPidfd(fakePID); err == nil {
		t.Errorf("OpenPidfd of a number that cannot be = %d", fd)
	}
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if status, ok, err := PidfdExit(int(f.Fd())); ok || err != nil {
		t.Errorf("PidfdExit of what is no pidfd = %v, %t, %v; want nothing", status, ok, err)
	}
	if _, ok, err := PidfdExit(-1); ok || err == nil {
		t.Errorf("PidfdExit of a bad descriptor: %t, %v; want an error", ok, err)
	}
}
