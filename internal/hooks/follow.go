package hooks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	bufferSize = 64 << 10
	// pause is the time between two readings: what was written meanwhile is
	// read at once, so a suite with many short tests does not wake the
	// reader for each of them.
	pause = 20 * time.Millisecond
	// pollInterval is for machines without a free inotify instance
	// (inotify(7), max_user_instances).
	pollInterval = 100 * time.Millisecond
	// drainTime and stopTime bound how long somebody who floods the file can
	// hold up a verdict.
	drainTime = 100 * time.Millisecond
	stopTime  = 2 * time.Second
	// punchSize is how much is read before its space is given back.
	punchSize = 1 << 20
)

// Follower reads the event file while plugins append to it.
type Follower struct {
	emit   func(Event)
	notify *os.File // inotify; nil where there is none
	stop   chan struct{}
	done   chan struct{}

	mu      sync.Mutex // guards what follows
	file    *os.File
	offset  int64 // of the next byte to read
	punched int64 // bytes at the start of the file whose space is given back
	buf     []byte
	held    int  // bytes of an unfinished line at the start of buf
	skip    bool // inside a line that is too long
}

// Follow calls emit for each event, one at a time and in the order of the
// file, on a goroutine of its own or in [Follower.Drain] and [Follower.Stop].
// emit must not call these two.
//
// What was read is cut out of the file (fallocate(2), FALLOC_FL_PUNCH_HOLE:
// it leaves the size alone, so writers with O_APPEND do not notice), so that a
// suite of any length holds one to two megabytes of a temporary folder in
// memory. Where the file system cannot do that the file grows by some 300
// bytes a test.
func (s *Session) Follow(emit func(Event)) (*Follower, error) {
	file, err := os.OpenFile(s.EventFile, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("hooks: %w", err)
	}
	f := &Follower{
		emit: emit, file: file, notify: watchFile(s.EventFile), buf: make([]byte, bufferSize),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go f.run()
	return f, nil
}

// watchFile gives an inotify instance that is readable when path was written
// to, nil where that is not to be had.
var watchFile = func(path string) *os.File {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil
	}
	notify := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, path, unix.IN_MODIFY); err != nil {
		notify.Close()
		return nil
	}
	return notify
}

func (f *Follower) run() {
	defer close(f.done)
	for f.wait() {
		// In turns, so that Drain gets the lock while somebody floods the file.
		for !f.read(time.Now().Add(drainTime)) && !f.stopped() {
		}
	}
}

func (f *Follower) stopped() bool {
	select {
	case <-f.stop:
		return true
	default:
		return false
	}
}

// wait returns when there may be something to read, false when the follower
// was stopped.
func (f *Follower) wait() bool {
	interval := pollInterval
	if f.notify != nil {
		interval = pause
		var events [4096]byte
		if _, err := f.notify.Read(events[:]); err != nil {
			return false // closed by Stop
		}
	}
	select {
	case <-f.stop:
		return false
	case <-time.After(interval):
		return true
	}
}

// Drain reads what has been written so far, within 100 ms.
func (f *Follower) Drain() { f.read(time.Now().Add(drainTime)) }

// Stop reads the rest, within 2 s, and ends the follower. It is called once,
// when the command has ended.
func (f *Follower) Stop() error {
	close(f.stop)
	if f.notify != nil {
		f.notify.Close()
	}
	<-f.done
	f.read(time.Now().Add(stopTime))
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("hooks: %w", err)
	}
	return nil
}

// read emits the events that are in the file now. It tells false when it had
// to stop before, at the deadline.
func (f *Follower) read(deadline time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := f.file.Stat()
	if err != nil {
		return true
	}
	end := info.Size()
	if end < f.offset { // somebody truncated the file
		f.offset, f.punched, f.held, f.skip = 0, 0, 0, false
	}
	for f.offset < end {
		if !time.Now().Before(deadline) {
			return false
		}
		if !f.readOnce() {
			break
		}
	}
	return true
}

// readOnce reads one buffer full and tells whether there may be more.
func (f *Follower) readOnce() bool {
	// A hole is nothing that a plugin wrote, however large it is.
	if data, err := unix.Seek(int(f.file.Fd()), f.offset, unix.SEEK_DATA); err == nil {
		f.offset = data
	} else if errors.Is(err, unix.ENXIO) {
		return false
	}
	n, err := f.file.ReadAt(f.buf[f.held:], f.offset)
	f.offset += int64(n)
	f.lines(f.buf[:f.held+n])
	f.punch()
	return n > 0 && (err == nil || errors.Is(err, io.EOF))
}

// lines emits the events of the whole lines in text and keeps the rest.
func (f *Follower) lines(text []byte) {
	for {
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			break
		}
		if e, ok := parse(text[:i]); ok && !f.skip {
			f.emit(e)
		}
		f.skip = false
		text = text[i+1:]
	}
	if len(text) >= MaxLine {
		f.skip, text = true, nil
	}
	if f.skip {
		text = nil
	}
	f.held = copy(f.buf, text)
}

// punch gives the space of what was read back to the file system.
func (f *Follower) punch() {
	if f.offset-f.punched < punchSize {
		return
	}
	const mode = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
	// Without support for it the file grows, which is all that happens.
	_ = unix.Fallocate(int(f.file.Fd()), mode, f.punched, f.offset-f.punched)
	f.punched = f.offset
}
