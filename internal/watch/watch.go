// Package watch starts the command, observes it until it is gone, and writes
// the record: process tree, output, memory, signals.
package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/oom143-action/internal/hooks"
	"github.com/org/oom143-action/internal/kernel"
	"github.com/org/oom143-action/internal/record"
	"github.com/org/oom143-action/internal/testlog"
)

// The time that is given to what the command leaves behind.
const (
	leftoverGrace = 200 * time.Millisecond // to end by itself, as the last of a pipeline does
	leftoverTerm  = 2 * time.Second        // between SIGTERM and SIGKILL
	outputHeld    = 5 * time.Second        // for its output to end
	zombieGrace   = 50 * time.Millisecond  // for the guard to wait for what has died
	guardGrace    = time.Second            // for the guard to end when all is done
)

// partialEvery is how often an unfinished last line is looked at: some
// frameworks name the running test there.
const partialEvery = 100 * time.Millisecond

// Config is what to run and how to watch it.
type Config struct {
	Argv    []string // the command and its arguments, not empty
	Path    string   // its executable
	Env     []string // its environment, before the plugins' share
	Dir     string   // its working directory; "" for oom143's own
	Streams [3]*os.File
	Limit   Limit
	// Start is completed with the machine and the levels.
	Start  record.Start
	Record *os.File // where the flight record goes; nil for nowhere
	// Hooks gives the plugins' session; nil for none. It is called while the
	// guard starts.
	Hooks func() (*hooks.Session, error)
	Hint  testlog.Hint
	// Observe sees every byte of output, with its stream, before it is passed
	// on; may be nil. The two streams come at the same time.
	Observe func(testlog.Stream, []byte)
	// FirstSignal is called once, after the first SIGINT or SIGTERM has been
	// forwarded.
	FirstSignal func()
	// Danger gives the log's line for a moment above the danger line.
	Danger func(record.Danger, *record.Record) string
}

// Watcher is one run. Make it with [New], then call [Watcher.Run] once.
type Watcher struct {
	watcher
}

type watcher struct {
	Config
	fs        kernel.FS
	container bool
	rec       *recorder
	out, err  *sink
	tree      *tree
	ends      *ends
	terminal  *terminal
	output    *output

	sampling    sync.Mutex // around sampler and kernelLog
	sampler     *sampler
	log         *kernel.KernelLog
	peak        uint64 // used at the last snapshot of processes
	peakAt      time.Time
	daemonsSeen bool
	kills       uint64 // of the machine, when the vanished were last looked for

	scanning sync.Mutex
	scanner  *testlog.Scanner
	follower *hooks.Follower
	session  *hooks.Session
	plugins  <-chan opened

	inherited map[int]bool // children from before the command
	guard     int
	socket    *os.File
	pid       atomic.Int32  // of the command
	early     uint64        // signals that came before the command was known to run; bit N-1 is signal N
	ending    atomic.Bool   // the command has ended
	clearing  atomic.Bool   // what it left behind is being ended
	stopAsked atomic.Bool   // a SIGTSTP was forwarded
	alone     chan struct{} // closes when oom143 has no child any more
	dropped   sync.Once     // around the end of session
	first     sync.Once     // around the first SIGINT or SIGTERM
	told      chan struct{} // closes when FirstSignal has returned
}

// New gives a watcher. Nothing is started.
func New(c Config) *Watcher {
	w := &Watcher{watcher{Config: c, fs: kernel.New("/"), told: make(chan struct{}), alone: make(chan struct{})}}
	w.container = w.fs.InContainer()
	w.rec = newRecorder(c.Record, func(err error) { w.trouble("record", err.Error()) })
	w.out, w.err = &sink{file: c.Streams[1]}, &sink{file: c.Streams[2]}
	if sameFile(c.Streams[1], c.Streams[2]) {
		w.out = w.err
	}
	w.tree = newTree(w.fs, os.Getpid(), func(pid int) {
		if w.ends != nil {
			w.ends.add(pid)
		}
	})
	return w
}

// Say writes whole lines to standard error, after a newline where the command
// left a line open there.
func (w *watcher) Say(lines string) error { return w.err.say(lines) }

// Add records an event.
func (w *watcher) Add(e record.Event) { w.rec.add(e) }

// Flush hands the events so far to the kernel. The error is the first that
// writing the record gave.
func (w *watcher) Flush() error { return w.rec.flush() }

// View calls f with the state so far while nothing changes it. f must not
// keep it, nor call Add.
func (w *watcher) View(f func(*record.Record)) { w.rec.view(f) }

// trouble is a part of oom143 that failed while the command goes on.
func (w *watcher) trouble(what, detail string) {
	w.Add(record.Event{Trouble: &record.Failure{What: what, Detail: detail}})
}

// Run runs the command to its end and gives the exit status that oom143 ends
// with: the command's own, 128+N when signal N ended it, or 125 to 127 when
// it could not be started.
func (w *watcher) Run() int {
	caught, ignored, err := catchSignals()
	if err != nil {
		w.trouble("signals", err.Error())
	}
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	w.inherit()
	w.openPlugins()
	streams, err := w.prepareStreams()
	if err == nil {
		err = w.startGuard(streams)
	}
	if err != nil {
		return w.notStarted(125, err)
	}
	// The guard and with it the command have inherited what is ignored; here
	// it is seen, recorded and forwarded.
	if err := catchAlso(ignored); err != nil {
		w.trouble("signals", err.Error())
	}
	own := make(chan ended, 16)
	go waitForAll(own)
	w.begin()
	env := w.withPlugins(w.Env)
	order := guardOrder{
		Path: w.Path, Argv: w.Argv, Env: env, Dir: w.Dir,
		OOMScoreAdj: w.Start.OOMScoreAdj, Terminal: streams.terminal(w.terminal),
	}
	w.ends = watchEnds(w.othersEnd)
	if w.terminal != nil { // before the command writes, whose terminal ends lines with \r\n already
		if err := w.terminal.feed(w.Streams[0]); err != nil {
			w.trouble("terminal", err.Error())
		}
	}
	if err := json.NewEncoder(w.socket).Encode(order); err != nil {
		return w.notStarted(125, fmt.Errorf("telling the guard what to start: %w", err))
	}
	return w.follow(caught, own)
}

// opened is the plugins' session, or why there is none.
type opened struct {
	session *hooks.Session
	err     error
}

// openPlugins opens the plugins' session beside what else has to be done
// before the command can start.
func (w *watcher) openPlugins() {
	if w.Hooks == nil {
		return
	}
	done := make(chan opened, 1)
	w.plugins = done
	go func() {
		s, err := w.Hooks()
		done <- opened{s, err}
		close(done)
	}()
}

// withPlugins gives the environment that makes test frameworks report. Without
// plugins the run goes on with what the output shows.
func (w *watcher) withPlugins(env []string) []string {
	if w.plugins == nil {
		return env
	}
	o := <-w.plugins
	if o.err != nil {
		w.trouble("hooks", o.err.Error())
		return env
	}
	w.session = o.session
	var err error
	if w.follower, err = w.session.Follow(w.plugin); err != nil {
		w.trouble("hooks", err.Error())
		return env
	}
	return w.session.Environ(env, hooks.Command{Argv: w.Argv, Dir: w.Dir})
}

// begin takes the baseline and writes the record's first event.
func (w *watcher) begin() {
	s := w.Start
	s.Version = record.Version
	s.StartedAt = time.Now().Truncate(time.Millisecond)
	info, _ := w.fs.Meminfo()
	s.Machine = record.Machine{
		MemoryTotal: info.MemTotal, SwapTotal: info.SwapTotal, CPUs: runtime.NumCPU(),
		Kernel: w.fs.Release(), Container: w.container,
	}
	log, err := kernel.OpenKernelLog(w.fs)
	if err == nil {
		w.log = log
		s.KernelLog = true
	}
	var troubles []record.Failure
	w.sampler = newSampler(w.fs, w.Limit, w.tree, func(what, detail string) {
		troubles = append(troubles, record.Failure{What: what, Detail: detail})
	})
	for _, l := range w.sampler.levels {
		s.Levels = append(s.Levels, l.Level)
		if l.group != nil {
			s.Machine.CgroupVersion = l.group.Version
		}
	}
	s.OOMScoreAdj = w.oomScoreAdj()
	w.Start = s
	w.Add(record.Event{Time: s.StartedAt, Start: &s})
	for i := range troubles {
		w.Add(record.Event{Trouble: &troubles[i]})
		if troubles[i].What == limitTrouble {
			w.Say("oom143: " + troubles[i].Detail + ".\n")
		}
	}
	w.rec.flush()
}

// oomScoreAdj is what the command gets: high enough to go before the Docker
// client, to which GitHub's runner gives 500, not so high that it goes before
// a process ten times its size.
func (w *watcher) oomScoreAdj() int {
	own, err := w.fs.OOMScoreAdj(os.Getpid())
	if err != nil {
		return 0
	}
	return min(max(own, 500)+100, 1000)
}

// commandStreams are the standard streams that the command gets.
type commandStreams struct {
	files [3]*os.File
	ours  []*os.File // to be closed when the guard has them
}

// prepareStreams gives the command's standard streams: oom143's own input,
// and for each output a pipe, or a terminal where oom143 has one.
func (w *watcher) prepareStreams() (commandStreams, error) {
	s := commandStreams{files: w.Streams}
	w.scanner = testlog.New(w.Hint, w.tested)
	w.output = newOutput(w.scan, w.Observe, func(err error) {
		w.trouble("output", err.Error())
		w.Say("oom143: " + err.Error() + "; the command goes on without this output.\n")
	})
	var err error
	if w.terminal, err = openTerminal(w.Streams, w.typedInterrupt); err != nil {
		w.trouble("terminal", err.Error())
	}
	if t := w.terminal; t != nil {
		s.ours = append(s.ours, t.slave)
		w.out.raw, w.err.raw = t.raw, t.raw
		to := &sink{file: t.outer} // what is typed is echoed, if nothing else
		for i, f := range w.Streams {
			if isTerminal(f) {
				s.files[i] = t.slave
				to = [...]*sink{to, w.out, w.err}[i]
			}
		}
		reader, err := t.reader()
		if err != nil {
			return s, err
		}
		w.output.copy(testlog.Stdout, reader, to)
	}
	if s.files[1] == w.Streams[1] && s.files[2] == w.Streams[2] && w.out == w.err {
		// One stream for both, so that their order stays.
		err := s.pipe(w.output, testlog.Stdout, w.out)
		s.files[2] = s.files[1]
		return s, err
	}
	if s.files[1] == w.Streams[1] {
		if err := s.pipe(w.output, testlog.Stdout, w.out); err != nil {
			return s, err
		}
	}
	if s.files[2] == w.Streams[2] {
		return s, s.pipe(w.output, testlog.Stderr, w.err)
	}
	return s, nil
}

// pipe gives the command a pipe for an output stream and passes on what
// comes through it.
func (s *commandStreams) pipe(o *output, stream testlog.Stream, to *sink) error {
	read, write, err := outputPipe()
	if err != nil {
		return err
	}
	s.files[1+int(stream-testlog.Stdout)] = write
	s.ours = append(s.ours, write)
	o.copy(stream, read, to)
	return nil
}

// terminal is the descriptor that is to be the command's controlling
// terminal, -1 for none.
func (s *commandStreams) terminal(t *terminal) int {
	for i, f := range s.files {
		if t != nil && f == t.slave {
			return i
		}
	}
	return -1
}

// guardAttr gives the guard a process group of its own, and on a terminal the
// session that the command is a job of.
func (s *commandStreams) guardAttr(t *terminal) *syscall.SysProcAttr {
	if fd := s.terminal(t); fd >= 0 {
		return &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: fd}
	}
	return &syscall.SysProcAttr{Setpgid: true}
}

// startGuard starts the guard with the command's streams.
func (w *watcher) startGuard(s commandStreams) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket to the guard: %w", err)
	}
	w.guard, err = syscall.ForkExec("/proc/self/exe", []string{GuardName}, &syscall.ProcAttr{
		Files: []uintptr{s.files[0].Fd(), s.files[1].Fd(), s.files[2].Fd(), uintptr(pair[1])},
		Env:   []string{"GOTRACEBACK=none"},
		Sys:   s.guardAttr(w.terminal),
	})
	unix.Close(pair[1])
	w.socket = os.NewFile(uintptr(pair[0]), "guard")
	for _, f := range s.ours {
		f.Close()
	}
	if err != nil {
		return fmt.Errorf("starting the guard: %w", err)
	}
	w.tree.hangFrom(w.guard)
	return nil
}

// follow handles all that happens until the command has ended.
func (w *watcher) follow(caught <-chan caughtSignal, own <-chan ended) int {
	news := make(chan guardNews, 16)
	go readNews(w.socket, news)
	stop := make(chan struct{})
	var loops sync.WaitGroup
	spawned := func(pid int) {
		w.spawned(pid)
		loops.Go(func() {
			select {
			case <-stop:
			case <-time.After(protectAfter):
				spareThreads()
				spareHeap()
				protect(w.fs)
			}
		})
		loops.Go(func() { w.sampleLoop(stop) })
		loops.Go(func() { w.partialLoop(stop) })
	}
	var main *ended
	for main == nil {
		select {
		case n, ok := <-news:
			switch {
			case !ok: // the guard has died: its children are oom143's now
				news = nil
				w.tree.hangFrom(w.tree.self)
				if left := w.newChildren(); len(left) == 1 && w.pid.Load() == 0 {
					spawned(left[0])
				}
			case n.Errno != 0:
				return w.refused(n.Errno)
			case n.Spawned != 0:
				spawned(n.Spawned)
			case n.Caught != nil:
				w.signal(*n.Caught)
			case n.Ended != nil:
				main = w.processEnded(*n.Ended)
			}
		case e, ok := <-own:
			if ok {
				main = w.processEnded(e)
			} else {
				own = nil
			}
		case s := <-caught:
			w.signal(s)
		}
		if news == nil && main == nil && len(w.newChildren()) == 0 {
			if w.pid.Load() == 0 {
				return w.notStarted(125, errors.New("the guard that was to start it was killed"))
			}
			if own == nil {
				main = &ended{Status: 125 << 8} // nobody can know any more
			}
		}
	}
	w.ending.Store(true)
	go func() { // signals still reach what the command left behind
		for s := range caught {
			w.signal(s)
		}
	}()
	go func() { // what died with the command, or just before it
		for n := range news {
			if n.Ended != nil {
				w.orphanEnded(*n.Ended)
			}
		}
	}()
	go func() {
		defer close(w.alone)
		for e := range own {
			w.orphanEnded(e)
		}
	}()
	end := w.finish(*main)
	close(stop)
	loops.Wait()
	w.first.Do(func() { close(w.told) })
	<-w.told
	w.Add(record.Event{End: &end})
	w.rec.flush()
	return end.Code
}

// letGuardGo ends the guard, which has nothing left to guard.
func (w *watcher) letGuardGo() {
	// Close alone would wait for the reader.
	unix.Shutdown(int(w.socket.Fd()), unix.SHUT_RDWR)
	w.socket.Close()
}

// inherit notes the children that were there before the command.
func (w *watcher) inherit() {
	w.inherited = map[int]bool{}
	children, _ := w.fs.Children(w.tree.self)
	for _, pid := range children {
		w.inherited[pid] = true
	}
}

// Wait waits, after Run, until nothing is left of oom143's own: the guard has
// ended and the plugins' folder is gone. The verdict need not wait for that.
func (w *watcher) Wait() {
	w.dropSession()
	if w.pid.Load() == 0 || len(w.inherited) > 0 {
		return
	}
	select { // nobody else may be there to wait for the guard
	case <-w.alone:
	case <-time.After(guardGrace):
	}
}

// dropSession removes the plugins' folder, once.
func (w *watcher) dropSession() {
	w.dropped.Do(func() {
		if w.session == nil && w.plugins != nil {
			w.session = (<-w.plugins).session // the command was not started
		}
		if w.session != nil {
			if err := w.session.Close(); err != nil {
				w.trouble("hooks", err.Error())
			}
		}
	})
}

func readNews(from io.Reader, to chan<- guardNews) {
	defer close(to)
	in := json.NewDecoder(from)
	for {
		var n guardNews
		if in.Decode(&n) != nil {
			return
		}
		to <- n
	}
}

func exitStatus(s unix.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

// NotStarted is [watcher.Run] for a command that is known not to start.
func (w *watcher) NotStarted(status int, err error) int { return w.notStarted(status, err) }

// notStarted records why the command could not be started.
func (w *watcher) notStarted(status int, err error) int {
	if w.Start.StartedAt.IsZero() {
		w.begin()
	}
	w.Add(record.Event{NotStarted: &record.Failure{What: w.Argv[0], Detail: err.Error(), Status: status}})
	w.rec.flush()
	if w.terminal != nil {
		w.terminal.stop()
	}
	return status
}

// refused is a start that the kernel refused: 127 when something was not
// found, 126 otherwise, as a shell has it.
func (w *watcher) refused(errno syscall.Errno) int {
	status := 126
	if errno == syscall.ENOENT {
		status = 127
	}
	return w.notStarted(status, errno)
}

func (w *watcher) spawned(pid int) {
	w.pid.Store(int32(pid))
	w.Add(record.Event{Spawned: &record.Spawned{PID: pid}})
	for n := unix.Signal(1); n <= lastSignal; n++ {
		if w.early&(1<<(n-1)) != 0 {
			w.forward(n)
		}
	}
	w.early = 0
}

// processEnded handles the end or stop of a process; it gives the command's.
func (w *watcher) processEnded(e ended) *ended {
	switch {
	case e.PID == w.guard:
		w.tree.hangFrom(w.tree.self) // its children are oom143's now
		return nil
	case e.PID != int(w.pid.Load()):
		if e.Status.Signaled() {
			w.killed(e.PID, e.Status, record.ByWait)
		}
		return nil
	case e.Status.Stopped():
		w.commandStopped()
		return nil
	case e.Status.Continued():
		return nil
	}
	w.awaitMemory(e.Status)
	p, _ := w.tree.process(e.PID)
	exit := record.Exit{PID: e.PID, Command: p.Command, Main: true, Source: record.ByWait, RSS: max(p.Peak, e.MaxRSS)}
	if exit.Command == "" {
		exit.Command = record.CommandLine(w.Argv)
	}
	if e.Status.Signaled() {
		exit.Signal = unix.SignalName(e.Status.Signal())
	} else {
		exit.Code = e.Status.ExitStatus()
	}
	w.Add(record.Event{Exit: &exit})
	w.sampleNow(memoryOnly)
	return &e
}

// orphanEnded handles the end of a process after the command's own, as long as
// it is none that oom143 brings about.
func (w *watcher) orphanEnded(e ended) {
	if e.Status.Signaled() && e.PID != w.guard && !w.inherited[e.PID] && !w.clearing.Load() {
		w.killed(e.PID, e.Status, record.ByWait)
	}
}

// killed records the end by a signal of a process that is not the command.
func (w *watcher) killed(pid int, status unix.WaitStatus, source record.ExitSource) {
	w.awaitMemory(status)
	p, _ := w.tree.process(pid)
	w.Add(record.Event{Exit: &record.Exit{
		PID: pid, Command: p.Command, Signal: unix.SignalName(status.Signal()), Source: source, RSS: p.Peak,
	}})
	w.sampleNow(memoryOnly)
}

// othersEnd is told by a pidfd how a process ended.
func (w *watcher) othersEnd(pid int, status unix.WaitStatus) {
	if pid != int(w.pid.Load()) && status.Signaled() && !w.ending.Load() {
		w.killed(pid, status, record.ByPidfd)
	}
}

// commandStopped stops oom143 with its command when the user's terminal, or a
// SIGTSTP, asked for it. The SIGCONT that wakes oom143 is forwarded and wakes
// the command: what stands after a stop here may still run before it, since
// the kernel stops one thread after the other.
func (w *watcher) commandStopped() {
	switch {
	case w.terminal != nil && w.terminal.restore(): // the whole job, as the terminal's own key would
		unix.Kill(0, unix.SIGSTOP)
	case w.stopAsked.Swap(false):
		unix.Kill(os.Getpid(), unix.SIGSTOP)
	}
}

// typedInterrupt is Ctrl-C at the user's terminal. The command's own terminal
// makes a signal of it.
func (w *watcher) typedInterrupt() {
	w.Add(record.Event{Signal: &record.Signal{Signal: "SIGINT", From: &record.Sender{Kind: record.FromTerminal}}})
	w.firstSignal()
}

// signal forwards a signal to the command's process group and records it.
func (w *watcher) signal(s caughtSignal) {
	from := w.sender(s)
	if s.Signal == unix.SIGTSTP {
		w.stopAsked.Store(true)
	}
	if w.pid.Load() != 0 {
		w.forward(s.Signal)
	} else {
		w.early |= 1 << (s.Signal - 1)
	}
	switch s.Signal {
	case unix.SIGWINCH:
		if w.terminal != nil {
			w.terminal.resize()
		}
		return
	case unix.SIGCONT: // the command runs again: from here on Ctrl-Z can go to it
		if t := w.terminal; t != nil {
			t.setRaw()
			t.resize()
		}
		return
	}
	w.Add(record.Event{Signal: &record.Signal{Signal: signalName(s.Signal), From: from}})
	if s.Signal == unix.SIGINT || s.Signal == unix.SIGTERM {
		w.firstSignal()
	}
}

// forward sends a signal to the command's process group.
func (w *watcher) forward(s unix.Signal) {
	pid := int(w.pid.Load())
	unix.Kill(-pid, s)
	if group, err := unix.Getpgid(pid); err == nil && group != pid {
		unix.Kill(pid, s) // it left the group that it was given
	}
}

func signalName(s unix.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(s))
}

// firstSignal has the verdict so far told, once.
func (w *watcher) firstSignal() {
	w.rec.flush()
	w.first.Do(func() {
		go func() {
			defer close(w.told)
			w.lookAtTests()
			w.sampleNow(everything)
			if w.FirstSignal != nil {
				w.FirstSignal()
			}
			w.rec.flush()
		}()
	})
}

// finish deals with what the command leaves behind.
func (w *watcher) finish(main ended) record.End {
	end := record.End{Code: exitStatus(main.Status)}
	if main.Status.Signaled() {
		end.Signal = unix.SignalName(main.Status.Signal())
	}
	if w.terminal != nil {
		w.terminal.stopInput()
	}
	began := time.Now()
	end.Leftovers = w.clearTree()
	w.letGuardGo()
	done := w.output.wait()
	select {
	case <-done:
	case <-time.After(outputHeld - min(outputHeld, time.Since(began))):
		end.OutputHeld = true
		w.Say("oom143: a process that is not the command's child keeps its output open; oom143 does not wait for it any longer.\n")
	}
	if w.terminal != nil {
		w.terminal.stop()
	}
	w.ends.stop()
	w.scanning.Lock()
	w.scanner.Close()
	w.scanning.Unlock()
	if w.follower != nil {
		if err := w.follower.Stop(); err != nil {
			w.trouble("hooks", err.Error())
		}
	}
	go w.dropSession()
	w.sampleNow(memoryOnly)
	return end
}

// clearTree ends the processes that outlive the command, and names them.
func (w *watcher) clearTree() []record.Process {
	w.waitForZombies()
	left := w.waitForTree(leftoverGrace)
	if len(left) == 0 {
		return nil
	}
	w.clearing.Store(true)
	var named []record.Process
	var names []string
	for _, pid := range left {
		p, ok := w.tree.process(pid)
		if argv, err := w.fs.Cmdline(pid); err == nil && len(argv) > 0 {
			p.PID, p.Command, p.Ours = pid, record.CommandLine(argv), true
		} else if !ok {
			continue
		}
		if len(named) < record.MaxProcesses {
			named = append(named, p)
			names = append(names, fmt.Sprintf("%s (pid %d)", record.Cut(p.Command, 60), pid))
		}
	}
	if len(names) > 0 {
		w.Say(fmt.Sprintf("oom143: the command has ended and left %d %s running, which %s ended now: %s.\n",
			len(left), plural(len(left), "process", "processes"), plural(len(left), "is", "are"), strings.Join(names, ", ")))
	}
	for _, pid := range left {
		unix.Kill(pid, unix.SIGTERM)
		unix.Kill(pid, unix.SIGCONT)
	}
	deadline := time.Now().Add(leftoverTerm)
	for left = w.waitForTree(leftoverTerm); len(left) > 0 && time.Now().Before(deadline.Add(leftoverTerm)); left = w.waitForTree(20 * time.Millisecond) {
		for _, pid := range left {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
	return named
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// waitForZombies lets the guard wait for what has died already: how it ended
// belongs to the evidence.
func (w *watcher) waitForZombies() {
	for deadline := time.Now().Add(zombieGrace); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if !slices.ContainsFunc(w.family(), w.isZombie) {
			return
		}
	}
}

func (w *watcher) isZombie(pid int) bool {
	p, err := w.fs.Process(pid)
	return err == nil && p.State == 'Z' && pid != w.guard
}

// waitForTree waits until the command's tree is empty, at most d, and gives
// what is left of it.
func (w *watcher) waitForTree(d time.Duration) []int {
	deadline := time.Now().Add(d)
	pause := time.Millisecond
	for {
		left := w.descendants()
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(pause)
		pause = min(2*pause, 20*time.Millisecond)
	}
}

// family are all that descend from oom143, living and dead, without what was
// there before the command: a shell that executes oom143 may leave it
// background jobs and process substitutions.
func (w *watcher) family() []int {
	var all []int
	for _, child := range w.newChildren() {
		all = append(all, child)
		if below, err := w.fs.Descendants(child); err == nil {
			all = append(all, below...)
		}
	}
	return all
}

// newChildren are the children that oom143 did not have at its start, without
// the guard's place among them: what the guard holds is in [watcher.family].
func (w *watcher) newChildren() []int {
	children, err := w.fs.Children(w.tree.self)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(children, func(pid int) bool { return w.inherited[pid] })
}

// descendants are the living processes of the command's tree.
func (w *watcher) descendants() []int {
	living := []int{}
	for _, pid := range w.family() {
		if p, err := w.fs.Process(pid); err == nil && p.State != 'Z' && p.State != 'X' && pid != w.guard {
			living = append(living, pid)
		}
	}
	return living
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// spareThreads makes the runtime start a few threads now and keep them. Later,
// while memory is exhausted, a new thread's stack could be what the kernel
// kills a second process for.
func spareThreads() {
	const count = 6
	var all sync.WaitGroup
	for range count {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			nap := unix.Timespec{Nsec: int64(time.Millisecond)}
			unix.Nanosleep(&nap, nil)
		})
	}
	all.Wait()
}
