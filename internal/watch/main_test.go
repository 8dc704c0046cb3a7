package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/oom143-action/internal/record"
)

// The test binary plays three parts besides its own: oom143 around a command,
// the guard, and the small programs that serve as commands.
const (
	asOOM143 = "oom143"
	asHelper = "helper"
)

func TestMain(m *testing.M) {
	switch {
	case os.Args[0] == GuardName:
		// Not os.Exit: the race detector sleeps a second there, and what tells
		// it not to is not in the guard's environment.
		unix.Exit(Guard())
	case len(os.Args) > 2 && os.Args[1] == asOOM143:
		os.Exit(watchCommand(os.Args[2:]))
	case len(os.Args) > 2 && os.Args[1] == asHelper:
		os.Exit(helpers[os.Args[2]](os.Args[3:]))
	}
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // for the helpers
	}
	// nohup and a script's "&" leave these ignored, and everything started
	// here would inherit that.
	for _, ignored := range []unix.Signal{unix.SIGHUP, unix.SIGINT} {
		if a, err := getAction(ignored); err == nil && a.handler == 1 /* SIG_IGN */ {
			setAction(ignored, sigaction{})
		}
	}
	status := m.Run()
	if builtPath != "" {
		os.RemoveAll(filepath.Dir(builtPath))
	}
	os.Exit(status)
}

// What watchCommand reads from its environment.
const (
	recordVariable = "WATCH_TEST_RECORD" // path of the flight record
	reportVariable = "WATCH_TEST_REPORT" // how long the report at the first signal takes
	sayVariable    = "WATCH_TEST_SAY"    // say a line this often
	limitVariable  = "WATCH_TEST_LIMIT"  // bytes
)

// watchCommand is what run does with the watcher, without the verdict.
func watchCommand(argv []string) int {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		path = argv[0]
	}
	c := Config{
		Argv: argv, Path: path, Env: os.Environ(),
		Streams: [3]*os.File{os.Stdin, os.Stdout, os.Stderr},
	}
	if limit := os.Getenv(limitVariable); limit != "" {
		c.Limit.Bytes, _ = strconv.ParseUint(limit, 10, 64)
	}
	if path := os.Getenv(recordVariable); path != "" {
		if c.Record, err = os.Create(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 125
		}
	}
	w := New(c)
	if d, err := time.ParseDuration(os.Getenv(reportVariable)); err == nil {
		w.FirstSignal = func() {
			time.Sleep(d)
			w.Say("oom143: the report.\n")
		}
	}
	if every, err := time.ParseDuration(os.Getenv(sayVariable)); err == nil {
		go func() {
			for n := 0; ; n++ {
				time.Sleep(every)
				w.Say(fmt.Sprintf("oom143: line %d\n", n))
			}
		}()
	}
	return w.Run()
}

// helpers are the commands that no shell can play. Each gives its exit status.
var helpers = map[string]func([]string) int{
	"pending": helpPending, "terminal": helpTerminal, "daemon": helpDaemon, "allocate": helpAllocate,
	"holder": helpHolder, "pass-output": helpPassOutput, "flood": helpFlood, "nonblock": helpNonblock,
}

// helpPending blocks every signal and becomes a sleep, so that the kernel
// lists under ShdPnd (proc_pid_status(5)) what was sent to it. With "group" it
// has a second such process in its group.
func helpPending(args []string) int {
	if len(args) > 0 {
		cmd := exec.Command("/proc/self/exe", asHelper, "pending")
		if err := cmd.Start(); err != nil {
			return 1
		}
		fmt.Println(os.Getpid(), cmd.Process.Pid)
	}
	runtime.LockOSThread()
	all := unix.Sigset_t{}
	for i := range all.Val {
		all.Val[i] = ^uint64(0)
	}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &all, nil); err != nil {
		return 1
	}
	sleep, _ := exec.LookPath("sleep")
	syscall.Exec(sleep, []string{"sleep", "60"}, nil)
	return 1
}

// helpTerminal prints what a program sees of its streams.
func helpTerminal([]string) int {
	for fd, name := range []string{"stdin", "stdout", "stderr"} {
		size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err != nil {
			fmt.Printf("%s none\n", name)
		} else {
			fmt.Printf("%s %dx%d\n", name, size.Col, size.Row)
		}
	}
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
		group, _ := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
		fmt.Printf("foreground %v\n", group == unix.Getpgrp())
	} else {
		fmt.Println("no controlling terminal")
	}
	return 0
}

// helpDaemon leaves the group and the session of the command and ignores the
// signals named, or just forks twice for "double".
func helpDaemon(args []string) int {
	for _, a := range args {
		if a == "ignore" {
			signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		}
	}
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	for _, a := range args {
		if a == "hold" {
			cmd.Stdout = os.Stdout
		}
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(cmd.Process.Pid)
	for _, a := range args {
		if a == "stay" {
			time.Sleep(time.Minute)
		}
	}
	return 0
}

// helpAllocate takes args[0] MB and then sleeps.
func helpAllocate(args []string) int {
	n, _ := strconv.Atoi(args[0])
	b := bytes.Repeat([]byte{1}, n<<20)
	fmt.Println(os.Getpid())
	time.Sleep(time.Minute)
	return int(b[0])
}

// helpHolder takes a descriptor from the socket args[0] and keeps it.
func helpHolder(args []string) int {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: args[0], Net: "unix"})
	if err != nil {
		return 1
	}
	fmt.Println("listening")
	c, err := l.AcceptUnix()
	if err != nil {
		return 1
	}
	oob := make([]byte, 64)
	if _, n, _, _, err := c.ReadMsgUnix(make([]byte, 1), oob); err != nil || n == 0 {
		return 1
	}
	c.Write([]byte{1})
	time.Sleep(time.Minute)
	return 0
}

// helpPassOutput gives its standard output to the socket args[0].
func helpPassOutput(args []string) int {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: args[0], Net: "unix"})
	if err != nil {
		return 1
	}
	if _, _, err := c.WriteMsgUnix([]byte{0}, unix.UnixRights(1), nil); err != nil {
		return 1
	}
	c.Read(make([]byte, 1))
	fmt.Println("passed on")
	return 0
}

// helpFlood writes args[0] MB as one line without an end.
func helpFlood(args []string) int {
	n, _ := strconv.Atoi(args[0])
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for range n {
		if _, err := os.Stdout.Write(chunk); err != nil {
			return 1
		}
	}
	return 0
}

// helpNonblock tells whether its output is in non-blocking mode.
func helpNonblock([]string) int {
	flags, err := unix.FcntlInt(1, unix.F_GETFL, 0)
	fmt.Println(err == nil && flags&unix.O_NONBLOCK != 0)
	return 0
}

// built gives the program itself, for what its command line adds to the
// watcher. It is built once, without the race detector.
func built(t testing.TB) string {
	t.Helper()
	goTool := needTool(t, "go")
	building.Do(func() {
		dir, err := os.MkdirTemp("", "oom143-watch-")
		if err != nil {
			buildError = err
			return
		}
		builtPath = filepath.Join(dir, "oom143")
		if out, err := exec.Command(goTool, "build", "-o", builtPath, "github.com/org/oom143-action").CombinedOutput(); err != nil {
			buildError = fmt.Errorf("%w: %s", err, out)
		}
	})
	if buildError != nil {
		t.Fatal(buildError)
	}
	return builtPath
}

var (
	building   sync.Once
	builtPath  string
	buildError error
)

// self is the path of the test binary.
func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func helper(t testing.TB, args ...string) []string {
	return append([]string{self(t), asHelper}, args...)
}

func shell(script string) []string { return []string{"/bin/sh", "-c", script} }

// buffer can be read while a process writes to it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *buffer) Len() int { return len(b.String()) }

// A run is one oom143 with its command.
type run struct {
	*exec.Cmd
	t              testing.TB
	stdout, stderr buffer
	record         string
}

// watched prepares oom143 around argv. It is killed when the test ends.
func watched(t testing.TB, argv ...string) *run {
	t.Helper()
	r := &run{t: t, record: filepath.Join(t.TempDir(), "record")}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	r.Cmd = exec.CommandContext(ctx, self(t), append([]string{asOOM143}, argv...)...)
	r.WaitDelay = time.Second
	r.Env = append(os.Environ(), recordVariable+"="+r.record)
	r.Stdout, r.Stderr = &r.stdout, &r.stderr
	return r
}

func (r *run) start() *run {
	r.t.Helper()
	if err := r.Start(); err != nil {
		r.t.Fatal(err)
	}
	return r
}

// status waits and gives the exit status; a death by signal N is -N.
func (r *run) status() int {
	r.t.Helper()
	err := r.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatalf("oom143 did not end: %v", err)
	}
	state := r.ProcessState.Sys().(syscall.WaitStatus)
	if state.Signaled() {
		return -int(state.Signal())
	}
	return state.ExitStatus()
}

// ends runs to the end and wants an exit status.
func (r *run) ends(want int) *run {
	r.t.Helper()
	r.start()
	return r.endsWith(want)
}

func (r *run) endsWith(want int) *run {
	r.t.Helper()
	if got := r.status(); got != want {
		r.t.Errorf("exit status %d, want %d; stderr:\n%s", got, want, &r.stderr)
	}
	return r
}

// read gives the flight record.
func (r *run) read() *record.Record {
	r.t.Helper()
	rec, err := r.tryRead()
	if err != nil {
		r.t.Fatal(err)
	}
	return rec
}

func (r *run) tryRead() (*record.Record, error) {
	f, err := os.Open(r.record)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return record.Read(f)
}

// spawned waits until the command runs, and gives its pid.
func (r *run) spawned() int {
	r.t.Helper()
	pid := 0
	eventually(r.t, 5*time.Second, "the command is started", func() bool {
		rec, err := r.tryRead()
		if err == nil {
			pid = rec.PID
		}
		return pid != 0
	})
	return pid
}

// guard gives the guard's pid.
func (r *run) guard() int {
	r.t.Helper()
	guard := 0
	eventually(r.t, 5*time.Second, "the guard is started", func() bool {
		for _, pid := range children(r.Process.Pid) {
			if argv, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); strings.HasPrefix(string(argv), GuardName) {
				guard = pid
			}
		}
		return guard != 0
	})
	return guard
}

// file is a path below the test's temporary folder.
func file(t testing.TB, name string) string { return filepath.Join(t.TempDir(), name) }

// number waits until a file holds a number, and gives it.
func number(t testing.TB, path string) int {
	t.Helper()
	n := 0
	eventually(t, 5*time.Second, path+" holds a number", func() bool {
		b, _ := os.ReadFile(path)
		if !bytes.HasSuffix(b, []byte("\n")) {
			return false
		}
		n, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		return n != 0
	})
	return n
}

// eventually waits until done, at most within.
func eventually(t testing.TB, within time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// alive tells whether a process exists and is no zombie.
func alive(pid int) bool {
	s := statusField(pid, "State")
	return s != "" && s[0] != 'Z' && s[0] != 'X'
}

// statusField reads one field of /proc/PID/status.
func statusField(pid int, name string) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// children are those of all threads (proc_pid_task(5)).
func children(pid int) []int {
	var pids []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for _, f := range strings.Fields(string(b)) {
			n, _ := strconv.Atoi(f)
			pids = append(pids, n)
		}
	}
	return pids
}

// needRoot skips a test that only root can make.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
}

// needTool gives the path of a program, or skips the test.
func needTool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("needs %s", name)
	}
	return path
}
