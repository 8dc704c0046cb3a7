package run

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// TestColour runs oom143 on a terminal: coloured there, and never with
// NO_COLOR.
func TestColour(t *testing.T) {
	for _, c := range []struct {
		env      string
		coloured bool
	}{{"TERM=xterm", true}, {"NO_COLOR=1", false}, {"TERM=dumb", false}} {
		t.Run(c.env, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("/proc/self/exe", "run", "--record", "/dev/null", "sh", "-c", "exit 3")
			cmd.Args[0] = "oom143"
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TERM=xterm", "GORACE=atexit_sleep_ms=0", c.env}
			terminal, err := pty.Start(cmd)
			if err != nil {
				t.Skip("no terminal can be had:", err)
			}
			defer terminal.Close()
			said, _ := io.ReadAll(terminal) // EIO when the other side has closed
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 3 {
				t.Errorf("exit status %d, want 3", code)
			}
			if !strings.Contains(string(said), "ended by itself") {
				t.Errorf("no verdict:\n%s", said)
			}
			if got := strings.Contains(string(said), "\x1b["); got != c.coloured {
				t.Errorf("coloured: %v, want %v:\n%q", got, c.coloured, said)
			}
		})
	}
}
