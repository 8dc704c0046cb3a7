package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// gone tells whether a process runs no longer; a zombie that waits for its
// parent is gone.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return bytes.HasPrefix(rest, []byte("Z")) || bytes.HasPrefix(rest, []byte("X"))
}

func TestKilledWatcherTakesTheTreeAlong(t *testing.T) {
	p := setUp(t)
	tool(t, "setsid")
	script := "setsid sleep 300 & echo daemon $!; sleep 300 & echo child $!; echo shell $$; echo ready; wait"
	s := start(t, p, nil, ".", "sh", "-c", script)
	s.says(t, "ready")
	time.Sleep(2 * time.Second) // the record is flushed every second
	s.signal(t, syscall.SIGKILL)
	killed := time.Now()

	output := s.out.String()
	for _, name := range []string{"daemon", "child", "shell"} {
		pid := pidAfter(t, output, name)
		for !gone(pid) {
			if time.Since(killed) > time.Second {
				syscall.Kill(pid, syscall.SIGKILL)
				t.Errorf("the %s still runs one second after oom143 was killed", name)
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	<-s.waited

	path := filepath.Join(t.TempDir(), "explained.json")
	out, err := exec.Command(p.oom143, "explain", "--report", path, filepath.Join(s.dir, "record.jsonl")).CombinedOutput()
	if err != nil {
		t.Fatalf("explain: %v\n%s", err, out)
	}
	r := readReport(t, path)
	if r.Headline == "" || len(r.Command.Argv) != 3 || r.Command.Argv[0] != "sh" {
		t.Errorf("headline %q, command %q: want a sentence and the command", r.Headline, r.Command.Argv)
	}
	if len(r.Memory.Timeline) == 0 {
		t.Error("the record holds no sample of the two seconds before")
	}
}

func TestLeftoversAreEndedAndNamed(t *testing.T) {
	p := setUp(t)
	r := run(t, p, nil, ".", "sh", "-c", "setsid sleep 301 >/dev/null 2>&1 & echo left $!")
	r.verdict(t, "passed", false, 0)
	if pid := pidAfter(t, r.stdout, "left"); !gone(pid) {
		syscall.Kill(pid, syscall.SIGKILL)
		t.Errorf("process %d outlived the run", pid)
	}
	if !bytes.Contains([]byte(r.stderr), []byte("sleep 301")) {
		t.Errorf("the log does not name what was left:\n%s", r.stderr)
	}
}

func TestOutputPassesUnchanged(t *testing.T) {
	p := setUp(t)
	file := filepath.Join(t.TempDir(), "random")
	random := make([]byte, 1<<20)
	for i := range random {
		random[i] = byte(i*i>>7 ^ i) // no newline at the end, invalid UTF-8
	}
	random[len(random)-1] = 0xff
	if err := os.WriteFile(file, random, 0o644); err != nil {
		t.Fatal(err)
	}
	r := run(t, p, nil, ".", "cat", file)
	r.verdict(t, "passed", false, 0)
	if r.stdout != string(random) {
		t.Errorf("%d bytes came out of %d, or others", len(r.stdout), len(random))
	}
}
