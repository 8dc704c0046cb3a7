package watch

import (
	"bytes"
	"fmt"
	"os"
	"sync"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// interruptKey is Ctrl-C as the terminal sends it.
const interruptKey = 0x03

// terminal gives a command that would have had a terminal one of its own, so
// that colours, width, prompts and keys work while its output is read. It is
// the command's controlling terminal; what the user types is passed on as it
// is, and Ctrl-C and Ctrl-Z take effect there.
type terminal struct {
	outer  *os.File // the user's
	inner  *os.File // oom143's side of the command's; open to the end, since its closing is a hang-up
	slave  *os.File // the command's side
	typed  func()   // called for Ctrl-C
	typing bool     // oom143's input is the terminal
	mu     sync.Mutex
	before *term.State // of outer, while it is in raw mode
	wake   [2]int      // pipe that ends the passing of input
	fed    chan struct{}
	ending sync.Once
}

// openTerminal gives nil, nil where none of the streams is a terminal.
func openTerminal(streams [3]*os.File, typed func()) (*terminal, error) {
	var outer *os.File
	for _, f := range []*os.File{streams[1], streams[2], streams[0]} {
		if outer == nil && term.IsTerminal(int(f.Fd())) {
			outer = f
		}
	}
	if outer == nil {
		return nil, nil
	}
	inner, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("opening a terminal for the command: %w", err)
	}
	t := &terminal{outer: outer, inner: inner, slave: slave, typed: typed, fed: make(chan struct{})}
	if settings, err := unix.IoctlGetTermios(int(outer.Fd()), unix.TCGETS); err == nil {
		if !term.IsTerminal(int(streams[0].Fd())) {
			// Nothing is typed, so the user's terminal stays as it is and
			// does the work on the output: once, not twice.
			settings.Oflag &^= unix.OPOST
		}
		unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, settings)
	}
	t.resize()
	return t, nil
}

// reader gives oom143's side of the command's terminal once more, for a
// reader that closes it.
func (t *terminal) reader() (*os.File, error) {
	fd, err := unix.FcntlInt(t.inner.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("reading the command's terminal: %w", err)
	}
	return os.NewFile(uintptr(fd), t.inner.Name()), nil
}

// resize gives the command's terminal the size of the user's.
func (t *terminal) resize() { pty.InheritSize(t.outer, t.inner) }

// feed passes on what is typed at in until stop. It does nothing where in is
// no terminal.
func (t *terminal) feed(in *os.File) error {
	if !term.IsTerminal(int(in.Fd())) {
		close(t.fed)
		return nil
	}
	if err := unix.Pipe2(t.wake[:], unix.O_CLOEXEC); err != nil {
		close(t.fed)
		return fmt.Errorf("pipe for the terminal: %w", err)
	}
	t.typing = true
	t.setRaw()
	go t.copyInput(int(in.Fd()))
	return nil
}

func (t *terminal) copyInput(in int) {
	defer close(t.fed)
	buf := make([]byte, 4096)
	for {
		ready := []unix.PollFd{{Fd: int32(in), Events: unix.POLLIN}, {Fd: int32(t.wake[0]), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); err != nil && err != unix.EINTR {
			return
		}
		if ready[1].Revents != 0 {
			return
		}
		if ready[0].Revents == 0 {
			continue
		}
		n, err := unix.Read(in, buf)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			return
		}
		if bytes.IndexByte(buf[:n], interruptKey) >= 0 && t.interrupts() {
			t.typed()
		}
		if _, err := t.inner.Write(buf[:n]); err != nil {
			return
		}
	}
}

// interrupts tells whether Ctrl-C makes a SIGINT in the command's terminal.
func (t *terminal) interrupts() bool {
	s, err := unix.IoctlGetTermios(int(t.inner.Fd()), unix.TCGETS)
	return err == nil && s.Lflag&unix.ISIG != 0 && s.Cc[unix.VINTR] == interruptKey
}

// setRaw makes the user's terminal pass keys on untouched, if this process is
// in its foreground. A process in the background would be stopped for it.
func (t *terminal) setRaw() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before != nil || !t.typing || !t.foreground() {
		return
	}
	if state, err := term.MakeRaw(int(t.outer.Fd())); err == nil {
		t.before = state
	}
}

func (t *terminal) foreground() bool {
	group, err := unix.IoctlGetInt(int(t.outer.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// raw tells whether the user's terminal is in raw mode, where a line needs its
// own carriage return.
func (t *terminal) raw() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.before != nil
}

// restore gives the user's terminal its settings back and tells whether they
// had been changed.
func (t *terminal) restore() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before == nil {
		return false
	}
	term.Restore(int(t.outer.Fd()), t.before)
	t.before = nil
	return true
}

// stopInput ends the passing of input. A key that has not been read stays for
// whoever reads the terminal next.
func (t *terminal) stopInput() {
	t.ending.Do(func() {
		if t.wake[1] != 0 {
			unix.Close(t.wake[1])
			<-t.fed
			unix.Close(t.wake[0])
		}
	})
}

// stop ends the passing of input and gives the terminal back.
func (t *terminal) stop() {
	t.stopInput()
	t.restore()
}
