package hooks

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	at := time.UnixMilli(1767225600123)
	for name, test := range map[string]struct {
		line string
		want *Event
	}{
		"start": {
			`{"e":"start","id":"t.py::test_x","fw":"pytest","file":"/w/t.py","line":12,"pid":4242,"t":1767225600123,"rss":31457280}`,
			&Event{Action: Start, ID: "t.py::test_x", Framework: "pytest", File: "/w/t.py", Line: 12, PID: 4242, Time: at, RSS: 31457280},
		},
		"finish":          {`{"e":"finish","id":"x","outcome":"failed"}`, &Event{Action: Finish, ID: "x", Outcome: "failed"}},
		"phase":           {`{"e":"phase","phase":"collection","t":1767225600123.000}`, &Event{Action: Phase, Phase: "collection", Time: at}},
		"phase over":      {`{"e":"phase","phase":""}`, &Event{Action: Phase}},
		"loaded":          {`{"e":"loaded","fw":"go","pid":1}`, &Event{Action: Loaded, Framework: "go", PID: 1}},
		"unknown field":   {` {"e":"start","id":"x","more":[{}]} `, &Event{Action: Start, ID: "x"}},
		"id of any kind":  {`{"e":"start","id":"::error::\n\u001b[1m` + "é\xff" + `"}`, &Event{Action: Start, ID: "::error::\n\x1b[1mé\ufffd"}},
		"empty":           {``, nil},
		"text":            {`PASSED test_x`, nil},
		"list":            {`[{"e":"start","id":"x"}]`, nil},
		"cut off":         {`{"e":"start","id":"x`, nil},
		"two on a line":   {`{"e":"start","id":"x"}{"e":"start","id":"y"}`, nil},
		"no id":           {`{"e":"start"}`, nil},
		"unknown action":  {`{"e":"explode","id":"x"}`, nil},
		"unknown phase":   {`{"e":"phase","phase":"lunch"}`, nil},
		"unknown outcome": {`{"e":"finish","id":"x","outcome":"::error::"}`, nil},
		"wrong type":      {`{"e":"start","id":7}`, nil},
		"negative line":   {`{"e":"start","id":"x","line":-1}`, nil},
		"no process":      {`{"e":"start","id":"x","pid":99999999}`, nil},
		"far future":      {`{"e":"start","id":"x","t":1e300}`, nil},
		"before 1970":     {`{"e":"start","id":"x","t":-1}`, nil},
		"deep":            {strings.Repeat(`{"a":`, 800), nil},
		"long":            {`{"e":"start","id":"` + strings.Repeat("x", MaxLine) + `"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e, ok := parse([]byte(test.line))
			if ok != (test.want != nil) {
				t.Fatalf("parse gave %+v, %v", e, ok)
			}
			if ok && !cmp.Equal(*test.want, e) {
				t.Error(cmp.Diff(*test.want, e))
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"e":"start","id":"t.py::test_x","fw":"pytest","file":"/w/t.py","line":12,"pid":4242,"t":1767225600123.5,"rss":31457280}`))
	f.Add([]byte(`{"e":"phase","phase":"setup","id":"x"}`))
	f.Add([]byte("{\"e\":\"finish\",\"id\":\"\xff\\u0000\",\"outcome\":\"passed\"}"))
	f.Add([]byte(`{"e":"loaded","t":1e308,"rss":18446744073709551616}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, ok := parse(text)
		if !ok {
			return
		}
		if len(text) > 2*MaxLine && len(strings.TrimSpace(string(text))) >= MaxLine {
			t.Error("a line that is too long")
		}
		if e.Line < 0 || e.PID < 0 || (!e.Time.IsZero() && (e.Time.Year() < 1970 || e.Time.Year() > 9999)) {
			t.Errorf("out of range: %+v", e)
		}
		if e.Action != Phase && e.Action != Loaded && e.ID == "" {
			t.Errorf("no id: %+v", e)
		}
	})
}

// FuzzFollow feeds a file in two writes: what comes out does not depend on
// where it was cut.
func FuzzFollow(f *testing.F) {
	f.Add([]byte("{\"e\":\"start\",\"id\":\"x\"}\n{\"e\":\"finish\",\"id\":\"x\"}\n"), 10)
	f.Add([]byte(strings.Repeat("y", 5000)+"\n{\"e\":\"start\",\"id\":\"x\"}\n"), 4999)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		cut = min(max(cut, 0), len(text))
		var whole, parts []Event
		one := &Follower{emit: func(e Event) { whole = append(whole, e) }, buf: make([]byte, bufferSize)}
		two := &Follower{emit: func(e Event) { parts = append(parts, e) }, buf: make([]byte, bufferSize)}
		feed(one, text)
		feed(two, text[:cut])
		feed(two, text[cut:])
		if diff := cmp.Diff(whole, parts); diff != "" {
			t.Error(diff)
		}
	})
}

// feed does what readOnce does with the bytes of the file.
func feed(f *Follower, text []byte) {
	for len(text) > 0 {
		n := copy(f.buf[f.held:], text)
		f.lines(f.buf[:f.held+n])
		text = text[n:]
	}
}

// gather follows a session and gives the ids seen so far.
func gather(t testing.TB, s *Session) (*Follower, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var ids []string
	f, err := s.Follow(func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, e.ID)
	})
	if err != nil {
		t.Fatal(err)
	}
	return f, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), ids...)
	}
}

func appendText(t testing.TB, s *Session, text string) {
	t.Helper()
	file, err := os.OpenFile(s.EventFile, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func startLine(id string) string { return fmt.Sprintf("{\"e\":\"start\",\"id\":%q}\n", id) }

func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within 5 s", what)
		}
	}
}

func TestFollow(t *testing.T) {
	for _, polling := range []bool{false, true} {
		t.Run(fmt.Sprintf("polling=%v", polling), func(t *testing.T) {
			s := openSession(t)
			if polling {
				noInotify(t)
			}
			appendText(t, s, startLine("before"))
			f, ids := gather(t, s)
			if (f.notify == nil) != polling {
				t.Fatal("wrong way of waiting")
			}
			f.Drain()
			if diff := cmp.Diff([]string{"before"}, ids()); diff != "" {
				t.Error(diff)
			}
			appendText(t, s, "garbage\n"+strings.Repeat("x", 1<<20)+"\n"+startLine("while")+`{"e":"start",`)
			waitFor(t, "event", func() bool { return len(ids()) == 2 })
			appendText(t, s, `"id":"cut in two"}`+"\n")
			waitFor(t, "event", func() bool { return len(ids()) == 3 })
			appendText(t, s, startLine("last")+`{"e":"start","id":"unfini`)
			if err := f.Stop(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"before", "while", "cut in two", "last"}, ids()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// noInotify makes inotify instances unavailable, as they are on a machine
// that has run out of them.
func noInotify(t *testing.T) {
	original := watchFile
	watchFile = func(string) *os.File { return nil }
	t.Cleanup(func() { watchFile = original })
}

// A suite of any length keeps the file small on disk.
func TestFollowGivesSpaceBack(t *testing.T) {
	s := openSession(t)
	f, ids := gather(t, s)
	line := startLine(strings.Repeat("x", 500))
	const lines = 20000
	for range lines / 1000 {
		appendText(t, s, strings.Repeat(line, 1000))
	}
	if err := f.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := len(ids()); n != lines {
		t.Errorf("%d events, want %d", n, lines)
	}
	var stat syscall.Stat_t
	if err := syscall.Stat(s.EventFile, &stat); err != nil {
		t.Fatal(err)
	}
	if stat.Size != int64(lines*len(line)) || stat.Blocks*512 > 3*punchSize {
		t.Errorf("size %d, on disk %d bytes", stat.Size, stat.Blocks*512)
	}
}

// A test can do anything to the file.
func TestFollowHostile(t *testing.T) {
	s := openSession(t)
	f, ids := gather(t, s)
	appendText(t, s, startLine("first"))
	f.Drain()
	if err := os.Truncate(s.EventFile, 0); err != nil {
		t.Fatal(err)
	}
	appendText(t, s, startLine("b"))
	f.Drain()
	if err := os.Truncate(s.EventFile, 1<<40); err != nil { // a hole of a terabyte
		t.Fatal(err)
	}
	appendText(t, s, "\n"+startLine("third"))
	start := time.Now()
	if err := f.Stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
	got := ids()
	if len(got) == 0 || got[0] != "first" || got[len(got)-1] != "third" {
		t.Errorf("events %q", got)
	}
}

func TestOpen(t *testing.T) {
	temp := filepath.Join(t.TempDir(), "with space")
	if err := os.Mkdir(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	old := syscall.Umask(0o077)
	s, err := Open(temp)
	syscall.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(s.Dir, " :,") || !filepath.IsAbs(s.Dir) || !strings.HasPrefix(s.EventFile, s.Dir+"/") {
		t.Errorf("folder %q, event file %q", s.Dir, s.EventFile)
	}
	err = filepath.WalkDir(s.Dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := os.FileMode(0o644)
		switch {
		case entry.IsDir():
			want = 0o755
		case path == s.EventFile:
			want = 0o666
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestOpenFails(t *testing.T) {
	if s, err := Open("/proc/nonexistent"); err == nil {
		t.Errorf("opened %s", s.Dir)
	}
}

func TestEnviron(t *testing.T) {
	s := openSession(t)
	env := []string{"A=1", "OOM143_EVENTS=/an/outer/one", "PYTHONPATH=mine", "odd"}
	before := append([]string(nil), env...)
	got := newEnviron(s.Environ(env, Command{Argv: []string{"true"}}), Command{})
	if !cmp.Equal(before, env) {
		t.Errorf("changed its argument: %q", env)
	}
	if got.get("A") != "1" || got.get(EventsVariable) != s.EventFile || !strings.HasSuffix(got.get("PYTHONPATH"), ":mine") {
		t.Errorf("%q", got.vars)
	}
	n := 0
	for _, v := range got.vars {
		if strings.HasPrefix(v, EventsVariable+"=") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%s stands there %d times", EventsVariable, n)
	}
}

func TestEnvironPrependAppend(t *testing.T) {
	e := newEnviron([]string{"X=old", "X=user", "EMPTY="}, Command{})
	e.prepend("X", "a", ":")
	e.append("X", "b", ":")
	e.prepend("EMPTY", "a", ":")
	e.append("NEW", "b", " ")
	e.setDefault("X", "c")
	e.setDefault("D", "d")
	if diff := cmp.Diff([]string{"X=a:user:b", "EMPTY=a", "NEW=b", "D=d"}, e.vars); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkFollower(b *testing.B) {
	f := &Follower{emit: func(Event) {}, buf: make([]byte, bufferSize)}
	line := []byte(`{"e":"start","fw":"pytest","id":"tests/test_a.py::TestC::test_x[1]","file":"/w/tests/test_a.py","line":17,"pid":4242,"t":1767225600123.456,"rss":31457280}` + "\n")
	for b.Loop() {
		feed(f, line)
	}
}
