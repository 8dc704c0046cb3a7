package annotate

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRerun(t *testing.T) {
	argv := []string{"make", "test"}
	for _, c := range []struct {
		framework, id string
		argv          []string
		want          string
	}{
		{"pytest", "tests/a.py::test_x[a b]", argv, "pytest 'tests/a.py::test_x[a b]'"},
		{"unittest", "tests.test_a.T.test_x", argv, "python3 -m unittest tests.test_a.T.test_x"},
		{"go test", "example.com/pkg.TestX/sub_case", argv, "go test -count=1 -run '^TestX$/^sub_case$' example.com/pkg"},
		{"go test", "example.com/p.v2/pkg.TestX/a.b/TestY", argv, "go test -count=1 -run '^TestX$/^a\\.b$/^TestY$' example.com/p.v2/pkg"},
		{"go test", "TestX", argv, "go test -count=1 -run '^TestX$' ./..."},
		{"go test", "TestX", []string{"./leak.test", "-test.v"}, "./leak.test -test.run '^TestX$'"},
		{"go test", "example.com/pkg", argv, "make test"},
		{"jest", "src/a.test.js > suite > adds (1)", argv, `npx jest src/a.test.js -t 'suite adds \(1\)$'`},
		{"jest", "src/a.test.js", argv, "npx jest src/a.test.js"},
		{"vitest", "a.test.ts > it's", argv, `npx vitest run a.test.ts -t 'it'\''s$'`},
		{"RSpec", "./spec/a_spec.rb:12", argv, "bundle exec rspec ./spec/a_spec.rb:12"},
		{"Catch2", "x", argv, "make test"},
		{"pytest", "a\nb", argv, "make test"},
		{"pytest", strings.Repeat("x", 500), argv, "make test"},
		{"", "", argv, "make test"},
		{"", "", []string{"a", "--token", "***"}, ""},
		{"", "", []string{"a", "long…"}, ""},
		{"", "", []string{"a", "b\x1b"}, ""},
	} {
		var test *RunningTest
		if c.id != "" {
			test = &RunningTest{ID: c.id, framework: c.framework}
		}
		if got := quoteAll(rerun(test, c.argv)); got != c.want {
			t.Errorf("%s %q: got %s, want %s", c.framework, c.id, got, c.want)
		}
	}
}

func TestTryAtHome(t *testing.T) {
	if got, want := tryAtHome(cgroupOOM().report()), `docker run --rm --memory=512m --memory-swap=512m -v "$PWD:$PWD" -w "$PWD" IMAGE pytest 'tests/test_cache.py::test_evicts[lru-70]'`; got != want {
		t.Errorf("got %s", got)
	}
	s := cgroupOOM()
	s.record.Start.Script, s.record.Start.Argv, s.verdict.Running = true, []string{"make all && make test"}, nil
	if got, want := tryAtHome(s.report()), `docker run --rm --memory=512m --memory-swap=512m -v "$PWD:$PWD" -w "$PWD" IMAGE sh -ec 'make all && make test'`; got != want {
		t.Errorf("got %s", got)
	}
	if got, want := tryAtHome(heapLimit().report()), `oom143 run -- npx vitest run src/store.test.js -t 'store keeps 10\^6 items$'`; got != want {
		t.Errorf("got %s", got)
	}
	for _, s := range []scene{cancelled(), runnerShutdown(), testsFailed(), notStarted(), passed()} {
		if got := tryAtHome(s.report()); got != "" {
			t.Errorf("%s: %s", s.name, got)
		}
	}
}

// TestQuote asks the shell.
func TestQuote(t *testing.T) {
	words := []string{"plain", "", "a b", "it's", "$(id)", "`id`", "a\\b", "*", "~", "#x", "-n", "a;b|c&d", "ä", "!x", "a=b", "{a,b}", oneLine(nasty)}
	out, err := exec.Command("/bin/sh", "-c", "printf '%s\\n' "+quoteAll(words)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Join(words, "\n")+"\n", string(out)); diff != "" {
		t.Error(diff)
	}
}
