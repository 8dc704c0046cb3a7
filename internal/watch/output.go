package watch

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/org/oom143-action/internal/testlog"
)

// chunkSize is what one read of the command's output takes: a multiple of
// the pipe's default capacity (pipe(7)).
const chunkSize = 128 << 10

// chunksHeld bounds the output that has been passed on and not been read for
// tests yet.
const chunksHeld = 6

// pipeSize is asked for the pipes that take the command's output, so that it
// is not slowed down by oom143's turn to run (F_SETPIPE_SZ, fcntl(2)).
const pipeSize = 256 << 10

// A sink is one of oom143's own output streams. The command's bytes and
// oom143's lines both go through it, so that they never mix within a line.
type sink struct {
	mu      sync.Mutex
	file    *os.File
	midLine bool        // the last byte was no newline
	raw     func() bool // a terminal in raw mode: a line needs its own carriage return; nil for never
	closed  bool        // nobody reads it any more
}

// pass writes the command's bytes as they are.
func (s *sink) pass(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p) == 0 {
		return nil
	}
	s.midLine = p[len(p)-1] != '\n'
	return s.write(p)
}

// say writes whole lines of oom143's own, after a newline where the command
// left a line open.
func (s *sink) say(lines string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lines == "" {
		return nil
	}
	if s.midLine {
		lines = "\n" + lines
	}
	s.midLine = false
	if s.raw != nil && s.raw() {
		lines = crlf(lines)
	}
	return s.write([]byte(lines))
}

func crlf(s string) string {
	out := make([]byte, 0, len(s)+8)
	for i := range len(s) {
		if s[i] == '\n' {
			out = append(out, '\r')
		}
		out = append(out, s[i])
	}
	return string(out)
}

// write goes to the descriptor itself: os.File would end this process by
// SIGPIPE when its reader has gone, and the stream may be in non-blocking
// mode because another process that shares it made it so.
func (s *sink) write(p []byte) error {
	if s.closed {
		return unix.EPIPE
	}
	fd := int(s.file.Fd())
	for len(p) > 0 {
		n, err := unix.Write(fd, p)
		if n > 0 {
			p = p[n:]
		}
		switch {
		case err == nil || err == unix.EINTR:
		case err == unix.EAGAIN:
			unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 1000)
		default:
			if err == unix.EPIPE || err == unix.EBADF {
				s.closed = true
			}
			return err
		}
	}
	return nil
}

// sameFile tells whether two streams are one: the same pipe, file or
// terminal, as after 2>&1.
func sameFile(a, b *os.File) bool {
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && os.SameFile(x, y)
}

// A chunk is output on its way to the scanner.
type chunk struct {
	stream testlog.Stream
	buf    []byte
	n      int
}

// output passes the command's output on and shows it to the scanner. Writing
// comes first; the scanner reads behind it, on another processor where there
// is one, and holds the command up only when it falls chunksHeld behind.
type output struct {
	scan    func(stream testlog.Stream, p []byte)
	observe func(stream testlog.Stream, p []byte) // sees the bytes before they are written; may be nil
	lost    func(error)                           // told once when a stream cannot be written to

	chunks  chan chunk
	free    chan []byte
	copies  sync.WaitGroup
	scanned chan struct{}
	telling sync.Once
}

func newOutput(scan, observe func(testlog.Stream, []byte), lost func(error)) *output {
	o := &output{
		scan: scan, observe: observe, lost: lost,
		chunks: make(chan chunk, chunksHeld), free: make(chan []byte, chunksHeld),
		scanned: make(chan struct{}),
	}
	for range chunksHeld {
		o.free <- nil // made when first needed
	}
	go func() {
		defer close(o.scanned)
		for c := range o.chunks {
			o.scan(c.stream, c.buf[:c.n])
			o.free <- c.buf
		}
	}()
	return o
}

// copy passes on what comes from a stream until its end, in its own
// goroutine, and closes it.
func (o *output) copy(stream testlog.Stream, from *os.File, to *sink) {
	o.copies.Add(1)
	go func() {
		defer o.copies.Done()
		defer from.Close()
		for {
			buf := <-o.free
			if buf == nil {
				buf = make([]byte, chunkSize)
			}
			n, err := from.Read(buf)
			if n == 0 {
				o.free <- buf
			} else {
				if o.observe != nil {
					o.observe(stream, buf[:n])
				}
				if err := to.pass(buf[:n]); errors.Is(err, unix.EPIPE) || errors.Is(err, unix.EBADF) {
					// As without oom143: the command finds that its reader has gone.
					o.chunks <- chunk{stream, buf, n}
					return
				} else if err != nil {
					o.telling.Do(func() { go o.lost(fmt.Errorf("writing the command's output: %w", err)) })
				}
				o.chunks <- chunk{stream, buf, n}
			}
			if err != nil { // io.EOF; EIO from a terminal whose other side has closed
				return
			}
		}
	}()
}

// wait returns a channel that closes when all streams have ended and have
// been scanned.
func (o *output) wait() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		o.copies.Wait()
		close(o.chunks)
		<-o.scanned
		close(done)
	}()
	return done
}

// outputPipe gives a pipe for the command's output.
func outputPipe() (read, write *os.File, err error) {
	read, write, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("pipe for the command's output: %w", err)
	}
	// A user's limit on pipe memory may refuse; then the default serves.
	unix.FcntlInt(write.Fd(), unix.F_SETPIPE_SZ, pipeSize)
	return read, write, nil
}
