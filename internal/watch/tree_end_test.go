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
)

func zombies(parents ...int) []string {
	var found []string
	for _, parent := range parents {
		for _, pid := range children(parent) {
			if strings.HasPrefix(statusField(pid, "State"), "Z") {
				found = append(found, statusField(pid, "Name"))
			}
		}
	}
	return found
}

// Orphans are reaped while the command runs, and none of its processes is
// left, alive or as a zombie, when it has ended.
func TestOrphansAreReaped(t *testing.T) {
	t.Parallel()
	r := watched(t, shell("for i in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.02 &) ; done; echo done >&2; sleep 0.5")...)
	r.start()
	r.spawned()
	guard := r.guard()
	eventually(t, 5*time.Second, "the orphans have gone", func() bool {
		return strings.Contains(r.stderr.String(), "done") && len(children(guard)) == 1
	})
	if z := zombies(guard, r.Process.Pid); len(z) > 0 {
		t.Errorf("zombies: %v", z)
	}
	r.endsWith(0)
	if alive(guard) {
		t.Error("the guard lives on")
	}
	if end := r.read().End; len(end.Leftovers) > 0 {
		t.Errorf("leftovers: %+v", end.Leftovers)
	}
}

// What the command leaves behind gets SIGTERM and is named; the status stays
// the command's.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		argv  []string
		least time.Duration
		most  time.Duration
		word  string
	}{
		{"in the group", shell("sleep 60 & echo $!; exit 3"), 0, 2 * time.Second, "sleep 60"},
		{"daemonised", append(helper(t, "daemon"), "setsid"), 0, 2 * time.Second, "sleep 60"},
		{"forked twice", shell("(setsid sleep 60 & echo $!) ; exit 3"), 0, 2 * time.Second, "sleep 60"},
		{"stopped", shell("sleep 60 & sleep 0.1; kill -STOP $!; echo $!; exit 3"), 0, 2 * time.Second, "sleep 60"},
		{"ignores SIGTERM", helper(t, "daemon", "ignore"), leftoverTerm, leftoverTerm + 2*time.Second, "sleep 60"},
		{"holds the output", helper(t, "daemon", "hold"), 0, 2 * time.Second, "sleep 60"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			want := 3
			if strings.Contains(strings.Join(test.argv, " "), " daemon") {
				want = 0
			}
			r := watched(t, test.argv...).ends(want)
			took := time.Since(began)
			if took < test.least || took > test.most {
				t.Errorf("took %v, want %v to %v", took, test.least, test.most)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(r.stdout.String()))
			if err != nil {
				t.Fatal(err)
			}
			if alive(pid) {
				t.Errorf("%d lives on", pid)
				unix.Kill(pid, unix.SIGKILL)
			}
			end := r.read().End
			if len(end.Leftovers) != 1 || end.Leftovers[0].PID != pid || end.Leftovers[0].Command != test.word || end.OutputHeld {
				t.Errorf("recorded %+v", end)
			}
			if line := fmt.Sprintf("%s (pid %d)", test.word, pid); strings.Count(r.stderr.String(), line) != 1 {
				t.Errorf("said %q", &r.stderr)
			}
		})
	}
}

// The last of a pipeline may end a moment later than the command, by itself.
func TestLeftoverThatEndsByItself(t *testing.T) {
	t.Parallel()
	r := watched(t, shell("(sleep 0.05; echo late) & exit 0")...).ends(0)
	if got := r.stdout.String(); got != "late\n" {
		t.Errorf("output %q", got)
	}
	if end := r.read().End; len(end.Leftovers) > 0 || r.stderr.Len() > 0 {
		t.Errorf("recorded %+v, said %q", end, &r.stderr)
	}
}

// A process that is not of the command's tree and got its output from it does
// not hold the end up.
func TestOutputHeldByOutsider(t *testing.T) {
	t.Parallel()
	socket := file(t, "s")
	holder := exec.Command(self(t), helper(t, "holder", socket)[1:]...)
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { holder.Process.Kill(); holder.Wait() })
	eventually(t, 5*time.Second, "the holder listens", func() bool { _, err := os.Stat(socket); return err == nil })
	began := time.Now()
	r := watched(t, helper(t, "pass-output", socket)...).ends(0)
	if took := time.Since(began); took < outputHeld-500*time.Millisecond || took > outputHeld+2*time.Second {
		t.Errorf("took %v", took)
	}
	if got := r.stdout.String(); got != "passed on\n" {
		t.Errorf("output %q", got)
	}
	if end := r.read().End; !end.OutputHeld || len(end.Leftovers) > 0 {
		t.Errorf("recorded %+v", end)
	}
	if n := strings.Count(r.stderr.String(), "keeps its output open"); n != 1 {
		t.Errorf("said %q", &r.stderr)
	}
}

// SIGKILL of oom143 takes the command's whole tree with it, and the record is
// readable.
func TestKilledOOM143(t *testing.T) {
	t.Parallel()
	out := file(t, "out")
	r := watched(t, shell(fmt.Sprintf("trap '' TERM HUP; %s %s daemon ignore stay > %s & sleep 60 & sleep 60", self(t), asHelper, out))...).start()
	command := r.spawned()
	daemon := number(t, out)
	guard := r.guard()
	tree := append(children(command), command, daemon, guard)
	r.Process.Kill()
	killed := time.Now()
	eventually(t, time.Second, "the tree has gone", func() bool {
		for _, pid := range tree {
			if alive(pid) {
				return false
			}
		}
		return true
	})
	t.Logf("%d processes gone after %v", len(tree), time.Since(killed))
	r.endsWith(-9)
	rec := r.read()
	if rec.PID != command || rec.End != nil || rec.Samples == 0 {
		t.Errorf("record: pid %d, end %+v, %d samples", rec.PID, rec.End, rec.Samples)
	}
}

// Without its guard oom143 still waits for the command, forwards signals, and
// clears up.
func TestKilledGuard(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ending string
		want   int
	}{{"exit 77", 77}, {"kill -SEGV $$", 139}, {"exit 0", 0}} {
		out, ready := file(t, "out"), file(t, "ready")
		r := watched(t, shell(fmt.Sprintf("trap 'setsid sleep 60 & echo $! > %s; ulimit -c 0; %s' USR1; echo $$ > %s; while :; do sleep 0.02; done", out, test.ending, ready))...).start()
		command := number(t, ready)
		r.spawned() // the guard has told its pid
		guard := r.guard()
		unix.Kill(guard, unix.SIGKILL)
		eventually(t, 5*time.Second, "the command is oom143's child", func() bool {
			return statusField(command, "PPid") == strconv.Itoa(r.Process.Pid)
		})
		r.Process.Signal(unix.SIGUSR1)
		r.endsWith(test.want)
		left := number(t, out)
		if alive(left) || alive(command) {
			t.Error("something lives on")
		}
		if end := r.read().End; end == nil || end.Code != test.want || len(end.Leftovers) != 1 || end.Leftovers[0].PID != left {
			t.Errorf("recorded %+v", end)
		}
		if exit := r.read().MainExit(); exit == nil || exit.What.PID != command {
			t.Errorf("recorded exit %+v", exit)
		}
	}
}

// The deaths of other processes of the tree are recorded, and those by their
// own choice are not.
func TestDeathsInTheTree(t *testing.T) {
	t.Parallel()
	// The child is looked at by the tree's readings, a second apart.
	r := watched(t, shell("sleep 60 & p=$!; sh -c 'sleep 1.3; exit 9' & sleep 1.2; kill -KILL $p; wait $p; wait; exit 0")...).ends(0)
	var deaths []string
	for _, e := range r.read().Exits {
		if !e.What.Main {
			deaths = append(deaths, fmt.Sprint(e.What.Command, " ", e.What.Signal, " ", e.What.Code))
		}
	}
	want := "sleep 60 SIGKILL 0"
	if !tellsExits() {
		t.Skip("needs Linux 6.15 or later (PIDFD_GET_INFO with the exit)")
	}
	if strings.Join(deaths, ";") != want {
		t.Errorf("deaths %q, want %q", deaths, want)
	}
}

func tellsExits() bool {
	var u unix.Utsname
	unix.Uname(&u)
	major, minor := 0, 0
	fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor)
	return major > 6 || major == 6 && minor >= 15
}

func adj(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid))
	return strings.TrimSpace(string(b))
}

func TestOOMScoreAdj(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		wrap  []string
		own   string
		wants string
		root  bool
	}{
		{"as it is", nil, "", "600", false},
		{"raised", nil, "700", "800", false},
		{"highest", nil, "950", "1000", false},
		{"nobody", []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}, "", "600", true},
		{"nobody raised", []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}, "550", "650", true},
	}
	before := adj(os.Getpid())
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.own == "" && before != "0" {
				t.Skip("needs to run with an oom_score_adj of 0")
			}
			if test.root {
				needRoot(t)
				needTool(t, test.wrap[0])
			}
			dir := t.TempDir()
			r := watched(t, shell("cat /proc/self/oom_score_adj; sleep 0.2; read x")...)
			if test.root {
				// The test binary and the folder are root's.
				copied := dir + "/watch.test"
				b, err := os.ReadFile(r.Path)
				if err == nil {
					err = os.WriteFile(copied, b, 0o755)
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range []string{dir, dir + "/.."} {
					os.Chmod(d, 0o755)
				}
				r.Path = copied
				r.record = dir + "/record"
				if err := os.WriteFile(r.record, nil, 0o666); err != nil {
					t.Fatal(err)
				}
				os.Chmod(r.record, 0o666)
				r.Env = append(r.Env, recordVariable+"="+r.record)
			}
			set := "true"
			own := before
			if test.own != "" {
				set, own = "echo "+test.own+" > /proc/self/oom_score_adj", test.own
			}
			r.Args = append([]string{"sh", "-c", set + `; exec "$@"`, "sh"}, append(append(append([]string{}, test.wrap...), r.Path), r.Args[1:]...)...)
			r.Path = "/bin/sh"
			in, err := r.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			r.start()
			command := r.spawned()
			guard := r.guard()
			if got := adj(command); got != test.wants {
				t.Errorf("the command has %s, want %s", got, test.wants)
			}
			eventually(t, time.Second, "the guard has its own again", func() bool { return adj(guard) == own })
			if got := adj(r.Process.Pid); got != own {
				t.Errorf("oom143 has %s, want %s", got, own)
			}
			in.Write([]byte("\n"))
			in.Close()
			r.endsWith(0)
			if got := strings.TrimSpace(r.stdout.String()); got != test.wants {
				t.Errorf("the command began with %s, want %s", got, test.wants)
			}
			if got := strconv.Itoa(r.read().Start.OOMScoreAdj); got != test.wants {
				t.Errorf("recorded %s", got)
			}
		})
	}
}
