package watch

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/oom143-action/internal/kernel"
)

// mlockOnFault locks pages once they are there, and fetches none
// (MLOCK_ONFAULT, mlock2(2)).
const mlockOnFault = 1

// neverKilled is the oom_score_adj that keeps the OOM killer away
// (proc_pid_oom_score_adj(5)). Lowering one's own needs CAP_SYS_RESOURCE.
const neverKilled = -1000

// protect keeps this process alive while memory is exhausted around it. A
// victim's memory is not free at once, and whoever asks for a page meanwhile
// can be the next: even a page of this program's own code, which the kernel
// has given up for the command. So the code that has run once stays in
// memory, and the OOM killer is told to leave this process alone. Both are
// tried; without the right to them it goes on as it is.
func protect(fs kernel.FS) {
	_ = fs.SetOOMScoreAdj(os.Getpid(), neverKilled)
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uintptr
		var mode string
		line := lines.Text()
		if n, _ := fmt.Sscanf(line, "%x-%x %4s", &from, &to, &mode); n == 3 && mode[1] == '-' && strings.HasSuffix(line, self) {
			_, _, _ = unix.Syscall(unix.SYS_MLOCK2, from, to-from, mlockOnFault)
		}
	}
}

// protectAfter is when oom143 protects itself: what ends sooner has not
// exhausted anything, and need not wait for it.
const protectAfter = 20 * time.Millisecond

// heapPiece and heapPieces make up the heap that is held ready: some minutes'
// worth of samples.
const (
	heapPiece  = 8 << 10
	heapPieces = 192
)

// spareHeap makes the runtime ask the kernel for memory now that it will need
// later. The collector gives the pieces back to the heap, not to the kernel,
// which gets back only what exceeds the heap's goal of 4 MiB.
func spareHeap() {
	pieces := make([][]byte, heapPieces)
	for i := range pieces {
		pieces[i] = make([]byte, heapPiece)
		for at := 0; at < heapPiece; at += os.Getpagesize() {
			pieces[i][at] = 1
		}
	}
	runtime.KeepAlive(pieces)
	clear(pieces)
	runtime.GC()
}

// brim is the headroom, as a share of a cgroup's limit, below which nothing is
// read that can be done without.
const brim = 0.08

// memoryReturns is how long a killed process's memory is waited for, in steps
// of memoryStep.
const (
	memoryReturns = 250 * time.Millisecond
	memoryStep    = 2 * time.Millisecond
)

// awaitMemory waits, after a death by SIGKILL, until a cgroup that was full
// has room again: the kernel gives back a process's memory after it has told
// of the death, and a page that oom143 asks for in between would make it the
// next victim. Nothing is allocated here, and nothing sampled meanwhile.
func (w *watcher) awaitMemory(status unix.WaitStatus) {
	if !status.Signaled() || status.Signal() != unix.SIGKILL {
		return
	}
	w.sampling.Lock()
	defer w.sampling.Unlock()
	if w.sampler.killed() {
		w.roomAgain()
	}
}

// roomAgain waits until no cgroup is full. The caller holds w.sampling.
func (w *watcher) roomAgain() {
	for deadline := time.Now().Add(memoryReturns); w.sampler.full(dangerHeadroom) && time.Now().Before(deadline); {
		time.Sleep(memoryStep)
	}
}
