package annotate

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fullDisk lets no file of this process grow beyond size bytes, as a full disk
// would, until the test is over.
func fullDisk(t *testing.T, size int) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(size), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	})
}

func TestOutputs(t *testing.T) {
	get := func(s scene) map[string]string {
		m := map[string]string{}
		for _, o := range Outputs(s.report(), "/r.json", "/r.jsonl") {
			if _, twice := m[o.Name]; twice {
				t.Errorf("%s is there twice", o.Name)
			}
			m[o.Name] = o.Value
		}
		return m
	}
	for _, c := range []struct {
		scene scene
		want  map[string]string
	}{
		{cgroupOOM(), map[string]string{
			"cause": "cgroup-oom", "oom": "true", "exit-code": "137", "last-test": "tests/test_cache.py::test_evicts[lru-70]",
			"last-test-file": "tests/test_cache.py", "last-test-line": "12", "peak-bytes": "536870912", "peak-percent": "100.0",
			"limit-bytes": "536870912", "report": "/r.json", "record": "/r.jsonl", "headline": cgroupOOM().verdict.Headline,
		}},
		{passed(), map[string]string{
			"cause": "passed", "oom": "false", "exit-code": "0", "last-test": "", "last-test-file": "", "last-test-line": "",
		}},
		{kernelOOM(), map[string]string{"exit-code": "", "oom": "true"}},
		{notStarted(), map[string]string{"exit-code": "127", "peak-bytes": "", "peak-percent": ""}},
	} {
		got := get(c.scene)
		if len(got) != 12 {
			t.Errorf("%s: %d outputs", c.scene.name, len(got))
		}
		for name, want := range c.want {
			if have, ok := got[name]; !ok || have != want {
				t.Errorf("%s: %s is %q, want %q", c.scene.name, name, have, want)
			}
		}
	}
}

func TestWriteOutputs(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "output"), "before=1\nunfinished=2")
	outputs := []Output{
		{"plain", "x"}, {"empty", ""}, {"lines", "a\nb<<EOF\n\nEOF\n"}, {"carriage", "a\r\nb\r"}, {"equals", "a=b"}, {"invalid", "\xff"},
	}
	if err := WriteOutputs(path, outputs); err != nil {
		t.Fatal(err)
	}
	if err := WriteOutputs(path, []Output{{"plain", "again"}}); err != nil {
		t.Fatal(err)
	}
	pairs, err := readPairs(read(t, path))
	if err != nil {
		t.Fatal(err)
	}
	want := []pair{{"before", "1"}, {"unfinished", "2"}}
	for _, o := range outputs {
		want = append(want, pair{o.Name, strings.ToValidUTF8(o.Value, "\uFFFD")})
	}
	want = append(want, pair{"plain", "again"})
	if len(pairs) != len(want) {
		t.Fatalf("%d entries, want %d: %q", len(pairs), len(want), pairs)
	}
	for i := range want {
		if pairs[i] != want[i] {
			t.Errorf("entry %d is %q, want %q", i, pairs[i], want[i])
		}
	}
}

func TestDelimiterCannotBeGuessed(t *testing.T) {
	if a, b := delimiter(), delimiter(); a == b || len(a) < 20 {
		t.Errorf("%q, %q", a, b)
	}
}

func TestOutputsCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, path string
		want       error
		words      string
	}{
		{"unset", "", nil, "GITHUB_OUTPUT is not set"},
		{"a folder", dir, syscall.EISDIR, dir},
		{"no folder", filepath.Join(dir, "a", "b"), fs.ErrNotExist, "GITHUB_OUTPUT"},
		{"full", "/dev/full", syscall.ENOSPC, "/dev/full"},
	} {
		err := WriteOutputs(c.path, []Output{{"a", "b"}})
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestDiskFull: the runner drops a whole file for half an entry.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	output := write(t, filepath.Join(dir, "output"), "a=1\n")
	summary := NewSummaryFile(filepath.Join(dir, "summary"))
	if err := summary.Write("# first\n"); err != nil {
		t.Fatal(err)
	}
	fullDisk(t, 40)
	if err := WriteOutputs(output, []Output{{"b", strings.Repeat("x", 100)}}); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("outputs: %v", err)
	}
	if got := read(t, output); got != "a=1\n" {
		t.Errorf("the outputs became %q", got)
	}
	if err := summary.Write("# second\n" + strings.Repeat("x", 100)); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("summary: %v", err)
	}
	if got := read(t, summary.path); got != "# first\n" {
		t.Errorf("the summary became %q", got)
	}
	if err := passed().report().WriteFile(filepath.Join(dir, "report")); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("report: %v", err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "report*")); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}

// FuzzOutputs: the runner reads back what was written, whatever the value.
func FuzzOutputs(f *testing.F) {
	f.Add("a\nb", "c")
	f.Add("oom143_\nx<<y\n", "\n")
	f.Add("", "a=b")
	f.Fuzz(func(t *testing.T, a, b string) {
		var buf bytes.Buffer
		writeEntry(&buf, "a", a)
		writeEntry(&buf, "b", b)
		pairs, err := readPairs(buf.String())
		if err != nil || len(pairs) != 2 {
			t.Fatalf("%q: %q, %v", buf.String(), pairs, err)
		}
		for i, want := range []string{a, b} {
			if want = strings.ToValidUTF8(want, "\uFFFD"); pairs[i].value != want {
				t.Fatalf("%q became %q", want, pairs[i].value)
			}
		}
	})
}
