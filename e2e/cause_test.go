package e2e

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestNeighboursKillIsNotOurs(t *testing.T) {
	p := setUp(t)
	for _, c := range []struct {
		name  string
		limit int64 // of the command's own cgroup, 0 for none
	}{
		{"command in a cgroup", limit},
		{"command in no cgroup", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var own *cgroup
			if c.limit > 0 {
				own = newCgroup(t, c.limit)
			}
			s := start(t, p, own, ".", "sh", "-c", "echo ready $$; exec sleep 60")
			s.says(t, "ready")
			pid := pidAfter(t, s.out.String(), "ready")

			neighbour := newCgroup(t, 32<<20).command(p.grow, "64")
			if err := neighbour.Run(); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("the neighbour was to be killed at its limit: %v", err)
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			r := s.wait(t)
			r.verdict(t, "killed", false, 137)
			if r.report.Command.Signal != "SIGKILL" {
				t.Errorf("command.signal is %q, want SIGKILL", r.report.Command.Signal)
			}
			for _, v := range r.report.Victims {
				if v.Ours {
					t.Errorf("%+v is said to be ours", v)
				}
			}
		})
	}
}

// pidAfter gives the number that follows a word in the output.
func pidAfter(t *testing.T, output, word string) int {
	t.Helper()
	_, rest, _ := strings.Cut(output, word)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		t.Fatalf("no number follows %q in %q", word, output)
	}
	pid, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestPageCacheIsNotMemory(t *testing.T) {
	p := setUp(t)
	for _, c := range []struct {
		cause  string
		status int
	}{
		{"passed", 0},
		{"tests-failed", 1},
	} {
		t.Run(c.cause, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "big")
			script := fmt.Sprintf("dd if=/dev/zero of=%s bs=1M count=600 2>/dev/null; cat %[1]s >/dev/null; sleep 1; exit %d", file, c.status)
			r := run(t, p, newCgroup(t, limit), ".", "sh", "-c", script)
			r.verdict(t, c.cause, false, c.status)
			if r.report.Memory.PeakBytes > limit/2 {
				t.Errorf("the peak is %d of %d: the page cache was counted", r.report.Memory.PeakBytes, limit)
			}
			if strings.Contains(r.stderr, "::warning") {
				t.Errorf("a warning was written:\n%s", r.stderr)
			}
		})
	}
}

func TestSignals(t *testing.T) {
	p := setUp(t)
	for _, c := range []struct {
		signal syscall.Signal
		name   string
		cause  string
		status int
	}{
		{syscall.SIGTERM, "SIGTERM", "runner-shutdown", 143},
		{syscall.SIGINT, "SIGINT", "cancelled", 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, p, nil, ".", "sh", "-c", "echo ready; exec sleep 60")
			s.says(t, "ready")
			s.signal(t, c.signal)
			r := s.wait(t)
			r.verdict(t, c.cause, false, c.status)
			if got := r.report.Signals; len(got) == 0 || got[0].Signal != c.name || got[0].To != "oom143" {
				t.Errorf("signals are %+v, want %s to oom143 first", got, c.name)
			}
			if r.report.Command.Signal != c.name {
				t.Errorf("command.signal is %q, want %s: it is forwarded", r.report.Command.Signal, c.name)
			}
		})
	}
}

func TestReportComesBeforeTheCommandIsGone(t *testing.T) {
	p := setUp(t)
	s := start(t, p, nil, ".", "sh", "-c", "trap 'sleep 4; exit 5' TERM; echo ready; while :; do sleep 0.1; done")
	s.says(t, "ready")
	s.signal(t, syscall.SIGTERM)
	early := filepath.Join(s.dir, "report.json")
	for deadline := time.Now().Add(3 * time.Second); !exists(early); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no report 3 s after SIGTERM, while the command still runs")
		}
	}
	select {
	case <-s.waited:
		t.Fatal("the command was gone before the report was looked at")
	default:
	}
	if got := readReport(t, early).Cause; got != "runner-shutdown" {
		t.Errorf("the early report's cause is %q, want runner-shutdown", got)
	}
	if got := parseOutputs(t, read(t, filepath.Join(s.dir, "output")))["cause"]; got != "runner-shutdown" {
		t.Errorf("the early output's cause is %q, want runner-shutdown", got)
	}
	s.wait(t).verdict(t, "runner-shutdown", false, 5)
}

func TestHeapLimits(t *testing.T) {
	p := setUp(t)
	java := func(t *testing.T) []string {
		return []string{tool(t, "java"), "-Xmx32m", filepath.Join("e2e", "testdata", "Leak.java")}
	}
	for _, c := range []struct {
		name   string
		argv   func(t *testing.T) []string
		status int
	}{
		{"Python", func(t *testing.T) []string {
			return []string{tool(t, "python3"), "-c",
				"import resource\nresource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))\nbytearray(1 << 30)"}
		}, 1},
		{"V8", func(t *testing.T) []string {
			return []string{tool(t, "node"), "--max-old-space-size=64", "-e",
				"const kept = []; for (;;) kept.push(new Array(1e5).fill(1.5))"}
		}, 134},
		{"JVM", java, 1},
		{"Go", func(*testing.T) []string {
			return []string{"sh", "-c", "ulimit -v 1000000; exec " + p.grow + " 2000"}
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, p, nil, ".", c.argv(t)...)
			r.verdict(t, "heap-limit", false, c.status)
			if len(r.report.Advice) == 0 {
				t.Error("no advice")
			}
		})
	}
}
