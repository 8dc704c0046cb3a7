package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// report is the JSON report, as far as the tests look at it.
type report struct {
	Version   int    `json:"version"`
	Cause     string `json:"cause"`
	OOM       *bool  `json:"oom"`
	Certainty string `json:"certainty"`
	Headline  string `json:"headline"`
	Evidence  []struct {
		Source string `json:"source"`
		Detail string `json:"detail"`
	} `json:"evidence"`
	Advice []struct {
		Title string `json:"title"`
	} `json:"advice"`
	Command struct {
		Argv     []string `json:"argv"`
		ExitCode *int     `json:"exit_code"`
		Signal   string   `json:"signal"`
	} `json:"command"`
	Signals []struct {
		Signal string `json:"signal"`
		To     string `json:"to"`
	} `json:"signals"`
	Victims []struct {
		PID        int    `json:"pid"`
		Command    string `json:"command"`
		Constraint string `json:"constraint"`
		Ours       bool   `json:"ours"`
	} `json:"victims"`
	Memory struct {
		LimitBytes  int64   `json:"limit_bytes"`
		LimitSource string  `json:"limit_source"`
		Enforced    bool    `json:"enforced"`
		PeakBytes   int64   `json:"peak_bytes"`
		PeakPercent float64 `json:"peak_percent"`
		Timeline    []struct {
			Used int64 `json:"used_bytes"`
		} `json:"timeline"`
	} `json:"memory"`
	Tests struct {
		Frameworks []string  `json:"frameworks"`
		Started    int       `json:"started"`
		Finished   int       `json:"finished"`
		Running    []running `json:"running"`
	} `json:"tests"`
}

type running struct {
	ID   string `json:"id"`
	File string `json:"file"`
	Line int    `json:"line"`
}

// A session is one run of oom143 under way.
type session struct {
	cmd     *exec.Cmd
	dir     string // holds what oom143 writes
	oom143  string
	out     buffer
	err     buffer
	waited  chan struct{}
	waitErr error
}

// A result is what one run left.
type result struct {
	status  int
	stdout  string
	stderr  string
	report  report
	summary string
	outputs map[string]string
	record  string // path
}

// start runs `oom143 run` in a cgroup (nil: none) as a step of a workflow
// would, with the workspace and folder given relative to the repository.
func start(t *testing.T, p programs, in *cgroup, folder string, argv ...string) *session {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"output", "summary.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args := append([]string{"run", "--report", filepath.Join(dir, "report.json"),
		"--record", filepath.Join(dir, "record.jsonl"), "--"}, argv...)
	s := &session{cmd: in.command(p.oom143, args...), dir: dir, oom143: p.oom143, waited: make(chan struct{})}
	s.cmd.Dir = filepath.Join(p.root, folder)
	s.cmd.Env = append(plainEnviron(),
		"CI=true", "GITHUB_ACTIONS=true", "GITHUB_WORKSPACE="+p.root, "RUNNER_TEMP="+dir,
		"GITHUB_OUTPUT="+filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary.md"))
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.err
	s.cmd.WaitDelay = 10 * time.Second
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.waitErr = s.cmd.Wait()
		close(s.waited)
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.waited
	})
	return s
}

// run is start and wait.
func run(t *testing.T, p programs, in *cgroup, folder string, argv ...string) result {
	t.Helper()
	return start(t, p, in, folder, argv...).wait(t)
}

// plainEnviron is the environment without what a CI system put there.
func plainEnviron() []string {
	var kept []string
	for _, v := range os.Environ() {
		switch {
		case strings.HasPrefix(v, "GITHUB_"), strings.HasPrefix(v, "RUNNER_"), strings.HasPrefix(v, "INPUT_"),
			strings.HasPrefix(v, "OOM143_"), strings.HasPrefix(v, "CI="):
		default:
			kept = append(kept, v)
		}
	}
	return append(kept, "PYTHONDONTWRITEBYTECODE=1")
}

// longest is the time after which a run is taken to hang.
const longest = 90 * time.Second

// says waits until the command has printed a text.
func (s *session) says(t *testing.T, text string) {
	t.Helper()
	deadline := time.Now().Add(longest)
	for !strings.Contains(s.out.String(), text) {
		select {
		case <-s.waited:
			t.Fatalf("the run ended without printing %q: %v\n%s%s", text, s.waitErr, s.out.String(), s.err.String())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q was not printed within %v\n%s%s", text, longest, s.out.String(), s.err.String())
		}
	}
}

func (s *session) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// wait waits for the end and reads what oom143 left.
func (s *session) wait(t *testing.T) result {
	t.Helper()
	select {
	case <-s.waited:
	case <-time.After(longest):
		t.Fatalf("the run did not end within %v\n%s%s", longest, s.out.String(), s.err.String())
	}
	var exit *exec.ExitError
	if s.waitErr != nil && !errors.As(s.waitErr, &exit) {
		t.Fatal(s.waitErr)
	}
	r := result{
		status: s.cmd.ProcessState.ExitCode(),
		stdout: s.out.String(), stderr: s.err.String(),
		summary: read(t, filepath.Join(s.dir, "summary.md")),
		outputs: parseOutputs(t, read(t, filepath.Join(s.dir, "output"))),
		record:  filepath.Join(s.dir, "record.jsonl"),
	}
	r.report = readReport(t, filepath.Join(s.dir, "report.json"))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("standard error:\n%s\nreport:\n%s", r.stderr, read(t, filepath.Join(s.dir, "report.json")))
		}
	})
	explained(t, s.oom143, r)
	return r
}

// explained checks that `oom143 explain` reads the same verdict from the
// flight record.
func explained(t *testing.T, oom143 string, r result) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "explained.json")
	cmd := exec.Command(oom143, "explain", "--report", path, r.record)
	cmd.Env = plainEnviron()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("explain: %v\n%s", err, out)
		return
	}
	again := readReport(t, path)
	type verdict struct{ cause, certainty, headline, test string }
	live := verdict{r.report.Cause, r.report.Certainty, r.report.Headline, r.report.runningID()}
	if got := (verdict{again.Cause, again.Certainty, again.Headline, again.runningID()}); got != live {
		t.Errorf("explain says %+v, the run itself said %+v", got, live)
	}
}

// runningID is the id of the likeliest test, "" when none was running.
func (r report) runningID() string {
	if len(r.Tests.Running) == 0 {
		return ""
	}
	return r.Tests.Running[0].ID
}

// verdict checks how a run ended.
func (r result) verdict(t *testing.T, cause string, oom bool, status int) {
	t.Helper()
	if r.report.Cause != cause {
		t.Errorf("cause is %q, want %q (headline: %s)", r.report.Cause, cause, r.report.Headline)
	}
	if r.report.OOM == nil || *r.report.OOM != oom {
		t.Errorf("oom is %v, want %v", show(r.report.OOM), oom)
	}
	if r.status != status {
		t.Errorf("oom143 ended with %d, want %d", r.status, status)
	}
	if code := r.report.Command.ExitCode; code == nil || *code != status {
		t.Errorf("command.exit_code is %v, want %d", show(code), status)
	}
	if r.report.Version != 1 || r.report.Headline == "" {
		t.Errorf("version is %d, headline %q: want 1 and a sentence", r.report.Version, r.report.Headline)
	}
	if cause != "passed" && cause != "tests-failed" && len(r.report.Evidence) == 0 {
		t.Error("the verdict rests on no evidence")
	}
}

func show[T any](p *T) any {
	if p == nil {
		return "absent"
	}
	return *p
}

// annotations are the workflow commands error and warning in the output.
func (r result) annotations() []string { return annotations(r.stdout + "\n" + r.stderr) }

func annotations(log string) []string {
	var found []string
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "::error") || strings.HasPrefix(line, "::warning") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

func readReport(t *testing.T, path string) report {
	t.Helper()
	var r report
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return r
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Errorf("%s: %v\n%s", path, err, data)
	}
	return r
}

// parseOutputs reads a GITHUB_OUTPUT file: NAME=VALUE, or NAME<<DELIMITER, the
// value's lines and DELIMITER. The last value of a name counts.
func parseOutputs(t *testing.T, text string) map[string]string {
	t.Helper()
	outputs := map[string]string{}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		name, value, found := strings.Cut(lines[i], "=")
		heredoc, delimiter, isHeredoc := strings.Cut(lines[i], "<<")
		switch {
		case isHeredoc && (!found || len(heredoc) < len(name)):
			first := i + 1
			for i++; i < len(lines) && lines[i] != delimiter; i++ {
			}
			if i >= len(lines) {
				t.Errorf("output %s has no closing %s", heredoc, delimiter)
				return outputs
			}
			outputs[heredoc] = strings.Join(lines[first:i], "\n")
		case found:
			outputs[name] = value
		case lines[i] != "":
			t.Errorf("output line %q is neither NAME=VALUE nor NAME<<DELIMITER", lines[i])
		}
	}
	return outputs
}

// A buffer is written by a process and read by a test at the same time.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
