package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const limit = 256 << 20 // bytes; the examples grow to about 450 MB

var (
	goStarted  = regexp.MustCompile(`(?m)^=== RUN +(\S+)`)
	goFinished = regexp.MustCompile(`(?m)^ *--- (?:PASS|FAIL|SKIP): (\S+)`)
)

// goRunning reads off the command's output which test had started and not
// finished.
func goRunning(t *testing.T, output string) string {
	t.Helper()
	finished := map[string]bool{}
	for _, m := range goFinished.FindAllStringSubmatch(output, -1) {
		finished[m[1]] = true
	}
	var open []string
	for _, m := range goStarted.FindAllStringSubmatch(output, -1) {
		if !finished[m[1]] {
			open = append(open, m[1])
		}
	}
	if len(open) != 1 {
		t.Fatalf("the output leaves %d tests open, want 1: %q", len(open), open)
	}
	return open[0]
}

// lineOf gives the number of the line of a file that contains a text.
func lineOf(t *testing.T, path, text string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		if strings.Contains(lines.Text(), text) {
			return n
		}
	}
	t.Fatalf("%s has no line with %q", path, text)
	return 0
}

// checkOOM checks everything that a run tells after a kill at its cgroup's
// limit while one test was running.
func checkOOM(t *testing.T, r result, status int, test running) {
	t.Helper()
	r.verdict(t, "cgroup-oom", true, status)
	if got, want := r.report.Certainty, "certain"; kernelLog() && got != want {
		t.Errorf("certainty is %q, want %q: the kernel log names the victim", got, want)
	}
	checkRunning(t, r.report, test)
	checkMemory(t, r.report)
	checkVictim(t, r.report)

	notes := r.annotations()
	if len(notes) == 0 || len(notes) > 3 {
		t.Fatalf("%d annotations, want 1 to 3: %q", len(notes), notes)
	}
	checkAnnotation(t, notes[0], test)
	checkSummary(t, r.summary, test)
	for name, want := range map[string]string{
		"cause": "cgroup-oom", "oom": "true", "exit-code": strconv.Itoa(status), "headline": r.report.Headline,
		"last-test": r.report.runningID(), "last-test-file": test.File, "last-test-line": strconv.Itoa(test.Line),
		"limit-bytes": strconv.Itoa(limit), "peak-bytes": strconv.FormatInt(r.report.Memory.PeakBytes, 10),
	} {
		if got := r.outputs[name]; got != want {
			t.Errorf("output %s is %q, want %q", name, got, want)
		}
	}
}

func checkRunning(t *testing.T, r report, test running) {
	t.Helper()
	if len(r.Tests.Running) != 1 {
		t.Errorf("tests.running is %+v, want one test", r.Tests.Running)
		return
	}
	got := r.Tests.Running[0]
	if got.ID != test.ID && !strings.HasSuffix(got.ID, "."+test.ID) {
		t.Errorf("the running test is %q, want %q", got.ID, test.ID)
	}
	if got.File != test.File || got.Line != test.Line {
		t.Errorf("it is said to be defined at %s:%d, want %s:%d", got.File, got.Line, test.File, test.Line)
	}
	if r.Tests.Started != r.Tests.Finished+1 {
		t.Errorf("%d tests started and %d finished, want a difference of 1", r.Tests.Started, r.Tests.Finished)
	}
}

func checkMemory(t *testing.T, r report) {
	t.Helper()
	m := r.Memory
	if m.LimitBytes != limit || m.LimitSource != "cgroup" || !m.Enforced {
		t.Errorf("the limit is %d by %q, enforced %v; want %d by \"cgroup\", enforced", m.LimitBytes, m.LimitSource, m.Enforced, limit)
	}
	if m.PeakBytes < limit || m.PeakBytes > limit+limit/20 {
		t.Errorf("the peak is %d, want the limit %d: the cgroup ran into it", m.PeakBytes, limit)
	}
	if len(m.Timeline) < 3 || len(m.Timeline) > 600 {
		t.Errorf("the timeline has %d points, want 3 to 600", len(m.Timeline))
	}
}

func checkVictim(t *testing.T, r report) {
	t.Helper()
	for _, v := range r.Victims {
		if v.Ours && v.PID > 0 && (v.Constraint == "memcg" || !kernelLog()) {
			return
		}
	}
	t.Errorf("victims are %+v, want one of ours, killed at the limit of a cgroup", r.Victims)
}

// checkBlame checks that the headline names the process that held the memory,
// and the limit that it ran into.
func checkBlame(t *testing.T, r report, process string) {
	t.Helper()
	if !strings.Contains(r.Headline, "killed "+process) || !strings.Contains(r.Headline, "268 MB") {
		t.Errorf("the headline is %q, want it to say that %s was killed at the limit of 268 MB", r.Headline, process)
	}
}

func checkAnnotation(t *testing.T, note string, test running) {
	t.Helper()
	properties, _, _ := strings.Cut(strings.TrimPrefix(note, "::error "), "::")
	got := map[string]string{}
	for property := range strings.SplitSeq(properties, ",") {
		name, value, _ := strings.Cut(property, "=")
		got[name] = value
	}
	if !strings.HasPrefix(note, "::error ") || got["file"] != test.File || got["line"] != strconv.Itoa(test.Line) {
		t.Errorf("the first annotation is %q, want an error at %s:%d", note, test.File, test.Line)
	}
	if !strings.Contains(note, test.ID) {
		t.Errorf("the first annotation is %q, want it to name %s", note, test.ID)
	}
}

func checkSummary(t *testing.T, summary string, test running) {
	t.Helper()
	for _, want := range []string{"xychart-beta", test.File} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary has no %q:\n%s", want, summary)
		}
	}
	// Markdown and HTML escape what is in a test's name.
	if plain := strings.NewReplacer(`\`, "", "&#91;", "[", "&#93;", "]", "&#95;", "_").Replace(summary); !strings.Contains(plain, test.ID) {
		t.Errorf("the summary does not name %s:\n%s", test.ID, summary)
	}
}

func TestGoSuiteRunsIntoItsLimit(t *testing.T) {
	p := setUp(t)
	r := run(t, p, newCgroup(t, limit), ".", p.leak, "-test.v")
	checkBlame(t, r.report, "leak.test")
	checkOOM(t, r, 137, goTest(t, p, r.stdout))
}

// goTest is the test of examples/go that was running at the output's end.
func goTest(t *testing.T, p programs, output string) running {
	t.Helper()
	name := goRunning(t, output)
	file := "examples/go/letters_test.go"
	return running{ID: name, File: file, Line: lineOf(t, filepath.Join(p.root, file), "func "+name+"(")}
}

func TestShellScriptRunsIntoItsLimit(t *testing.T) {
	p := setUp(t)
	// The shell passes its child's 137 on: the victim is not oom143's own child.
	r := run(t, p, newCgroup(t, limit), ".", "sh", "-c", p.leak+" -test.v; exit $?")
	checkBlame(t, r.report, "leak.test")
	checkOOM(t, r, 137, goTest(t, p, r.stdout))
}

func TestGoCommandRunsIntoItsLimit(t *testing.T) {
	p := setUp(t)
	// Not only the tests: the compiler and the linker run in there too.
	cgroup := newCgroup(t, 400<<20)
	r := run(t, p, cgroup, "examples/go", "go", "test", "-count=1", "-p=1", "-v", "./...")
	r.verdict(t, "cgroup-oom", true, 1)
	checkRunning(t, r.report, goTest(t, p, r.stdout))
	checkVictim(t, r.report)
	if got, want := r.report.runningID(), "example.com/letters."+goRunning(t, r.stdout); got != want {
		t.Errorf("the running test's id is %q, want %q", got, want)
	}
}

// pytestStarted matches what pytest -v prints when a test starts, and the
// outcome that follows when it has finished.
var pytestStarted = regexp.MustCompile(`(?m)^(test_prices\.py::test_month\[\d+\]) (PASSED)?`)

// pytestRunning reads off the output of pytest -v which test was running, ""
// when none was.
func pytestRunning(output string) string {
	started := pytestStarted.FindAllStringSubmatch(output, -1)
	if len(started) == 0 || started[len(started)-1][2] != "" {
		return ""
	}
	return started[len(started)-1][1]
}

// pytest gives the command of the pytest example. It has been run once without
// a limit: pages that were read from the disk before count for nobody in the
// cgroup, so that the suite dies of its own memory and at once.
func pytest(t *testing.T, p programs, flags ...string) []string {
	t.Helper()
	argv := append([]string{tool(t, "pytest", "/usr/bin/pytest"), "-p", "no:cacheprovider"}, flags...)
	warm := exec.Command(argv[0], argv[1:]...)
	warm.Dir = filepath.Join(p.root, "examples", "pytest")
	warm.Env = plainEnviron()
	if out, err := warm.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, out)
	}
	return argv
}

func TestPytestSuiteRunsIntoItsLimit(t *testing.T) {
	p := setUp(t)
	file := "examples/pytest/test_prices.py"
	line := lineOf(t, filepath.Join(p.root, file), "def test_month(")

	t.Run("-v", func(t *testing.T) {
		argv := pytest(t, p, "-v")
		// The kernel may strike between two tests; then once more.
		for range 3 {
			r := run(t, p, newCgroup(t, limit), "examples/pytest", argv...)
			if id := pytestRunning(r.stdout); id != "" {
				checkOOM(t, r, 137, running{ID: id, File: file, Line: line})
				return
			}
			r.verdict(t, "cgroup-oom", true, 137)
			if got := r.report.Tests.Running; len(got) != 0 {
				t.Errorf("tests.running is %+v between two tests, want none", got)
			}
		}
		t.Fatal("no test was running at any of three kills")
	})
	for _, flag := range []string{"-q", "--color=no"} {
		t.Run(flag, func(t *testing.T) {
			argv := pytest(t, p, flag)
			r := run(t, p, newCgroup(t, limit), "examples/pytest", argv...)
			r.verdict(t, "cgroup-oom", true, 137)
			// Dots name no test, but the file is known.
			if len(r.report.Tests.Running) == 0 || r.report.Tests.Running[0].File != file {
				t.Errorf("tests.running is %+v, want a test of %s", r.report.Tests.Running, file)
			}
		})
	}
}

func TestExamplesPassWithEnoughMemory(t *testing.T) {
	p := setUp(t)
	for _, c := range []struct {
		name, folder string
		argv         []string
		started      int
	}{
		{"go", ".", []string{p.leak, "-test.v"}, 28},
		{"pytest", "examples/pytest", pytest(t, p, "-v"), 36},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, p, newCgroup(t, 2<<30), c.folder, c.argv...)
			r.verdict(t, "passed", false, 0)
			if got := r.report.Tests; got.Started != c.started || got.Finished != c.started || len(got.Running) != 0 {
				t.Errorf("%d tests started, %d finished, %d running; want %d, %[4]d, 0", got.Started, got.Finished, len(got.Running), c.started)
			}
			if notes := r.annotations(); len(notes) != 0 {
				t.Errorf("a passing run far from its limit wrote annotations: %q", notes)
			}
			if n := strings.Count(strings.TrimSpace(r.summary), "\n"); n > 2 {
				t.Errorf("a passing run far from its limit wrote a summary of %d lines:\n%s", n+1, r.summary)
			}
		})
	}
}
