package watch

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// inParallel runs one check for each number, a few at a time.
func inParallel(n int, check func(int)) {
	const workers = 4
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < n; i += workers {
				check(i)
			}
		})
	}
	all.Wait()
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	oom143 := built(t)
	inParallel(256, func(code int) {
		r := watched(t)
		r.Path = oom143
		r.Args = []string{"oom143", "run", "--hooks", "off", "--record", "/dev/null", "--", "/bin/sh", "-c", fmt.Sprintf("exit %d", code)}
		r.ends(code)
	})
}

// A command that dies of signal N gives 128+N, and the record has its name.
func TestDeathBySignal(t *testing.T) {
	t.Parallel()
	// What the default action of these is not is to end the process
	// (signal(7)); 32 and 33 are the C library's.
	lives := map[unix.Signal]bool{
		unix.SIGCHLD: true, unix.SIGCONT: true, unix.SIGURG: true, unix.SIGWINCH: true,
		unix.SIGSTOP: true, unix.SIGTSTP: true, unix.SIGTTIN: true, unix.SIGTTOU: true,
		32: true, 33: true,
	}
	inParallel(lastSignal, func(i int) {
		s := unix.Signal(i + 1)
		if lives[s] {
			return
		}
		r := watched(t, shell(fmt.Sprintf("ulimit -c 0; exec sh -c 'kill -%d $$; sleep 5'", s))...)
		r.ends(128 + int(s))
		if end := r.read().End; end == nil || end.Code != 128+int(s) || end.Signal != unix.SignalName(s) {
			t.Errorf("signal %d: recorded %+v", s, end)
		}
	})
}

// A shell that chooses 137 has not been killed.
func TestChosenStatusIsNoDeath(t *testing.T) {
	t.Parallel()
	r := watched(t, shell("exit 137")...).ends(137)
	if end := r.read().End; end.Signal != "" || end.Code != 137 {
		t.Errorf("recorded %+v", end)
	}
}

func TestNotStarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name, path string
		want       int
	}{
		{"not there", filepath.Join(dir, "none"), 127},
		{"no such interpreter", write("interpreter", "#!/nowhere/sh\n", 0o755), 127},
		{"a directory", dir, 126},
		{"not executable", write("data", "echo no\n", 0o644), 126},
		{"a script without #!", write("script", "exit 9\n", 0o755), 9},
		{"an empty file", write("empty", "", 0o755), 0},
	}
	for _, test := range tests {
		r := watched(t, test.path).ends(test.want)
		rec := r.read()
		if started := test.want < 126; started != (rec.NotStarted == nil) {
			t.Errorf("%s: recorded not-started %+v", test.name, rec.NotStarted)
		}
		if n := rec.NotStarted; n != nil && (n.Status != test.want || n.What != test.path) {
			t.Errorf("%s: recorded %+v", test.name, n)
		}
	}
}

// As PID 1 of a PID namespace: exact status, signals forwarded though PID 1
// has no default actions, orphans reaped, leftovers ended.
func TestAsPID1(t *testing.T) {
	t.Parallel()
	needRoot(t)
	unshare := needTool(t, "unshare")
	if out, err := exec.Command(unshare, "--pid", "--fork", "--mount-proc", "true").CombinedOutput(); err != nil {
		t.Skipf("needs PID namespaces: %s", out)
	}
	as1 := func(argv ...string) *run {
		r := watched(t, argv...)
		r.Args = append([]string{"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"}, append([]string{r.Path}, r.Args[1:]...)...)
		r.Path = unshare
		return r
	}
	as1(shell("exit 42")...).ends(42)
	as1(shell("kill -9 $$")...).ends(137)
	r := as1(shell("tr '\\0' ' ' < /proc/1/cmdline; ps -e >/dev/null 2>&1; (sleep 60 &) ; exit 3")...).ends(3)
	if !strings.Contains(r.stdout.String(), asOOM143) {
		t.Errorf("process 1 was %q", &r.stdout)
	}
	if left := r.read().End.Leftovers; len(left) != 1 || left[0].Command != "sleep 60" {
		t.Errorf("leftovers %+v", left)
	}
	// The command's own process signals process 1.
	r = as1(shell("trap 'exit 7' TERM; kill -TERM 1; while :; do sleep 0.01; done")...).ends(7)
	if s := r.read().Signals; len(s) != 1 || s[0].What.Signal != "SIGTERM" || s[0].What.From == nil || s[0].What.From.Kind != "command" {
		t.Errorf("signals %+v", s)
	}
	// Twenty orphans: none is a zombie when it has gone.
	r = as1(shell(`i=0; while [ $i -lt 20 ]; do (sleep 0.01 & ); i=$((i+1)); done; sleep 0.3; grep -l '^State:.Z' /proc/[0-9]*/status; true`)...).ends(0)
	if r.stdout.Len() > 0 {
		t.Errorf("zombies: %s", &r.stdout)
	}
}
