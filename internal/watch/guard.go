package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/org/oom143-action/internal/kernel"
	"golang.org/x/sys/unix"
)

// GuardName is argv[0] of the guard: the process between oom143 and the
// command. It is the command's parent and the reaper of its orphans, so it
// holds the whole tree, processes that left the group included. When oom143
// dies, its end of the socket closes, and the guard kills what it holds. When
// the guard dies, the tree falls to oom143, which is a reaper too and goes on
// alone. It is a process of this binary under a name of its own, so that
// `pkill oom143` does not take both at once.
const GuardName = "guard143"

// guardSocket is the descriptor of the socket to oom143. Descriptors 0 to 2
// of the guard are the command's.
const guardSocket = 3

// guardOrder is what oom143 tells the guard to start.
type guardOrder struct {
	Path        string   `json:"path"`
	Argv        []string `json:"argv"`
	Env         []string `json:"env"`
	Dir         string   `json:"dir"`
	OOMScoreAdj int      `json:"oom_score_adj"`
	// Terminal is the descriptor of the controlling terminal, of which the
	// command is to be the foreground job; -1 for none. The guard leads the
	// session: Ctrl-Z does not stop a process group without a parent in its
	// own session (setpgid(2), orphaned process group).
	Terminal int `json:"terminal"`
}

// guardNews is what the guard tells oom143.
type guardNews struct {
	Spawned int           `json:"spawned,omitempty"` // pid of the command
	Errno   syscall.Errno `json:"errno,omitempty"`   // why it could not be started
	Ended   *ended        `json:"ended,omitempty"`
	Caught  *caughtSignal `json:"caught,omitempty"` // a signal that was sent to the guard
}

// ended is a change of state of a process that the guard, or oom143 itself,
// waits for.
type ended struct {
	PID    int             `json:"pid"`
	Status unix.WaitStatus `json:"status"`
	MaxRSS uint64          `json:"max_rss"` // bytes, getrusage(2)
}

// Guard is the guard's whole life. It returns its exit status.
func Guard() int {
	socket := os.NewFile(guardSocket, "oom143")
	unix.CloseOnExec(guardSocket)
	if name, err := unix.BytePtrFromString(GuardName); err == nil {
		unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Fprintln(os.Stderr, "oom143: cannot become a child subreaper:", err)
		return 125
	}
	caught, _, err := catchSignals()
	if err != nil {
		fmt.Fprintln(os.Stderr, "oom143:", err)
		return 125
	}
	in := json.NewDecoder(socket)
	var order guardOrder
	if err := in.Decode(&order); err != nil {
		return 0 // oom143 decided not to start anything
	}
	news := json.NewEncoder(socket)
	pid, err := start(order)
	if err != nil {
		var errno syscall.Errno
		if !errors.As(err, &errno) {
			errno = syscall.EINVAL
		}
		news.Encode(guardNews{Errno: errno})
		return 0
	}
	letGoOfStreams()
	news.Encode(guardNews{Spawned: pid})
	gone := make(chan struct{})
	go func() {
		io.Copy(io.Discard, socket) // nothing more is said; the end is the message
		close(gone)
	}()
	ends := make(chan ended, 16)
	go waitForAll(ends)
	time.AfterFunc(protectAfter, func() { protect(kernel.New("/")) })
	for {
		select {
		case e, ok := <-ends:
			if !ok {
				ends = nil
				continue
			}
			news.Encode(guardNews{Ended: &e})
		case s := <-caught:
			news.Encode(guardNews{Caught: &s})
		case <-gone:
			if ends != nil {
				killAll()
			}
			return 0
		}
	}
}

// start starts the command. Its oom_score_adj is inherited: the guard has it
// for the moment of the fork, since raising it afterwards would leave the
// command's first milliseconds without, and lowering it again needs no
// privilege down to where it was (proc_pid_oom_score_adj(5)).
func start(o guardOrder) (int, error) {
	fs := kernel.New("/")
	self := os.Getpid()
	if own, err := fs.OOMScoreAdj(self); err == nil && o.OOMScoreAdj > own {
		if fs.SetOOMScoreAdj(self, o.OOMScoreAdj) == nil {
			defer fs.SetOOMScoreAdj(self, own)
		}
	}
	attr := &syscall.ProcAttr{Dir: o.Dir, Env: o.Env, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setpgid: true}}
	if o.Terminal >= 0 {
		attr.Sys = &syscall.SysProcAttr{Foreground: true, Ctty: o.Terminal}
	}
	pid, err := syscall.ForkExec(o.Path, o.Argv, attr)
	if errors.Is(err, syscall.ENOEXEC) {
		// As execvp(3) does for a script without "#!".
		argv := append([]string{"/bin/sh", o.Path}, o.Argv[1:]...)
		pid, err = syscall.ForkExec("/bin/sh", argv, attr)
	}
	return pid, err
}

// letGoOfStreams closes the command's streams in the guard, so that they end
// when the command's processes have ended.
func letGoOfStreams() {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		for fd := range 3 {
			unix.Close(fd)
		}
		return
	}
	for fd := range 3 {
		unix.Dup3(null, fd, 0)
	}
	unix.Close(null)
}

// waitForAll sends the end (and the stops) of every child and adopted orphan
// and closes the channel when there is none left.
func waitForAll(to chan<- ended) {
	defer close(to)
	for {
		var e ended
		var usage unix.Rusage
		pid, err := unix.Wait4(-1, &e.Status, unix.WUNTRACED|unix.WCONTINUED, &usage)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		e.PID, e.MaxRSS = pid, uint64(usage.Maxrss)<<10
		to <- e
	}
}

// killAll kills every descendant, again and again until none is left: what a
// killed process leaves behind comes to its reaper.
func killAll() {
	fs := kernel.New("/")
	for {
		pids, err := fs.Descendants(os.Getpid())
		if err != nil || len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			unix.Kill(pid, unix.SIGKILL)
		}
		for {
			var status unix.WaitStatus
			pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
			if err == unix.ECHILD || pid <= 0 {
				break
			}
		}
		time.Sleep(time.Millisecond)
	}
}
