package watch

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/org/oom143-action/internal/record"
)

// A user is somebody at a terminal.
type user struct {
	t            testing.TB
	inner, slave *os.File
	shown        buffer
	before       *unix.Termios
}

func atTerminal(t testing.TB) *user {
	t.Helper()
	inner, slave, err := pty.Open()
	if err != nil {
		t.Skip("needs /dev/ptmx:", err)
	}
	// Non-blocking, so that Close ends the read below.
	fd, err := unix.FcntlInt(inner.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	inner.Close()
	unix.SetNonblock(fd, true)
	inner = os.NewFile(uintptr(fd), "terminal")
	u := &user{t: t, inner: inner, slave: slave}
	if err := pty.Setsize(inner, &pty.Winsize{Rows: 33, Cols: 101}); err != nil {
		t.Fatal(err)
	}
	u.before = u.settings()
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := inner.Read(buf)
			u.shown.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { slave.Close(); inner.Close() })
	return u
}

func (u *user) settings() *unix.Termios {
	u.t.Helper()
	s, err := unix.IoctlGetTermios(int(u.slave.Fd()), unix.TCGETS)
	if err != nil {
		u.t.Fatal(err)
	}
	return s
}

// run starts oom143 as the foreground job of the terminal; streams says which
// of its streams are the terminal, as in "012".
func (u *user) run(streams string, argv ...string) *run {
	u.t.Helper()
	r := watched(u.t, argv...)
	ctty := -1
	for fd, to := range []any{&r.Stdin, &r.Cmd.Stdout, &r.Cmd.Stderr} {
		if !strings.Contains(streams, fmt.Sprint(fd)) {
			continue
		}
		reflect.ValueOf(to).Elem().Set(reflect.ValueOf(u.slave))
		if ctty < 0 {
			ctty = fd
		}
	}
	r.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: ctty}
	return r.start()
}

// sees waits until the terminal has shown text.
func (u *user) sees(text string) {
	u.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !strings.Contains(u.shown.String(), text) {
		if time.Now().After(deadline) {
			u.t.Fatalf("not shown: %q; shown: %q", text, u.shown.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (u *user) types(keys string) {
	u.t.Helper()
	if _, err := u.inner.WriteString(keys); err != nil {
		u.t.Fatal(err)
	}
}

// restored checks that the terminal has the settings that it had.
func (u *user) restored() {
	u.t.Helper()
	if now := u.settings(); *now != *u.before {
		u.t.Errorf("settings %+v, want %+v", now, u.before)
	}
}

// The command has a terminal on the streams where oom143 has one, of the same
// size, is in its foreground, and the terminal is as before afterwards.
func TestTerminalStreams(t *testing.T) {
	t.Parallel()
	for _, streams := range []string{"012", "01", "02", "12", "0", "1", "2"} {
		t.Run(streams, func(t *testing.T) {
			t.Parallel()
			u := atTerminal(t)
			r := u.run(streams, helper(t, "terminal")...)
			r.endsWith(0)
			var want []string
			for fd, name := range []string{"stdin", "stdout", "stderr"} {
				if strings.Contains(streams, fmt.Sprint(fd)) {
					want = append(want, name+" 101x33")
				} else {
					want = append(want, name+" none")
				}
			}
			want = append(want, "foreground true")
			if strings.Contains(streams, "1") {
				u.sees("foreground true\r\n")
				if got := u.shown.String(); got != strings.Join(want, "\r\n")+"\r\n" {
					t.Errorf("shown %q, want %q", got, want)
				}
			} else if got := r.stdout.String(); got != strings.Join(want, "\n")+"\n" {
				t.Errorf("output %q, want %q", got, want)
			}
			u.restored()
		})
	}
}

func TestTerminalResize(t *testing.T) {
	t.Parallel()
	for _, streams := range []string{"012", "12"} {
		u := atTerminal(t)
		r := u.run(streams, shell("trap 'stty size < /dev/tty; exit 0' WINCH; echo ready; while :; do sleep 0.02; done")...)
		u.sees("ready")
		if err := pty.Setsize(u.inner, &pty.Winsize{Rows: 44, Cols: 122}); err != nil {
			t.Fatal(err)
		}
		u.sees("44 122")
		r.endsWith(0)
		u.restored()
	}
}

// Ctrl-C reaches the command as its own terminal's, is recorded with its
// source, and has the report told.
func TestTerminalInterrupt(t *testing.T) {
	t.Parallel()
	u := atTerminal(t)
	r := u.run("012", shell("trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.02; done")...)
	u.sees("ready")
	u.types("\x03")
	u.sees("caught")
	r.endsWith(5)
	u.restored()
	signals := r.read().Signals
	if len(signals) != 1 || signals[0].What.Signal != "SIGINT" || signals[0].What.From == nil || signals[0].What.From.Kind != record.FromTerminal {
		t.Errorf("signals %+v", signals)
	}
}

// Where oom143's input is no terminal, Ctrl-C is the terminal's own signal to
// oom143.
func TestTerminalInterruptWithoutInput(t *testing.T) {
	t.Parallel()
	u := atTerminal(t)
	r := u.run("12", shell("trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.02; done")...)
	u.sees("ready")
	u.types("\x03")
	u.sees("caught")
	r.endsWith(5)
	u.restored()
	signals := r.read().Signals
	if len(signals) != 1 || signals[0].What.From == nil || signals[0].What.From.Kind != record.FromTerminal {
		t.Errorf("signals %+v", signals)
	}
}

// Ctrl-C in a command that takes keys as they are is a key.
func TestTerminalRawCommand(t *testing.T) {
	t.Parallel()
	needTool(t, "stty")
	u := atTerminal(t)
	r := u.run("012", shell("stty raw -echo; printf ready; x=$(dd bs=1 count=2 2>/dev/null | od -An -tx1); stty sane; echo \"keys$x.\"")...)
	u.sees("ready")
	u.types("\x03\x1a")
	u.sees("keys 03 1a.")
	r.endsWith(0)
	u.restored()
	if signals := r.read().Signals; len(signals) > 0 {
		t.Errorf("signals %+v", signals)
	}
}

// A prompt without a newline is shown before the answer is typed, the answer
// is echoed once, and the end of input (Ctrl-D) ends a read.
func TestTerminalPrompt(t *testing.T) {
	t.Parallel()
	u := atTerminal(t)
	r := u.run("012", shell("printf 'name? '; read x; echo \"hello $x\"; cat; echo end")...)
	u.sees("name? ")
	u.types("bob\r")
	u.sees("hello bob\r\n")
	u.types("\x04")
	u.sees("end\r\n")
	r.endsWith(0)
	if got := u.shown.String(); got != "name? bob\r\nhello bob\r\nend\r\n" {
		t.Errorf("shown %q", got)
	}
	u.restored()
}

// Typing ahead and long pastes arrive whole.
func TestTerminalPaste(t *testing.T) {
	t.Parallel()
	u := atTerminal(t)
	r := u.run("012", shell("stty -echo; echo ready; cksum")...)
	u.sees("ready")
	var text strings.Builder
	for i := range 600 {
		fmt.Fprintf(&text, "line %d of what is pasted\n", i)
	}
	u.types(text.String() + "\x04")
	sum := exec.Command("cksum")
	sum.Stdin = strings.NewReader(text.String())
	want, err := sum.Output()
	if err != nil {
		t.Fatal(err)
	}
	u.sees(strings.TrimSpace(string(want)))
	r.endsWith(0)
}

// The terminal goes away: the command gets SIGHUP, as without oom143.
func TestTerminalHangup(t *testing.T) {
	t.Parallel()
	u := atTerminal(t)
	out := file(t, "out")
	r := u.run("012", shell(fmt.Sprintf("trap 'echo 1 > %s; exit 5' HUP; echo ready; while :; do sleep 0.02; done", out))...)
	u.sees("ready")
	u.slave.Close()
	u.inner.Close()
	number(t, out)
	r.endsWith(5)
}

// A command that dies in raw mode, or oom143's command killed, leaves the
// terminal as it was.
func TestTerminalRestoredAfterKill(t *testing.T) {
	t.Parallel()
	u := atTerminal(t)
	r := u.run("012", shell("stty raw -echo; printf ready; kill -KILL $$")...)
	u.sees("ready")
	r.endsWith(137)
	u.restored()
}

// Ctrl-Z stops the whole job, the shell has its terminal back, and fg goes on
// with it.
func TestTerminalSuspend(t *testing.T) {
	t.Parallel()
	bash := needTool(t, "bash")
	u := atTerminal(t)
	dir := t.TempDir()
	cmd := exec.Command(bash, "--norc", "--noprofile", "--noediting", "-i")
	cmd.Env = append(os.Environ(), "PS1=PROMPT> ", "HISTFILE=", "HOME="+dir, recordVariable+"="+dir+"/record")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = u.slave, u.slave, u.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { cmd.Process.Kill() })
	u.sees("PROMPT> ")
	script := dir + "/script"
	if err := os.WriteFile(script, []byte("echo be''gun\nread x\necho \"answer <$x>\"\nexit 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u.types(fmt.Sprintf("%s oom143 sh %s\r", self(t), script))
	u.sees("begun\r\n")
	for range 2 {
		seen := strings.Count(u.shown.String(), "Stopped")
		u.types("\x1a")
		eventually(t, 5*time.Second, "the shell says Stopped", func() bool { return strings.Count(u.shown.String(), "Stopped") > seen })
		if now := u.settings(); now.Lflag&unix.ICANON == 0 || now.Lflag&unix.ECHO == 0 {
			t.Errorf("the shell has a terminal in raw mode: %+v", now)
		}
		u.types("fg\r")
		eventually(t, 5*time.Second, "oom143 has the terminal again", func() bool { return u.settings().Lflag&unix.ICANON == 0 })
	}
	u.types("yes\r")
	u.sees("answer <yes>\r\nPROMPT> ")
	u.types("echo sta''tus=$?\r")
	u.sees("status=7")
	u.types("exit\r")
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Errorf("the shell did not end; shown: %q", u.shown.String())
	}
}

// In the background the terminal is left alone.
func TestTerminalInBackground(t *testing.T) {
	t.Parallel()
	bash := needTool(t, "bash")
	u := atTerminal(t)
	cmd := exec.Command(bash, "--norc", "--noprofile", "-c", `set -m; "$0" oom143 sh -c 'echo shown; sleep 0.2; exit 6' & wait $!; echo status=$?`, self(t))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = u.slave, u.slave, u.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	u.sees("shown")
	if *u.settings() != *u.before {
		t.Errorf("settings changed to %+v", u.settings())
	}
	u.sees("status=6")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	u.restored()
}
