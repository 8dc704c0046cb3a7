package watch

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/oom143-action/internal/testlog"
)

// Each stream arrives byte for byte on its own, and nothing is added.
func TestOutputIsUnchanged(t *testing.T) {
	t.Parallel()
	var all bytes.Buffer
	for i := range 256 {
		all.WriteByte(byte(i))
	}
	binary := strings.Repeat(all.String(), 300)
	tests := map[string]string{
		"empty": "", "one line": "hello\n", "no final newline": "hello", "only a newline": "\n",
		"binary": binary, "invalid UTF-8": "a\xff\xfe\xc3(\xed\xa0\x80z\n", "NUL": "\x00\x00\n\x00",
		"carriage returns": "10%\r20%\r\n30%\r", "escapes": "\x1b[31mred\x1b[0m\n\x1b]0;title\a",
		"workflow commands": "::error::x\n::stop-commands::abc\n",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := file(t, "text")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			r := watched(t, shell(fmt.Sprintf("cat %[1]s; cat %[1]s %[1]s >&2", path))...).ends(0)
			if got := r.stdout.String(); got != text {
				t.Errorf("standard output: %d bytes %.60q, want %d", len(got), got, len(text))
			}
			if got := r.stderr.String(); got != text+text {
				t.Errorf("standard error: %d bytes %.60q, want %d", len(got), got, 2*len(text))
			}
		})
	}
}

// One line of 256 MB passes while oom143 stays small.
func TestLongLine(t *testing.T) {
	t.Parallel()
	const size = 256
	r := watched(t, helper(t, "flood", fmt.Sprint(size))...)
	r.Cmd.Stdout = nil
	out, err := r.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.start()
	got, want := sha256.New(), sha256.New()
	n, err := io.Copy(got, out)
	if err != nil || n != size<<20 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for range size {
		want.Write(chunk)
	}
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Error("the line was changed")
	}
	r.endsWith(0)
}

// With 2>&1 the order of both streams stays.
func TestMergedOutputKeepsOrder(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := watched(t, shell("i=0; while [ $i -lt 500 ]; do echo $i; echo $i >&2; i=$((i+1)); done")...)
	r.Cmd.Stdout, r.Cmd.Stderr = write, write
	r.start()
	write.Close()
	got, _ := io.ReadAll(read)
	r.endsWith(0)
	var want strings.Builder
	for i := range 500 {
		fmt.Fprintf(&want, "%d\n%d\n", i, i)
	}
	if string(got) != want.String() {
		t.Errorf("the order was changed: %.200q", got)
	}
}

// When the reader has gone, the command gets SIGPIPE as without oom143.
func TestClosedReader(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"", ">&2"} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r := watched(t, shell("exec yes "+stream)...)
		if stream == "" {
			r.Cmd.Stdout = write
		} else {
			r.Cmd.Stderr = write
		}
		r.start()
		write.Close()
		bufio.NewReader(read).ReadString('\n')
		read.Close()
		r.endsWith(128 + int(unix.SIGPIPE))
	}
}

// Output closed before the start: the command finds that it cannot write, and
// its status counts.
func TestClosedStreams(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, close, script string
		want                int
	}{
		{"stdin", "<&-", "cat >/dev/null 2>&1; exit 3", 3},
		{"stdout", ">&-", "exit 4", 4},
		{"stderr", "2>&-", "exit 5", 5},
		{"all", "<&- >&- 2>&-", "exit 6", 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := watched(t, shell(test.script)...)
			r.Args = append([]string{"sh", "-c", `exec "$0" "$@" ` + test.close, r.Path}, r.Args[1:]...)
			r.Path = "/bin/sh"
			r.ends(test.want)
		})
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("line\n\x00\xff", 100_000)
	r := watched(t, "cat")
	r.Stdin = strings.NewReader(text)
	r.ends(0)
	if r.stdout.String() != text {
		t.Error("input changed on its way through the command")
	}
	// The command gets the descriptor itself: what it does not read stays.
	path := file(t, "in")
	if err := os.WriteFile(path, []byte("first\nsecond\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/bin/sh", "-c", `"$0" oom143 sh -c 'read x; echo got $x' < "$1"`, self(t), path).Output()
	if err != nil || string(out) != "got first\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// A reader that is slow, at a pipe in non-blocking mode, gets everything; the
// command's own pipe is not non-blocking.
func TestNonblockingOutput(t *testing.T) {
	t.Parallel()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	unix.SetNonblock(fds[1], true)
	read, write := os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	r := watched(t, append([]string{"sh", "-c", `"$@"; "$1" helper flood 4`, "sh"}, helper(t, "nonblock")...)...)
	r.Cmd.Stdout = write
	r.start()
	write.Close()
	time.Sleep(300 * time.Millisecond)
	got, err := io.ReadAll(read)
	r.endsWith(0)
	if err != nil || len(got) != len("false\n")+4<<20 || !strings.HasPrefix(string(got), "false\n") {
		t.Errorf("%d bytes, %.10q, %v", len(got), got, err)
	}
}

// A line of oom143's own is never in a line of the command's, and what the
// command writes otherwise is what it was.
func TestSayIsNeverGlued(t *testing.T) {
	t.Parallel()
	r := watched(t, shell("i=0; while [ $i -lt 150 ]; do printf ab >&2; sleep 0.001; printf 'cd\\n' >&2; i=$((i+1)); done")...)
	r.Env = append(r.Env, sayVariable+"=3ms")
	r.ends(0)
	said, rest := 0, ""
	for line := range strings.Lines(r.stderr.String()) {
		if strings.HasPrefix(line, "oom143: line ") && strings.HasSuffix(line, "\n") {
			said++
			continue
		}
		if strings.Contains(line, "oom143") {
			t.Errorf("glued: %q", line)
		}
		rest += line
	}
	if said < 5 {
		t.Errorf("only %d lines said", said)
	}
	if got := strings.ReplaceAll(rest, "\n", ""); got != strings.Repeat("abcd", 150) {
		t.Errorf("the command's output was changed: %.100q", got)
	}
}

func TestSink(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		raw  bool
		do   func(*sink)
		want string
	}{
		{"at the start", false, func(s *sink) { s.say("a\n") }, "a\n"},
		{"after a line", false, func(s *sink) { s.pass([]byte("x\n")); s.say("a\n") }, "x\na\n"},
		{"in a line", false, func(s *sink) { s.pass([]byte("x")); s.say("a\nb\n"); s.say("c\n") }, "x\na\nb\nc\n"},
		{"nothing", false, func(s *sink) { s.pass([]byte("x")); s.say(""); s.pass(nil) }, "x"},
		{"raw terminal", true, func(s *sink) { s.pass([]byte("x")); s.say("a\nb\n") }, "x\r\na\r\nb\r\n"},
		{"raw passes bytes as they are", true, func(s *sink) { s.pass([]byte("x\ny\r\n")) }, "x\ny\r\n"},
	}
	for _, test := range tests {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		test.do(&sink{file: write, raw: func() bool { return test.raw }})
		write.Close()
		if got, _ := io.ReadAll(read); string(got) != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		read.Close()
	}
}

func TestSinkWithoutReader(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	read.Close()
	s := &sink{file: write}
	for range 2 {
		if err := s.pass([]byte("x")); !errors.Is(err, unix.EPIPE) {
			t.Errorf("error %v", err)
		}
	}
}

// A full disk is told once and the command goes on.
func TestOutputOnFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full")
	}
	defer full.Close()
	r := watched(t, shell("seq 100000; exit 8")...)
	r.Cmd.Stdout = full
	r.ends(8)
	if n := strings.Count(r.stderr.String(), "oom143: "); n != 1 {
		t.Errorf("said %d times: %q", n, &r.stderr)
	}
}

// The scanner sees what passes, and the reading holds at most chunksHeld
// chunks.
func TestOutputIsScanned(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[testlog.Stream]string{}
	o := newOutput(func(s testlog.Stream, p []byte) { seen[s] += string(p) }, nil, func(err error) { t.Error(err) })
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	o.copy(testlog.Stderr, read, &sink{file: null})
	text := strings.Repeat("0123456789", 100_000)
	io.WriteString(write, text)
	write.Close()
	<-o.wait()
	if seen[testlog.Stderr] != text || seen[testlog.Stdout] != "" {
		t.Errorf("scanned %d bytes, want %d", len(seen[testlog.Stderr]), len(text))
	}
	if cap(o.free) != chunksHeld || len(o.free) != chunksHeld {
		t.Errorf("%d buffers of %d came back", len(o.free), chunksHeld)
	}
}

// The command gets no descriptor that it would not have without oom143.
func TestNoStrayDescriptors(t *testing.T) {
	t.Parallel()
	without, err := exec.Command("ls", "/proc/self/fd").Output()
	if err != nil {
		t.Fatal(err)
	}
	r := watched(t, "ls", "/proc/self/fd").ends(0)
	if got := r.stdout.String(); got != string(without) {
		t.Errorf("descriptors %q, want %q", got, without)
	}
}
