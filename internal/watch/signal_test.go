package watch

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/oom143-action/internal/record"
)

// pendingSignals is what has been sent to a process that blocks everything.
func pendingSignals(pid int) uint64 {
	n, _ := strconv.ParseUint(statusField(pid, "ShdPnd"), 16, 64)
	return n
}

func bit(s unix.Signal) uint64 { return 1 << (s - 1) }

// Every catchable signal reaches every process of the command's group.
func TestEverySignalIsForwarded(t *testing.T) {
	t.Parallel()
	r := watched(t, helper(t, "pending", "group")...)
	out := file(t, "out")
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	r.Stdout = f
	r.start()
	command := r.spawned()
	second := 0
	eventually(t, 5*time.Second, "both processes block all signals", func() bool {
		b, _ := os.ReadFile(out)
		fmt.Sscan(string(b), new(int), &second)
		full := func(pid int) bool { return strings.HasPrefix(statusField(pid, "SigBlk"), "fffffffffffbfeff") }
		return second != 0 && full(command) && full(second) && statusField(second, "Name") == "sleep"
	})
	stops := bit(unix.SIGTSTP)
	var want uint64
	for s := unix.Signal(1); s <= lastSignal; s++ {
		if notCaught[s] || s == unix.SIGCONT {
			continue
		}
		want |= bit(s)
		if err := r.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want uint64) {
		t.Helper()
		for _, pid := range []int{command, second} {
			eventually(t, 5*time.Second, fmt.Sprintf("pending %#x of process %d of %d, %d", want, pid, command, second), func() bool {
				return pendingSignals(pid) == want
			})
		}
	}
	check(want)
	// SIGCONT takes the stops that are pending away (signal(7)).
	if err := r.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	check(want&^stops | bit(unix.SIGCONT))

	// What is left out is only what cannot be caught, what says something of
	// oom143 itself, and what belongs to the C library.
	var left []int
	for s := range notCaught {
		left = append(left, int(s))
	}
	if len(left) != 7 {
		t.Errorf("not caught: %v", left)
	}
	r.Process.Signal(unix.SIGTERM)
	unix.Kill(-command, unix.SIGKILL)
	r.endsWith(137)
	seen := map[string]bool{}
	for _, s := range r.read().Signals {
		seen[s.What.Signal] = true
		if s.What.From == nil || s.What.From.PID != os.Getpid() || s.What.From.Kind != record.FromOther {
			t.Errorf("%s came from %+v", s.What.Signal, s.What.From)
		}
	}
	if !seen["SIGINT"] || !seen["SIGTERM"] || !seen["signal 64"] {
		t.Errorf("recorded %v", seen)
	}
}

// A signal that comes before oom143 has heard that its command runs is not
// lost: the command's first act is to send it.
func TestSignalAtOnce(t *testing.T) {
	t.Parallel()
	for range 8 {
		r := watched(t, shell(`trap 'exit 7' TERM; read -r _ _ _ oom143 _ < /proc/$PPID/stat; kill -TERM $oom143; while :; do sleep 0.01; done`)...)
		r.ends(7)
		signals := r.read().Signals
		if len(signals) != 1 || signals[0].What.From == nil || signals[0].What.From.Kind != record.FromCommand || signals[0].What.From.PID != r.read().PID {
			t.Errorf("signals %+v", signals)
		}
	}
}

// A signal to the guard, which a command sees as its parent, counts as one to
// oom143.
func TestSignalToGuard(t *testing.T) {
	t.Parallel()
	r := watched(t, shell(`trap 'exit 7' TERM; kill -TERM $PPID; while :; do sleep 0.01; done`)...).ends(7)
	signals := r.read().Signals
	if len(signals) != 1 || signals[0].What.From == nil || signals[0].What.From.Kind != record.FromCommand || signals[0].What.From.PID != r.read().PID {
		t.Errorf("signals %+v", signals)
	}
}

// A command that left its group still gets the signals.
func TestSignalToCommandOutsideItsGroup(t *testing.T) {
	t.Parallel()
	setsid := needTool(t, "setsid")
	// Setsid forks where it leads a group, so that the command must not.
	r := watched(t, shell(fmt.Sprintf(`exec %s --wait sh -c 'trap "exit 7" TERM; echo on; while :; do sleep 0.01; done'`, setsid))...)
	r.start()
	r.spawned()
	r.Process.Signal(unix.SIGTERM)
	if got := r.status(); got != 7 && got != 143 {
		t.Errorf("exit status %d", got)
	}
}

// SIGTSTP stops the command and oom143, SIGCONT wakes both.
func TestStopAndContinue(t *testing.T) {
	t.Parallel()
	// It forks nothing: a shell that waits for vfork(2) cannot stop.
	r := watched(t, "cat")
	in, err := r.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.start()
	command := r.spawned()
	r.Process.Signal(unix.SIGTSTP)
	for _, pid := range []int{command, r.Process.Pid} {
		eventually(t, 5*time.Second, fmt.Sprintf("%d is stopped", pid), func() bool { return strings.HasPrefix(statusField(pid, "State"), "T") })
	}
	r.Process.Signal(unix.SIGCONT)
	for _, pid := range []int{command, r.Process.Pid} {
		eventually(t, 5*time.Second, fmt.Sprintf("%d goes on", pid), func() bool { return !strings.HasPrefix(statusField(pid, "State"), "T") })
	}
	in.Close()
	r.endsWith(0)
}

// A command that stops itself does not stop oom143.
func TestCommandStopsItself(t *testing.T) {
	t.Parallel()
	r := watched(t, shell("kill -STOP $$; exit 4")...).start()
	command := r.spawned()
	eventually(t, 5*time.Second, "the command is stopped", func() bool { return strings.HasPrefix(statusField(command, "State"), "T") })
	time.Sleep(20 * time.Millisecond)
	if s := statusField(r.Process.Pid, "State"); strings.HasPrefix(s, "T") {
		t.Errorf("oom143 is %s", s)
	}
	unix.Kill(command, unix.SIGCONT)
	r.endsWith(4)
}

// Fifty signals while the report is being told: each is forwarded, the report
// is told once and to its end, and the status is the command's.
func TestManySignalsWhileReporting(t *testing.T) {
	t.Parallel()
	ready := file(t, "ready")
	r := watched(t, shell(fmt.Sprintf(`trap : INT TERM; trap 'exit 6' HUP; echo $$ > %s; while :; do sleep 0.01; done`, ready))...)
	r.Env = append(r.Env, reportVariable+"=300ms")
	r.start()
	number(t, ready)
	for i := range 50 {
		r.Process.Signal([]os.Signal{unix.SIGINT, unix.SIGTERM}[i%2])
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	r.Process.Signal(unix.SIGHUP)
	r.endsWith(6)
	if n := strings.Count(r.stderr.String(), "oom143: the report.\n"); n != 1 {
		t.Errorf("the report was told %d times: %s", n, &r.stderr)
	}
	// A signal that is pending is not sent twice (signal(7)), so some of the
	// fifty may have become one.
	if n := len(r.read().Signals); n < 20 || n > 51 {
		t.Errorf("%d signals recorded", n)
	}
}

// The command finds signals ignored and blocked as it would without oom143.
func TestInheritedSignals(t *testing.T) {
	t.Parallel()
	show := `grep -E '^Sig(Blk|Ign)' /proc/self/status`
	for _, setup := range []string{
		"true",
		"trap '' HUP", // nohup
		"trap '' INT", // a job in the background of a script
		"trap '' HUP; trap '' INT",
	} {
		without, err := exec.Command("/bin/sh", "-c", setup+"; "+show).Output()
		if err != nil {
			t.Fatal(err)
		}
		r := watched(t, "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")
		r.Args = append([]string{"sh", "-c", setup + `; exec "$0" "$@"`, r.Path}, r.Args[1:]...)
		r.Path = "/bin/sh"
		r.ends(0)
		if got := r.stdout.String(); got != string(without) {
			t.Errorf("%s:\ngot  %swant %s", setup, got, without)
		}
	}
}

// The runtime of Go puts a handler in place of SIG_IGN for every signal but
// SIGHUP and SIGINT before the first line of a program runs, so that nobody
// can tell that the others were ignored: the command finds them with their
// default action.
func TestIgnoredSignalsThatGoLoses(t *testing.T) {
	t.Parallel()
	r := watched(t, "grep", "^SigIgn", "/proc/self/status")
	r.Args = append([]string{"sh", "-c", `trap '' HUP INT QUIT TERM USR1; exec "$0" "$@"`, r.Path}, r.Args[1:]...)
	r.Path = "/bin/sh"
	r.ends(0)
	got, err := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(r.stdout.String(), "SigIgn:")), 16, 64)
	got &^= bit(32) | bit(33) // the C library's, which a caller may have left ignored
	if want := bit(unix.SIGHUP) | bit(unix.SIGINT); err != nil || got != want {
		t.Errorf("ignored %#x, %v, want %#x", got, err, want)
	}
}

// An ignored SIGINT stays ignored when it is forwarded, and is recorded.
func TestIgnoredSignalIsForwarded(t *testing.T) {
	t.Parallel()
	r := watched(t, shell("sleep 0.5; exit 3")...)
	r.Args = append([]string{"sh", "-c", `trap '' INT; exec "$0" "$@"`, r.Path}, r.Args[1:]...)
	r.Path = "/bin/sh"
	r.start()
	r.spawned()
	r.Process.Signal(unix.SIGINT)
	r.endsWith(3)
	if s := r.read().Signals; len(s) != 1 || s[0].What.Signal != "SIGINT" {
		t.Errorf("signals %+v", s)
	}
}
