package watch

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/org/oom143-action/internal/kernel"
	"github.com/org/oom143-action/internal/record"
)

// maxPidfds bounds the processes whose end is watched.
const maxPidfds = 512

// ends watches how processes end that are not oom143's own children. It
// needs Linux 6.15 (PIDFD_GET_INFO with exit information); before, it tells
// nothing.
type ends struct {
	mu    sync.Mutex
	epoll int
	open  map[int32]int // pidfd → pid
	told  func(pid int, status unix.WaitStatus)
	done  chan struct{}
	wake  int
}

func watchEnds(told func(int, unix.WaitStatus)) *ends {
	e := &ends{open: map[int32]int{}, told: told, done: make(chan struct{}), epoll: -1, wake: -1}
	var err error
	if e.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		close(e.done)
		return e
	}
	if e.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err == nil {
		err = unix.EpollCtl(e.epoll, unix.EPOLL_CTL_ADD, e.wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(e.wake)})
	}
	if err != nil { // nothing could end the loop
		unix.Close(e.epoll)
		e.epoll = -1
		close(e.done)
		return e
	}
	go e.loop()
	return e
}

// add watches a process. One that has gone already is left out.
func (e *ends) add(pid int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.epoll < 0 || len(e.open) >= maxPidfds {
		return
	}
	fd, err := kernel.OpenPidfd(pid)
	if err != nil {
		return
	}
	// Edge-triggered: one event when the process ends, one when its parent
	// has waited for it; the kernel may tell the status only at the second.
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLHUP | unix.EPOLLET&0xffffffff, Fd: int32(fd)}
	if unix.EpollCtl(e.epoll, unix.EPOLL_CTL_ADD, fd, &event) != nil {
		unix.Close(fd)
		return
	}
	e.open[int32(fd)] = pid
}

func (e *ends) loop() {
	defer close(e.done)
	var events [32]unix.EpollEvent
	for {
		n, err := unix.EpollWait(e.epoll, events[:], -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		for _, event := range events[:n] {
			if event.Fd == int32(e.wake) {
				return
			}
			e.ended(event.Fd, event.Events&unix.EPOLLHUP != 0)
		}
	}
}

// ended asks how a process ended; last says that there will be no other event.
func (e *ends) ended(fd int32, last bool) {
	status, ok, err := kernel.PidfdExit(int(fd))
	e.mu.Lock()
	pid, known := e.open[fd]
	if known && (ok || last || err != nil) {
		delete(e.open, fd)
		unix.Close(int(fd))
	}
	e.mu.Unlock()
	if known && ok && err == nil {
		e.told(pid, status)
	}
}

// stop asks once more for those that ended meanwhile, and ends the watching.
func (e *ends) stop() {
	if e.epoll < 0 {
		return
	}
	one := [8]byte{1}
	unix.Write(e.wake, one[:])
	<-e.done
	e.mu.Lock()
	fds := make([]int32, 0, len(e.open))
	for fd := range e.open {
		fds = append(fds, fd)
	}
	e.mu.Unlock()
	for _, fd := range fds {
		e.ended(fd, true)
	}
	unix.Close(e.wake)
	unix.Close(e.epoll)
}

// sender tells who sent a signal that oom143 or the guard caught.
func (w *watcher) sender(s caughtSignal) *record.Sender {
	const (
		user   = 0    // SI_USER: kill(2)
		queue  = -1   // SI_QUEUE: sigqueue(3)
		thread = -6   // SI_TKILL: tgkill(2)
		kernel = 0x80 // SI_KERNEL: the terminal's keys
	)
	if s.Code == kernel {
		return &record.Sender{Kind: record.FromTerminal}
	}
	if s.Code != user && s.Code != queue && s.Code != thread {
		return nil
	}
	pid := int(s.PID)
	if pid == 0 {
		return &record.Sender{Kind: record.FromOutside}
	}
	from := &record.Sender{Kind: record.FromOther, PID: pid}
	if p, err := w.fs.Process(pid); err == nil {
		from.Command = p.Comm
	} else if p, ok := w.tree.process(pid); ok {
		from.Command = p.Command
	}
	switch {
	case pid == 1 && !w.container:
		from.Kind = record.FromManager
	case from.Command == "Runner.Worker" || from.Command == "Runner.Listener":
		from.Kind = record.FromRunner
	case w.tree.command(pid):
		from.Kind = record.FromCommand
	}
	return from
}
