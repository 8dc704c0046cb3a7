package watch

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A caughtSignal is what the kernel tells a signal handler (siginfo_t,
// sigaction(2)).
type caughtSignal struct {
	Signal unix.Signal `json:"signal"`
	Code   int32       `json:"code"`
	PID    int32       `json:"pid"`
}

// os/signal does not tell who sent a signal, and a signalfd never sees
// SIGINT or SIGTERM in a Go program: the runtime unblocks them in every
// thread. So catchSignals puts a handler of its own in front of the
// runtime's. It writes the siginfo into a pipe, and leaves to the runtime
// what is meant for it: faults of this program, and signals that this
// process sends to itself (preemption).
//
// The variables are read by the handler, which may run in any thread.
var (
	selfPID    int32
	signalPipe int32
	faultSet   uint64
	goHandler  uintptr
)

func onSignal()
func onSignalAddress() uintptr

// What only the assembly reads.
var _, _, _, _, _ = onSignal, &selfPID, &signalPipe, &faultSet, &goHandler

// sigaction is the kernel's struct sigaction of amd64 and arm64
// (rt_sigaction(2)).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	siginfoSize = 128
	lastSignal  = 64
)

// faults are the signals that the kernel raises for what the program itself
// did. From another process they are signals like all others.
var faults = []unix.Signal{unix.SIGILL, unix.SIGTRAP, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV, unix.SIGSYS}

// notCaught are the signals that are left alone: those that cannot be
// caught, SIGCHLD, the stops of a background job that reads or writes the
// terminal, and glibc's internal two.
var notCaught = map[unix.Signal]bool{
	unix.SIGKILL: true, unix.SIGSTOP: true, unix.SIGCHLD: true,
	unix.SIGTTIN: true, unix.SIGTTOU: true, 32: true, 33: true,
}

// catchSignals sends every catchable signal that another process or the
// terminal sends to this process to the returned channel. Signals that are
// ignored stay so, for the programs that are started to inherit it, and are
// returned; [catchAlso] catches them.
func catchSignals() (caught <-chan caughtSignal, ignored []unix.Signal, err error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("pipe for signals: %w", err)
	}
	// A handler must never block; when nobody reads, a signal more or less
	// among the 500 that the pipe holds does not count.
	if err := unix.SetNonblock(pipe[1], true); err != nil {
		return nil, nil, fmt.Errorf("pipe for signals: %w", err)
	}
	selfPID = int32(os.Getpid())
	signalPipe = int32(pipe[1])
	for _, s := range faults {
		faultSet |= 1 << s
	}
	model, err := getAction(unix.SIGTERM)
	if err != nil {
		return nil, nil, fmt.Errorf("sigaction: %w", err)
	}
	goHandler = model.handler
	var catch []unix.Signal
	for s := unix.Signal(1); s <= lastSignal; s++ {
		if notCaught[s] {
			continue
		}
		if old, err := getAction(s); err == nil && old.handler == 1 /* SIG_IGN */ {
			ignored = append(ignored, s)
		} else {
			catch = append(catch, s)
		}
	}
	model.handler = onSignalAddress()
	out := make(chan caughtSignal, 16)
	go readSignals(os.NewFile(uintptr(pipe[0]), "signals"), out)
	return out, ignored, setActions(catch, model)
}

// catchAlso catches signals that were ignored.
func catchAlso(ignored []unix.Signal) error {
	model, err := getAction(unix.SIGTERM)
	if err != nil {
		return fmt.Errorf("sigaction: %w", err)
	}
	return setActions(ignored, model)
}

func setActions(signals []unix.Signal, a sigaction) error {
	for _, s := range signals {
		if err := setAction(s, a); err != nil {
			return fmt.Errorf("sigaction for signal %d: %w", s, err)
		}
	}
	return nil
}

func readSignals(from *os.File, to chan<- caughtSignal) {
	var info [siginfoSize]byte
	for {
		n, err := from.Read(info[:])
		if err != nil || n != siginfoSize {
			return
		}
		to <- caughtSignal{
			Signal: unix.Signal(*(*int32)(unsafe.Pointer(&info[0]))),
			Code:   *(*int32)(unsafe.Pointer(&info[8])),
			PID:    *(*int32)(unsafe.Pointer(&info[16])),
		}
	}
}

func getAction(s unix.Signal) (sigaction, error) {
	var a sigaction
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), 0, uintptr(unsafe.Pointer(&a)), 8, 0, 0)
	if errno != 0 {
		return a, errno
	}
	return a, nil
}

func setAction(s unix.Signal, a sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&a)), 0, 8, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
