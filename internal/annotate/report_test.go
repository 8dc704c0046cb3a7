package annotate

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/org/oom143-action/internal/diagnose"
	"github.com/org/oom143-action/internal/record"
)

// TestAbsent: what is not known is absent, with the few exceptions where 0 or
// false is knowledge.
func TestAbsent(t *testing.T) {
	zeroIsKnown := map[string]bool{
		"oom": true, "exit_code": true, "duration_ms": true, "enforced": true, "ours": true, "started": true,
		"finished": true, "at_ms": true, "used_bytes": true, "overlapped": true,
	}
	var walk func(t *testing.T, name string, v any)
	walk = func(t *testing.T, name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				walk(t, k, e)
			}
		case []any:
			for _, e := range v {
				walk(t, name, e)
			}
		case nil:
			t.Errorf("%s is null", name)
		case string:
			if v == "" {
				t.Errorf("%s is empty", name)
			}
			if strings.HasPrefix(v, "0001-") {
				t.Errorf("%s is no time: %s", name, v)
			}
		case float64:
			if v == 0 && !zeroIsKnown[name] {
				t.Errorf("%s is 0", name)
			}
		case bool:
			if !v && !zeroIsKnown[name] {
				t.Errorf("%s is false", name)
			}
		}
	}
	all := scenes()
	all = append(all,
		scene{"empty record", &record.Record{}, diagnose.Verdict{Headline: "Nothing is known."}},
		scene{"no levels", &newRun(nil, "true").end(0, 0, "").r, diagnose.Verdict{Cause: diagnose.Passed, Headline: "true passed."}},
	)
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			data, err := s.report().JSON()
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(data, &v); err != nil {
				t.Fatal(err)
			}
			walk(t, "", v)
		})
	}
}

func TestExitCodeZeroIsKnown(t *testing.T) {
	rep := passed().report()
	if rep.Command.ExitCode == nil || *rep.Command.ExitCode != 0 {
		t.Errorf("exit code of a run that passed: %v", rep.Command.ExitCode)
	}
	if rep := kernelOOM().report(); rep.Command.ExitCode != nil || rep.Command.DurationMS != nil {
		t.Errorf("a command that runs has exit code %v after %v", rep.Command.ExitCode, rep.Command.DurationMS)
	}
	s := passed()
	s.verdict.Certainty = diagnose.Certain
	if got := s.report().Certainty; got != "" {
		t.Errorf("passed is %q", got)
	}
}

// TestReadBack: a report that was read from JSON can be told again.
func TestReadBack(t *testing.T) {
	for _, s := range scenes() {
		rep := s.report()
		data, err := rep.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var back Report
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if diff := cmp.Diff(rep, &back, cmpopts.IgnoreUnexported(Report{}, RunningTest{})); diff != "" {
			t.Errorf("%s: %s", s.name, diff)
		}
		Summary(&back)
		Terminal(&back, 80, false)
	}
}

func TestTimes(t *testing.T) {
	cet := time.FixedZone("CET", 3600)
	data, err := json.Marshal(Evidence{Time: Time{time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, cet)}, Source: "s", Detail: "d"})
	if want := `{"time":"2026-01-02T02:04:05.678Z","source":"s","detail":"d"}`; err != nil || string(data) != want {
		t.Errorf("got %s %v, want %s", data, err, want)
	}
	data, _ = json.Marshal(Evidence{Source: "s", Detail: "d"})
	if want := `{"source":"s","detail":"d"}`; string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
}

// TestReportStands: a report does not change with the record.
func TestReportStands(t *testing.T) {
	s := cgroupOOM()
	rep := s.report()
	before, _ := rep.JSON()
	summary := Summary(rep)
	b := builder{*s.record}
	for i := range 2000 {
		b.add(90+float64(i), record.Event{Sample: &record.Sample{Used: []uint64{1, 2}}})
	}
	b.add(99, record.Event{Signal: &record.Signal{Signal: "SIGHUP"}})
	b.add(99, record.Event{Processes: &record.Processes{}})
	b.test(99, record.TestStart, "jest", "x", 0)
	*s.record = b.r
	if after, _ := rep.JSON(); string(after) != string(before) || Summary(rep) != summary {
		t.Error("the report changed with the record")
	}
}

func TestPeak(t *testing.T) {
	levels := []record.Level{
		{Kind: record.CgroupLevel, Path: "/a/b", Limit: 4 * gib, Own: true},
		{Kind: record.CgroupLevel, Path: "/a", Limit: 1 * gib},
		{Kind: record.MachineLevel, Limit: 16 * gib},
	}
	sample := func(used ...uint64) record.Event { return record.Event{Sample: &record.Sample{Used: used}} }
	count := func(c ...record.LevelCounters) record.Event {
		return record.Event{Counters: &record.Counters{Levels: c}}
	}
	killed := record.LevelCounters{OOMKill: 1}
	reached := record.LevelCounters{OOM: 1, OOMKill: 1}
	for _, c := range []struct {
		name    string
		cause   diagnose.Cause
		events  []record.Event
		limit   uint64
		peak    uint64
		percent float64
	}{
		{"a spike between samples", diagnose.CgroupOOM, []record.Event{sample(gib/2, gib/2, 3*gib), count(killed, reached, killed)}, gib, gib, 100},
		{"the inner one of two", diagnose.CgroupOOM, []record.Event{sample(3*gib, gib/2, 3*gib), count(reached, reached, killed)}, 4 * gib, 4 * gib, 100},
		{"v1 counts at the victim only", diagnose.CgroupOOM, []record.Event{sample(gib, gib/2, 3*gib), count(killed, record.LevelCounters{}, killed)}, 4 * gib, 4 * gib, 100},
		{"above the limit", diagnose.CgroupOOM, []record.Event{sample(gib, gib+gib/4, 3*gib), count(killed, reached, killed)}, gib, gib + gib/4, 125},
		{"the machine ran out", diagnose.KernelOOM, []record.Event{sample(gib/2, gib/2, 15*gib+gib/2), count(killed, killed, killed)}, gib, gib / 2, 50},
		{"killed, but passed", diagnose.Passed, []record.Event{sample(gib/2, gib/4, 3*gib), count(reached, killed, killed)}, gib, gib / 4, 25},
		{"no counters", diagnose.CgroupOOM, []record.Event{sample(gib/2, gib/3, 3*gib)}, gib, gib / 3, 33.3},
		{"no samples", diagnose.CgroupOOM, []record.Event{count(killed, reached, killed)}, gib, gib, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newRun(levels, "x")
			for _, e := range c.events {
				b.add(1, e)
			}
			m := NewReport(&b.r, diagnose.Verdict{Cause: c.cause}).Memory
			if m.Limit != c.limit || m.Peak != c.peak || m.PeakPercent != c.percent {
				t.Errorf("peak %d of %d, %v %%; want %d of %d, %v %%", m.Peak, m.Limit, m.PeakPercent, c.peak, c.limit, c.percent)
			}
		})
	}
}

func TestRelative(t *testing.T) {
	for _, c := range [][3]string{
		{"tests/a.py", "/w", "tests/a.py"},
		{"./tests//a.py", "/w", "tests/a.py"},
		{"/w/tests/a.py", "/w", "tests/a.py"},
		{"/w/tests/a.py", "/w/", "tests/a.py"},
		{"/workspace/a.py", "/w", ""},
		{"/w/../etc/passwd", "/w", ""},
		{"../a.py", "/w", ""},
		{"tests/../../a.py", "/w", ""},
		{"/a.py", "", ""},
		{"a.py", "", "a.py"},
		{"/w", "/w", ""},
		{".", "/w", ""},
		{"", "/w", ""},
	} {
		if got := relative(c[0], c[1]); got != c[2] {
			t.Errorf("relative(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestSecretsAreBlanked(t *testing.T) {
	const secret = "hunter2"
	argv := []string{"curl", "--token", secret, "https://u:" + secret + "@host", "API_KEY=" + secret}
	line := strings.Join(argv, " ")
	b := newRun(container(gib), argv...)
	b.curve(3, steady(9e8), steady(2e9))
	b.add(1, record.Event{Signal: &record.Signal{Signal: "SIGTERM", From: &record.Sender{PID: 3, Command: line}}})
	b.add(2, record.Event{Processes: &record.Processes{Top: []record.Process{{PID: 9, Command: line, RSS: 1e9}}}})
	b.end(3, 137, "SIGKILL")
	rep := NewReport(&b.r, diagnose.Verdict{
		Cause: diagnose.CgroupOOM, OOM: true, Headline: "Killed.",
		Victims: []diagnose.Victim{{PID: 10, Command: line}},
	})
	data, _ := rep.JSON()
	for form, text := range map[string]string{"report": string(data), "summary": Summary(rep), "terminal": Terminal(rep, 80, false)} {
		if strings.Contains(text, secret) {
			t.Errorf("the %s tells a secret:\n%s", form, text)
		}
		if !strings.Contains(text, "curl") {
			t.Errorf("the %s does not tell the command", form)
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	rep := passed().report()
	want, _ := rep.JSON()
	check := func(t *testing.T, path string) {
		t.Helper()
		if err := rep.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
			t.Errorf("%s holds %q (%v)", path, got, err)
		}
	}
	t.Run("new, then again", func(t *testing.T) {
		path := filepath.Join(dir, "report.json")
		check(t, path)
		check(t, path)
		info, _ := os.Stat(path)
		if info.Mode().Perm()&0o444 == 0 || info.Mode().Perm()&0o022 != 0 {
			t.Errorf("mode %v", info.Mode())
		}
		if names, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(names) != 0 {
			t.Errorf("left behind: %v", names)
		}
	})
	t.Run("a link stays one", func(t *testing.T) {
		target, link := filepath.Join(dir, "target.json"), filepath.Join(dir, "link.json")
		if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		check(t, link)
		if info, _ := os.Lstat(link); info.Mode()&fs.ModeSymlink == 0 {
			t.Error("the link was replaced")
		}
		check(t, target)
	})
	t.Run("a reader of the old one is not disturbed", func(t *testing.T) {
		path := filepath.Join(dir, "kept.json")
		if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		check(t, path)
		var b [4]byte
		if n, _ := f.Read(b[:]); string(b[:n]) != "old" {
			t.Errorf("read %q", b[:n])
		}
	})
	t.Run("a FIFO", func(t *testing.T) {
		path := filepath.Join(dir, "fifo")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := rep.WriteFile(path); err == nil || !strings.Contains(err.Error(), "nothing reads from it") {
			t.Errorf("without a reader: %v", err)
		}
		got := make(chan string)
		f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer f.Close()
			b := make([]byte, len(want))
			n := 0
			for n < len(b) {
				m, err := f.Read(b[n:])
				n += m
				if err != nil && m > 0 || n == 0 && err != nil {
					time.Sleep(time.Millisecond)
				}
			}
			got <- string(b[:n])
		}()
		if err := rep.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		if g := <-got; g != string(want) {
			t.Errorf("read %q", g)
		}
	})
	for _, c := range []struct {
		name, path string
		want       error
	}{
		{"a folder", dir, syscall.EISDIR},
		{"a folder that is not there", filepath.Join(dir, "no", "r.json"), fs.ErrNotExist},
		{"a file for a folder", filepath.Join(dir, "report.json", "r.json"), syscall.ENOTDIR},
		{"a full disk", "/dev/full", syscall.ENOSPC},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := rep.WriteFile(c.path)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.path) {
				t.Errorf("%v, want %v with the path", err, c.want)
			}
		})
	}
	if err := rep.WriteFile(""); err == nil {
		t.Error("an empty path is no error")
	}
}
