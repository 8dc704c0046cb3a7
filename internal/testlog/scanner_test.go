package testlog

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// recording is a line of testdata/index.tsv.
type recording struct{ file, command, status, truth, shown, kill, source string }

func recordings(t testing.TB) []recording {
	t.Helper()
	f, err := os.Open("testdata/index.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []recording
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "file\t") {
			continue
		}
		c := strings.Split(lines.Text(), "\t")
		if len(c) != 7 {
			t.Fatalf("testdata/index.tsv: %d columns, want 7: %q", len(c), lines.Text())
		}
		list = append(list, recording{c[0], c[1], c[2], c[3], c[4], c[5], c[6]})
	}
	return list
}

func (r recording) read(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", r.file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (r recording) hint() Hint { return Hint{Argv: strings.Fields(r.command)} }

// state follows events as the flight record does.
type state struct {
	events  []Event
	running []string
	paused  map[string]bool
}

func (s *state) add(e Event) {
	s.events = append(s.events, e)
	if s.paused == nil {
		s.paused = map[string]bool{}
	}
	switch e.Action {
	case Start:
		s.running = append(s.running, e.ID)
	case Finish:
		for i, id := range s.running {
			if id == e.ID {
				s.running = append(s.running[:i:i], s.running[i+1:]...)
				break
			}
		}
	case Pause, Resume:
		s.paused[e.ID] = e.Action == Pause
	}
}

func (s *state) inFlight() string {
	var ids []string
	for _, id := range s.running {
		if !s.paused[id] {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, ", ")
}

func (s *state) String() string {
	var b strings.Builder
	for _, e := range s.events {
		if m := e.Message; m != nil {
			fmt.Fprintf(&b, "message %s %s test=%q signal=%s code=%d pid=%d limit=%d statuses=%v %q\n",
				m.Kind, m.Runtime, m.Test, m.Signal, m.Code, m.PID, m.Limit, m.Statuses, m.Text)
			continue
		}
		fmt.Fprintf(&b, "%s %s %q %s", e.Action, e.Framework, e.ID, e.Certainty)
		for _, extra := range []string{e.Outcome, e.Phase, e.File} {
			if extra != "" {
				fmt.Fprintf(&b, " %s", extra)
			}
		}
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		if e.PID > 0 {
			fmt.Fprintf(&b, " pid=%d", e.PID)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "in flight: %s\n", s.inFlight())
	return b.String()
}

// scan hands data over in pieces, with a look at the unfinished line after
// each.
func scan(hint Hint, data []byte, piece int) *state {
	st := &state{}
	s := New(hint, st.add)
	for len(data) > 0 {
		n := min(piece, len(data))
		s.Write(Stdout, data[:n])
		if piece > 1 {
			s.Partial()
			s.Partial()
		}
		data = data[n:]
	}
	s.Partial()
	s.Close()
	return st
}

// TestRecordings compares the events of each recording with its golden file,
// and the tests in flight at its end with the truth: what is named must be
// true, and where the index says so, it must be everything.
func TestRecordings(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.file, func(t *testing.T) {
			data := r.read(t)
			got := scan(r.hint(), data, len(data)+1)
			if got.inFlight() != r.shown {
				t.Errorf("in flight: %q, want %q", got.inFlight(), r.shown)
			}
			for _, id := range strings.Split(r.shown, ", ") {
				if id != "" && !around(r.truth, id) {
					t.Errorf("%q is shown and %q is true", id, r.truth)
				}
			}
			golden := filepath.Join("testdata", "golden", r.file)
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// around tells whether id is one of the true tests, or a test, a class or a
// file around it.
func around(truth, id string) bool {
	for _, test := range strings.Split(truth, ", ") {
		if rest, ok := strings.CutPrefix(test, id); ok && (rest == "" || strings.ContainsAny(rest[:1], "/.: ")) {
			return true
		}
		file, _, _ := strings.Cut(test, " > ")
		if file != "" && strings.HasSuffix(id, "/"+file) || strings.HasSuffix(test, "."+id) {
			return true
		}
	}
	return false
}

// TestConcurrent uses a scanner as the watcher does, for the race detector.
func TestConcurrent(t *testing.T) {
	n := 0
	s := New(Hint{Argv: []string{"pytest", "-v"}}, func(Event) { n++ })
	var wait sync.WaitGroup
	for _, do := range []func(int){
		func(i int) { s.Write(Stdout, fmt.Appendf(nil, "tests/test_a.py::test_%d PASSED\n", i)) },
		func(i int) { s.Write(Stderr, []byte("Killed\n")) },
		func(int) { s.Partial() },
		func(i int) { s.Processes([]Proc{{PID: i, Argv: []string{"./g", "--gtest_filter=A.B"}}}); s.TestOf(i) },
	} {
		wait.Go(func() {
			for i := range 200 {
				do(i)
			}
		})
	}
	wait.Wait()
	s.Close()
	if n < 600 {
		t.Errorf("%d events, want 400 of tests, 200 messages and those of processes", n)
	}
}

// TestChunking demands the same tests in flight and the same messages however
// the output is cut.
func TestChunking(t *testing.T) {
	for _, r := range recordings(t) {
		data := r.read(t)
		want := scan(r.hint(), data, len(data)+1)
		for _, piece := range []int{1, 7, 100, 4096} {
			got := scan(r.hint(), data, piece)
			if got.inFlight() != want.inFlight() {
				t.Errorf("%s in pieces of %d: in flight %q, want %q", r.file, piece, got.inFlight(), want.inFlight())
			}
			if a, b := messages(got), messages(want); a != b {
				t.Errorf("%s in pieces of %d: messages\n%s\nwant\n%s", r.file, piece, a, b)
			}
		}
	}
}

func messages(s *state) string {
	var b strings.Builder
	for _, e := range s.events {
		if e.Message != nil {
			fmt.Fprintf(&b, "%s %s %s\n", e.Message.Kind, e.Message.Test, e.Message.Text)
		}
	}
	return b.String()
}

// TestPrefixes demands the same of output that went through a log collector
// or a terminal.
func TestPrefixes(t *testing.T) {
	for _, r := range recordings(t) {
		data := r.read(t)
		if strings.Contains(string(data), "\r") || !strings.HasSuffix(string(data), "\n") {
			continue
		}
		want := scan(r.hint(), data, len(data)+1)
		for name, prefix := range map[string]string{
			"actions": "2026-11-24T10:11:12.1234567Z ",
			"compose": "tests-1  | ",
			"colour":  "\x1b[0m\x1b[32m",
		} {
			prefixed := prefix + strings.ReplaceAll(strings.TrimSuffix(string(data), "\n"), "\n", "\r\n"+prefix) + "\r\n"
			got := scan(r.hint(), []byte(prefixed), len(prefixed)+1)
			if got.inFlight() != want.inFlight() {
				t.Errorf("%s with the prefix of %s: in flight %q, want %q", r.file, name, got.inFlight(), want.inFlight())
			}
		}
	}
}
