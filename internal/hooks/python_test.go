package hooks

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// needPython gives a Python that has the modules.
func needPython(t testing.TB, modules ...string) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		path, err := exec.LookPath(python)
		if err != nil {
			continue
		}
		if exec.Command(path, "-c", "import "+strings.Join(append(modules, "sys"), ", ")).Run() == nil {
			return path
		}
	}
	t.Skip("needs: Python with " + strings.Join(modules, ", "))
	return ""
}

const pytestProject = `
-- conftest.py --
-- tests/test_a.py --
import os
import signal
import unittest

import pytest


def test_plain():
    pass


class TestC:
    @pytest.mark.parametrize(
        "x",
        ["1", "two words", "é"],
    )
    def test_x(self, x):
        pass


def test_fail():
    assert 0


def test_skip():
    pytest.skip("not today")


class Case(unittest.TestCase):
    def test_method(self):
        pass


def test_kill():
    if "KILL" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
`

func TestPytestEvents(t *testing.T) {
	python := needPython(t, "pytest")
	dir := project(t, pytestProject)
	o := execute(t, openSession(t), dir, nil, python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
	if o.status != 1 {
		t.Fatalf("status %d\n%s%s", o.status, o.stdout, o.stderr)
	}
	test := func(place, outcome string) []string {
		id, _, _ := strings.Cut(place, "|")
		return []string{
			"start " + strings.Replace(place, "|", " test_a.py:", 1),
			"phase " + id + " setup", "phase " + id, "phase " + id + " teardown",
			"finish " + id + " " + outcome,
		}
	}
	want := []string{"loaded ", "phase  collection", "phase "}
	for _, lines := range [][]string{
		test("tests/test_a.py::test_plain|8", "passed"),
		test("tests/test_a.py::TestC::test_x[1]|17", "passed"),
		test("tests/test_a.py::TestC::test_x[two words]|17", "passed"),
		test(`tests/test_a.py::TestC::test_x[\xe9]|17`, "passed"),
		test("tests/test_a.py::test_fail|21", "failed"),
		test("tests/test_a.py::test_skip|25", "skipped"),
		test("tests/test_a.py::Case::test_method|30", "passed"),
		test("tests/test_a.py::test_kill|34", "passed"),
	} {
		want = append(want, lines...)
	}
	want = append(want, "phase  teardown")
	for i := range want {
		want[i] = strings.Join(strings.Fields(want[i]), " ")
	}
	if diff := cmp.Diff(want, story(o.events)); diff != "" {
		t.Error(diff)
	}
	for _, e := range o.events {
		if e.PID == 0 || e.Framework != "pytest" || time.Since(e.Time).Abs() > time.Hour {
			t.Errorf("incomplete: %+v", e)
		}
		if (e.Action == Start || e.Action == Finish) && e.RSS < 1<<20 {
			t.Errorf("no resident memory: %+v", e)
		}
		if e.Action == Start && e.File != filepath.Join(dir, "tests/test_a.py") {
			t.Errorf("file %s", e.File)
		}
	}
}

// lastStarted is the test that had started and not finished.
func lastStarted(t testing.TB, events []Event) Event {
	t.Helper()
	open := map[string]Event{}
	for _, e := range events {
		key := fmt.Sprint(e.PID, e.ID)
		switch e.Action {
		case Start:
			open[key] = e
		case Finish:
			delete(open, key)
		}
	}
	if len(open) != 1 {
		t.Fatalf("running: %v, want one", open)
	}
	for _, e := range open {
		return e
	}
	return Event{}
}

func TestPytestKilled(t *testing.T) {
	for name, test := range map[string]struct {
		modules []string
		argv    []string
		status  int
	}{
		"default": {[]string{"pytest"}, nil, 137},
		"verbose": {[]string{"pytest"}, []string{"-v"}, 137},
		"xdist":   {[]string{"pytest", "xdist"}, []string{"-n2", "--max-worker-restart=0"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			python := needPython(t, test.modules...)
			dir := project(t, pytestProject)
			argv := append([]string{python, "-m", "pytest", "tests"}, test.argv...)
			o := execute(t, openSession(t), dir, []string{"KILL=1"}, argv...)
			if o.status != test.status {
				t.Errorf("status %d, want %d\n%s%s", o.status, test.status, o.stdout, o.stderr)
			}
			e := lastStarted(t, o.events)
			if e.ID != "tests/test_a.py::test_kill" || e.File != filepath.Join(dir, "tests/test_a.py") || e.Line != 34 {
				t.Errorf("running: %+v", e)
			}
		})
	}
}

var seconds = regexp.MustCompile(`\d+\.\d+s|time="[\d.]+"|timestamp="[^"]*"|0x[0-9a-f]+`)

var workers = regexp.MustCompile(`gw\d|\[ *\d+%\]`)

// Nothing that the user sees changes: output, status, junit file.
func TestPytestUnchanged(t *testing.T) {
	for _, flags := range []string{"", "-v", "-q -s --setup-show", "-n2 -v", "--durations=0 --collect-only", "--fixtures-per-test", "--version"} {
		t.Run(flags, func(t *testing.T) {
			modules := []string{"pytest"}
			if strings.Contains(flags, "-n2") {
				modules = append(modules, "xdist")
			}
			python := needPython(t, modules...)
			dir := project(t, pytestProject)
			junit := filepath.Join(dir, "junit.xml")
			argv := append([]string{python, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=" + junit, "tests"}, strings.Fields(flags)...)
			var got [2]string
			for i, s := range []*Session{nil, openSession(t)} {
				o := execute(t, s, dir, []string{"PYTHONDONTWRITEBYTECODE=1"}, argv...)
				report, _ := os.ReadFile(junit)
				got[i] = fmt.Sprintf("%d\n%s\n%s\n%s", o.status, o.stdout, o.stderr, report)
				got[i] = seconds.ReplaceAllString(got[i], "T")
				if strings.HasPrefix(flags, "-n2") { // workers are free to take turns
					lines := strings.Split(strings.ReplaceAll(workers.ReplaceAllString(got[i], "gw"), "<", "\n<"), "\n")
					slices.Sort(lines)
					got[i] = strings.Join(lines, "\n")
				}
			}
			if diff := cmp.Diff(got[0], got[1]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const unittestProject = `
-- test_u.py --
import functools
import os
import signal
import unittest


def decorated(f):
    @functools.wraps(f)
    def wrapper(*args):
        return f(*args)
    return wrapper


class T(unittest.TestCase):
    def test_a(self):
        with self.subTest(n=1):
            pass

    @decorated
    @decorated
    def test_b(self):
        pass

    @unittest.skip("no")
    def test_c(self):
        pass

    def test_d_fails(self):
        self.assertEqual(1, 2)

    def test_e_kill(self):
        if "KILL" in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)


def load_tests(loader, tests, pattern):
    import doctest
    tests.addTests(doctest.DocTestSuite("doc"))
    return tests
-- doc.py --
"""
>>> 1 + 1
2
"""
`

// pythons are the versions that are installed.
func pythons(t testing.TB) []string {
	t.Helper()
	home, _ := os.UserHomeDir()
	found, _ := filepath.Glob(filepath.Join(home, ".pyenv/versions/3.*/bin/python3"))
	if len(found) == 0 || testing.Short() {
		return []string{needPython(t)}
	}
	return found
}

func TestUnittestEvents(t *testing.T) {
	dir := project(t, unittestProject)
	for _, python := range pythons(t) {
		t.Run(python, func(t *testing.T) {
			o := execute(t, openSession(t), dir, []string{"PYTHONDONTWRITEBYTECODE=1"}, python, "-m", "unittest", "test_u")
			if o.status != 1 {
				t.Fatalf("status %d\n%s%s", o.status, o.stdout, o.stderr)
			}
			want := []string{
				"start test_u.T.test_a test_u.py:15", "finish test_u.T.test_a",
				"start test_u.T.test_b test_u.py:21", "finish test_u.T.test_b",
				"start test_u.T.test_c test_u.py:25", "finish test_u.T.test_c",
				"start test_u.T.test_d_fails test_u.py:28", "finish test_u.T.test_d_fails",
				"start test_u.T.test_e_kill test_u.py:31", "finish test_u.T.test_e_kill",
				"start doc", "finish doc",
			}
			if diff := cmp.Diff(want, story(o.events)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnittestKilled(t *testing.T) {
	dir := project(t, unittestProject)
	o := execute(t, openSession(t), dir, []string{"KILL=1"}, needPython(t), "-m", "unittest", "test_u")
	last := o.events[len(o.events)-1]
	if o.status != 137 || last.Action != Start || last.ID != "test_u.T.test_e_kill" || last.File != filepath.Join(dir, "test_u.py") || last.Line != 31 {
		t.Errorf("status %d, last event %+v", o.status, last)
	}
}

func TestUnittestUnchanged(t *testing.T) {
	dir := project(t, unittestProject)
	for _, python := range pythons(t) {
		without := execute(t, nil, dir, nil, python, "-m", "unittest", "-v", "test_u")
		with := execute(t, openSession(t), dir, nil, python, "-m", "unittest", "-v", "test_u")
		clean := func(o outcome) string {
			return fmt.Sprint(o.status, o.stdout, seconds.ReplaceAllString(o.stderr, "T"))
		}
		if diff := cmp.Diff(clean(without), clean(with)); diff != "" {
			t.Errorf("%s: %s", python, diff)
		}
	}
}

// A Python process sees the same search path and the same sitecustomize with
// and without the plugin; where the variable does not count there is nothing.
func TestPythonLeftAlone(t *testing.T) {
	program := `import sys
print([p for p in sys.path if "oom143-hooks-" not in p] if sys.flags.no_site else sys.path)
try:
    import sitecustomize
    print(sitecustomize.__file__, sitecustomize.mine)
except ImportError as e:
    print(e)
`
	own := project(t, "-- sitecustomize.py --\nmine = 1\n-- broken/sitecustomize.py --\nimport nowhere\n-- usercustomize.py --\n")
	all := append(pythons(t), needPython(t))
	home, _ := os.UserHomeDir()
	twos, _ := filepath.Glob(filepath.Join(home, ".pyenv/versions/2.*/bin/python2"))
	for _, python := range append(all, twos...) {
		for _, path := range []string{"", own, own + "/broken", ":" + own} {
			for _, flag := range []string{"-BE", "-BS", "-B"} {
				var env []string
				if path != "" {
					env = append(env, "PYTHONPATH="+path)
				}
				without := execute(t, nil, own, env, python, flag, "-c", program)
				with := execute(t, openSession(t), own, env, python, flag, "-c", program)
				if diff := cmp.Diff([]any{without.status, without.stdout, without.stderr}, []any{with.status, with.stdout, with.stderr}); diff != "" {
					t.Errorf("%s %s, PYTHONPATH=%q: %s", python, flag, path, diff)
				}
			}
		}
	}
}

func TestPythonEnviron(t *testing.T) {
	s := openSession(t)
	ours := s.Path("python")
	for name, test := range map[string]struct{ env, want []string }{
		"none": {nil, []string{
			"TOX_TESTENV_PASSENV=PYTHONPATH OOM143_EVENTS", "TOX_OVERRIDE=" + toxOverride, "PYTHONPATH=" + ours,
		}},
		"tox": {[]string{"TOX_TESTENV_PASSENV=A B", "TOX_OVERRIDE=testenv.commands=true"}, []string{
			"TOX_OVERRIDE=testenv.commands=true", "TOX_TESTENV_PASSENV=A B PYTHONPATH OOM143_EVENTS", "PYTHONPATH=" + ours,
		}},
		"path": {[]string{"PYTHONPATH=src:lib"}, []string{"PYTHONPATH=" + ours + ":src:lib"}},
	} {
		e := newEnviron(test.env, Command{})
		pythonEnviron(s, e)
		if diff := cmp.Diff(test.want, e.vars); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestPytestHardships(t *testing.T) {
	python := needPython(t, "pytest")
	dir := project(t, `
-- test_h.py --
import os
import subprocess
import sys
import time
from unittest import mock

import pytest


def test_descriptors(tmp_path):
    os.closerange(3, 100)
    for n in range(20):
        os.open(str(tmp_path / str(n)), os.O_CREAT | os.O_WRONLY)


def test_nothing_written_there(tmp_path):
    for root, _, files in os.walk(str(tmp_path.parent)):
        for f in files:
            assert not f.isdigit() or os.path.getsize(os.path.join(root, f)) == 0


def test_mocks(monkeypatch):
    calls = []
    for module, name in (os, "write"), (os, "getpid"), (os, "fstat"), (os, "open"), (time, "time"):
        monkeypatch.setattr(module, name, lambda *a, **k: calls.append(a) or 1)
    monkeypatch.setattr(os, "environ", {})
    yielded.append(calls)


yielded = []


def test_mocks_not_called():
    assert yielded == [[]]


def test_fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("x", ["n" * 10000, "a b:c\nd\t\"'\\[e]", "\U0001f600", "\ud800"], ids=lambda x: x)
def test_id(x):
    pass


def test_chdir():
    os.chdir("/")


def test_nested(tmp_path):
    (tmp_path / "test_inner.py").write_text("def test_in(): pass")
    subprocess.run([sys.executable, "-m", "pytest", "-q", str(tmp_path)], check=True, stdout=subprocess.DEVNULL)


def test_output():
    print('{"e":"start","id":"fake","pid":1}')
    with open(os.environ["OOM143_EVENTS"], "a") as f:
        f.write("garbage\n" + "x" * 100000 + "\n[]\n{}\n")


def test_environment():
    os.environ.clear()


@pytest.mark.skipif(os.getuid() != 0, reason="needs: root")
def test_user():
    if os.fork() == 0:
        os.setuid(65534)
        os._exit(0)
    assert os.wait()[1] == 0


@pytest.mark.skipif(os.getuid() != 0, reason="needs: root")
def test_chroot(tmp_path):
    if os.fork() == 0:
        os.chroot(str(tmp_path))
        os._exit(0)
    assert os.wait()[1] == 0


def test_last():
    pass
`)
	o := execute(t, openSession(t), dir, nil, python, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "test_h.py")
	if o.status != 0 {
		t.Fatalf("status %d\n%s%s", o.status, o.stdout, o.stderr)
	}
	starts, finishes, long := map[string]int{}, map[string]int{}, 0
	for _, e := range o.events {
		switch e.Action {
		case Start:
			starts[e.ID]++
			if len(e.ID) > 2500 && len(e.ID) <= MaxID {
				long++
			}
		case Finish:
			finishes[e.ID]++
		}
	}
	if diff := cmp.Diff(starts, finishes); diff != "" {
		t.Error(diff)
	}
	if long != 1 || len(starts) < 16 || starts["test_h.py::test_last"] != 1 || starts["test_inner.py::test_in"] != 1 {
		t.Errorf("%d long, %d in all: %v", long, len(starts), story(o.events))
	}
}

// Another user, in a process that clears the environment, forks and starts
// tests by itself.
func TestUnittestOtherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs: root")
	}
	python := needPython(t)
	dir, err := os.MkdirTemp("/tmp", "oom143-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	program := `
import os, sys, unittest
class T(unittest.TestCase):
    def test_it(self):
        pass
if os.fork() == 0:
    unittest.main(argv=["x"])
os.wait()
os.setuid(65534)
unittest.main(argv=["x"])
`
	o := execute(t, s, dir, nil, python, "-c", program)
	pids := map[int]bool{}
	for _, e := range o.events {
		pids[e.PID] = true
	}
	if o.status != 0 || len(o.events) != 4 || len(pids) != 2 {
		t.Errorf("status %d, %v\n%s", o.status, story(o.events), o.stderr)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Coverage reports the same files, after the session's folder has gone, also
// where coverage starts by itself in every Python.
func TestPythonCoverage(t *testing.T) {
	python := needPython(t, "coverage", "pytest")
	dir := project(t, unittestProject)
	site := exec.Command(python, "-c", "import site; print(site.getusersitepackages())")
	base := t.TempDir()
	site.Env = append(os.Environ(), "PYTHONUSERBASE="+base)
	where, err := site.Output()
	if err != nil {
		t.Fatal(err)
	}
	startup := filepath.Join(strings.TrimSpace(string(where)), "startup.pth")
	if err := os.MkdirAll(filepath.Dir(startup), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(startup, []byte("import coverage; coverage.process_startup()\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env  []string
		argv []string
	}{
		"unittest": {nil, []string{"-m", "coverage", "run", "-m", "unittest", "test_u"}},
		"pytest":   {nil, []string{"-m", "coverage", "run", "--branch", "-m", "pytest", "-p", "no:cacheprovider", "test_u.py"}},
		"every process": {
			[]string{"PYTHONUSERBASE=" + base, "COVERAGE_PROCESS_START=" + filepath.Join(dir, "coveragerc")},
			[]string{"-m", "unittest", "test_u"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var reports [2]string
			for i := range reports {
				data := filepath.Join(t.TempDir(), "data")
				if err := os.WriteFile(filepath.Join(dir, "coveragerc"), []byte("[run]\ndata_file = "+data+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				env := append([]string{"COVERAGE_RCFILE=" + filepath.Join(dir, "coveragerc"), "PYTHONDONTWRITEBYTECODE=1"}, test.env...)
				var s *Session
				if i == 1 {
					var err error
					if s, err = Open(t.TempDir()); err != nil {
						t.Fatal(err)
					}
				}
				o := execute(t, s, dir, env, append([]string{python}, test.argv...)...)
				if s != nil {
					if len(o.events) == 0 {
						t.Errorf("no events\n%s%s", o.stdout, o.stderr)
					}
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				}
				report := execute(t, nil, dir, env[:2], python, "-m", "coverage", "report")
				reports[i] = fmt.Sprint(report.status, "\n", report.stdout, report.stderr)
			}
			if diff := cmp.Diff(reports[0], reports[1]); diff != "" || !strings.Contains(reports[0], "test_u.py") {
				t.Errorf("%s\n%s", reports[0], diff)
			}
		})
	}
}
