package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const startLine = `{"time":"2026-03-01T12:00:00Z","start":{"version":1,"tool":"oom143 test","argv":["pytest"],"started_at":"2026-03-01T12:00:00Z","machine":{},"levels":[{"kind":"machine","limit_bytes":1000}],"options":{}}}`

func TestRead(t *testing.T) {
	const sample = `{"time":"2026-03-01T12:00:01Z","sample":{"used":[500]}}`
	for _, c := range []struct{ name, in, wantErr string }{
		{"whole", startLine + "\n" + sample + "\n", ""},
		{"no newline at the end", startLine + "\n" + sample, ""},
		{"last line cut", startLine + "\n" + sample + "\n" + sample[:30], ""},
		{"last line cut to one byte", startLine + "\n" + sample + "\n{", ""},
		{"blank lines", "\n \n" + startLine + "\n\n" + sample + "\n\n", ""},
		{"unknown fields", startLine + "\n" + sample + "\n" + `{"time":"2026-03-01T12:00:02Z","later":{"a":1}}` + "\n", ""},
		{"empty", "", "not a flight record"},
		{"only blank lines", "\n\n  \n", "not a flight record"},
		{"garbage", "hello\nworld\n", "not a flight record"},
		{"binary", "\x00\xff\x1f\x8b", "not a flight record"},
		{"some other JSON", `{"version": 1, "cause": "passed"}` + "\n", "not a flight record"},
		{"null", "null\n" + startLine, "not a flight record"},
		{"start is late", sample + "\n" + startLine + "\n", "not a flight record"},
		{"start is cut", startLine[:60], "not a flight record"},
		{"garbage in the middle", startLine + "\nhello\n" + sample + "\n", "line 2"},
		{"cut in the middle", startLine + "\n" + sample[:30] + "\n" + sample + "\n", "line 2"},
		{"wrong type at the end", startLine + "\n" + `{"time":5}`, "line 2"},
		{"two runs", startLine + "\n" + startLine + "\n", "second \"start\""},
		{"newer", strings.Replace(startLine, `"version":1`, `"version":2`, 1), "version 2 is newer than 1"},
		{"newer and different", `{"start":{"version":7,"argv":"pytest"}}`, "version 7 is newer than 1"},
		{"endless line", startLine + "\n" + strings.Repeat("x", maxLine+bufferSize+1) + "\n", "line 2: longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Read(strings.NewReader(c.in))
			if c.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), c.wantErr) {
					t.Fatalf("error %v, want one with %q", err, c.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.Samples != 1 || r.Levels[0].Peak != 500 {
				t.Errorf("%d samples, peak %d; want 1 and 500", r.Samples, r.Levels[0].Peak)
			}
		})
	}
}

func TestReadNotARecordIsToldApart(t *testing.T) {
	if _, err := Read(strings.NewReader("x")); !errors.Is(err, ErrNoStart) {
		t.Errorf("error %v, want ErrNoStart", err)
	}
}

func TestReadReturnsReadErrors(t *testing.T) {
	broken := io.MultiReader(strings.NewReader(startLine+"\n"), failing{})
	if _, err := Read(broken); !errors.Is(err, errBroken) {
		t.Errorf("error %v, want the reader's", err)
	}
}

var errBroken = errors.New("broken")

type failing struct{}

func (failing) Read([]byte) (int, error)  { return 0, errBroken }
func (failing) Write([]byte) (int, error) { return 0, errBroken }

// counting counts writes.
type counting struct {
	bytes.Buffer
	writes int
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes++
	return c.Buffer.Write(p)
}

func TestWriterHoldsBackUntilFlush(t *testing.T) {
	var out counting
	w := NewWriter(&out)
	for range 100 {
		if err := w.Write(sampleAt(1, 2, 3)); err != nil {
			t.Fatal(err)
		}
	}
	if out.writes != 0 {
		t.Errorf("%d writes before the flush", out.writes)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if out.writes != 1 || strings.Count(out.String(), "\n") != 100 {
		t.Errorf("%d writes of %d lines, want one of 100", out.writes, strings.Count(out.String(), "\n"))
	}
}

func TestWriterFlushesWhenItHoldsMuch(t *testing.T) {
	var out counting
	w := NewWriter(&out)
	text := strings.Repeat("x", 1000)
	for range 1000 {
		if err := w.Write(Event{Message: &Message{Text: text}}); err != nil {
			t.Fatal(err)
		}
		if len(w.buf) > bufferSize {
			t.Fatalf("%d bytes held back", len(w.buf))
		}
	}
	if out.writes == 0 {
		t.Error("a megabyte was held back")
	}
}

func TestWriterReturnsTheFirstErrorAndDropsTheRest(t *testing.T) {
	w := NewWriter(failing{})
	if err := w.Write(sampleAt(1, 2, 3)); err != nil {
		t.Fatalf("error %v before anything was written", err)
	}
	for range 3 {
		if err := w.Flush(); !errors.Is(err, errBroken) {
			t.Errorf("flush: error %v", err)
		}
		if err := w.Write(sampleAt(1, 2, 3)); !errors.Is(err, errBroken) {
			t.Errorf("write: error %v", err)
		}
	}
	if len(w.buf) > 0 {
		t.Errorf("%d bytes held back after the failure", len(w.buf))
	}
}

// everything is a run with an event of each kind, at times as time.Now gives
// them: local, with nanoseconds and a monotonic clock.
func everything() []Event {
	now := time.Now().In(time.FixedZone("CEST", 2*3600))
	after := func(ms int) time.Time { return now.Add(time.Duration(ms)*time.Millisecond + 123456*time.Nanosecond) }
	events := []Event{{Time: now, Start: &Start{
		Version: Version, Tool: "oom143 test", Argv: []string{"pytest", "-q"}, StartedAt: now,
		Machine: Machine{MemoryTotal: 16e9, CPUs: 4, CgroupVersion: 2},
		Levels:  []Level{{Kind: CgroupLevel, Path: "/a", Limit: 7e9, Own: true, Exclusive: true}, {Kind: MachineLevel, Limit: 16e9}},
		Daemons: []Daemon{{Name: "earlyoom", PID: 3, TermPercent: 10, KillPercent: 5}},
		Options: Options{WarnAt: 80, TimeoutMS: 60000},
	}}, {Time: after(1), Spawned: &Spawned{PID: 42}}}
	for i := range 700 {
		events = append(events, Event{Time: after(10 + i*20), Sample: &Sample{Used: []uint64{uint64(i) * 1e7, 8e9}, Available: 8e9, SwapUsed: uint64(i), Tree: 5, FullStall: uint64(i)}})
	}
	events = append(events,
		Event{Time: after(100), Test: &Test{Action: TestPhase, Phase: "collection"}},
		Event{Time: after(200), Test: &Test{Action: TestStart, ID: "tests/test_ü.py::test[a b]", PID: 42, Source: "plugin", RSS: 5}},
		Event{Time: after(300), Test: &Test{Action: TestFinish, ID: "tests/test_ü.py::test[a b]", PID: 42, RSS: 50}},
		Event{Time: after(400), Test: &Test{Action: TestStart, ID: "b", PID: 42}},
		Event{Time: after(450), Located: &Located{ID: "b", File: "b.py", Line: 3}},
		Event{Time: after(500), Processes: &Processes{Top: []Process{{PID: 42, Command: "pytest", RSS: 6, Ours: true}}, Count: 1}},
		Event{Time: after(600), Danger: &Danger{Level: 0, Used: 6e9, Growth: 1e9, LeftMS: 900}},
		Event{Time: after(700), Counters: &Counters{Levels: []LevelCounters{{OOM: 1, OOMKill: 1, Max: 9}, {OOMKill: 1}}}},
		Event{Time: after(60), Daemon: &Daemon{Name: "earlyoom", PID: 7, TermPercent: 10, KillPercent: 5}},
		Event{Time: after(701), Vanished: &Process{PID: 42, Command: "pytest"}},
		Event{Time: after(702), KernelKill: &Kill{PID: 42, Command: "pytest", RSS: 6e9, Constraint: MemcgConstraint, Ours: true, Source: "kernel log", Detail: `<6> "x"`}},
		Event{Time: after(703), DaemonKill: &Kill{PID: 9, Daemon: "earlyoom", Source: "journal"}},
		Event{Time: after(704), Message: &Message{Kind: WorkerKilled, Runtime: "bash", Text: "Killed", Signal: "SIGKILL", Statuses: []int{137}}},
		Event{Time: after(705), Exit: &Exit{PID: 42, Main: true, Signal: "SIGKILL", Source: ByWait, RSS: 6e9}},
		Event{Time: after(706), Signal: &Signal{Signal: "SIGTERM", From: &Sender{Kind: FromManager, PID: 1, Command: "systemd"}}},
		Event{Time: after(707), Trouble: &Failure{What: "report", Detail: "disk full"}},
		Event{Time: after(708), End: &End{Code: 137, Signal: "SIGKILL", Leftovers: []Process{{PID: 50}}}},
	)
	return events
}

// The live run and `oom143 explain` must come to the same state.
func TestFoldAndReadBackAgree(t *testing.T) {
	var live Record
	var file bytes.Buffer
	w := NewWriter(&file)
	for _, e := range everything() {
		live.Apply(e)
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	back, err := Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&live, back, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("the record read back differs (-live +read):\n%s", diff)
	}
}

// Every kind of event must survive the file: a field without a JSON name
// would not.
func TestEveryEventRoundTrips(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range everything() {
		v := reflect.ValueOf(e)
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Time" && !v.Field(i).IsNil() {
				seen[name] = true
			}
		}
	}
	for i, typ := 0, reflect.TypeFor[Event](); i < typ.NumField(); i++ {
		if name := typ.Field(i).Name; name != "Time" && name != "NotStarted" && !seen[name] {
			t.Errorf("no event with %s is tried", name)
		}
	}
}

// A record that a SIGKILL cut off anywhere is readable from its first line on.
func TestReadableWhereverItIsCut(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file)
	for _, e := range everything() {
		if e.Sample == nil {
			w.Write(e)
		}
	}
	w.Flush()
	whole := file.Bytes()
	first := bytes.IndexByte(whole, '\n')
	for n := first + 1; n <= len(whole); n++ {
		if _, err := Read(bytes.NewReader(whole[:n])); err != nil {
			t.Fatalf("cut at byte %d of %d: %v", n, len(whole), err)
		}
	}
}

func TestNotStartedEndsTheRun(t *testing.T) {
	r := apply(started(), Event{Time: at(5), NotStarted: &Failure{What: "pytest", Detail: "not found", Status: 127}})
	if r.NotStarted == nil || !r.EndedAt.Equal(at(5)) {
		t.Errorf("not started: %v, ended at %v", r.NotStarted, r.EndedAt)
	}
}

func FuzzRead(f *testing.F) {
	var file bytes.Buffer
	w := NewWriter(&file)
	for i, e := range everything() {
		if e.Sample == nil || i%100 == 0 {
			w.Write(e)
		}
	}
	w.Flush()
	f.Add(file.Bytes())
	f.Add([]byte(startLine))
	for _, line := range []string{
		`{"time":"2026-03-01T12:00:01Z","sample":{"used":[1,2,3,4]}}`,
		`{"time":"0001-01-01T00:00:00Z","counters":{"levels":[{"oom_kill":18446744073709551615},{}]}}`,
		`{"time":"9999-12-31T23:59:59Z","danger":{"level":-5}}`,
		`{"test":{"action":"finish","id":"never started"}}`,
		`{"end":{"code":-1}}`,
	} {
		f.Add([]byte(startLine + "\n" + line + "\n"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read(bytes.NewReader(data))
		if err != nil {
			if r != nil || !utf8.ValidString(fmt.Sprint(err)) && utf8.Valid(data) {
				t.Errorf("record %v with error %v", r, err)
			}
			return
		}
		r.Binding()
		r.MainExit()
		r.At(r.LastAt)
		r.Tests.Running(1)
		r.Tests.RunningAt(r.LastAt, 1)
	})
}
