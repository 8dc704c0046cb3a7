package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// jobImage is the job's container: it stands for the runner's machine, with
// bash and Go. It is the Dockerfile's first FROM.
const jobImage = "golang:1.26.5-bookworm"

// actPrefix is what act puts before each line: "[Example/leak]   | ".
var actPrefix = regexp.MustCompile(`(?m)^\[[^\]]+\] +(?:\| )?`)

// TestWorkflow runs the example workflow through act, with a memory limit on
// the containers: what it builds, runs and reads afterwards is what a user's
// workflow does.
func TestWorkflow(t *testing.T) {
	p := setUp(t)
	engine(t)
	act := tool(t, "act")
	checkout := newCheckout(t, p)

	// 320 MB: the Go compiler has to fit too, hence one at a time.
	cmd := exec.Command(act, "push", "--rm", "--pull=false", "-W", ".github/workflows/example.yml",
		"-P", "ubuntu-latest="+jobImage, "--env", "GOFLAGS=-p=1", "-s", "GITHUB_TOKEN="+secret,
		"--container-daemon-socket", "-", "--container-options", "--memory=320m --memory-swap=320m")
	cmd.Dir = checkout
	cmd.Env = append(dockerEnviron(), "HOME="+t.TempDir())
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	raw := string(out)
	log := actPrefix.ReplaceAllString(raw, "")
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(raw)
		}
	})
	if err == nil {
		t.Fatal("act says that the job passed")
	}

	test := goTest(t, p, log)
	if !strings.Contains(log, "exit with `FAILURE`: 137") {
		t.Error("the step did not end with 137")
	}
	for _, want := range []string{"cause: cgroup-oom", "exit code: 137"} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(log) {
			t.Errorf("the next step did not read %q from the outputs", want)
		}
	}
	if last := regexp.MustCompile(`(?m)^last test: (.*)$`).FindStringSubmatch(log); last == nil || !strings.HasSuffix(last[1], test.ID) {
		t.Errorf("the next step read the last test %q, want %s", last, test.ID)
	}
	// act marks an annotation with a sign of its own before it.
	note := regexp.MustCompile(`(?m)::error .*file=([^,:]+),line=(\d+)[,:].*$`).FindStringSubmatch(log)
	if note == nil || note[1] != test.File || note[2] != strconv.Itoa(test.Line) || !strings.Contains(note[0], test.ID) {
		t.Errorf("the annotation is %q, want an error at %s:%d that names %s", note, test.File, test.Line, test.ID)
	}
	_, summary, found := strings.Cut(log, "Summary - ")
	if !found {
		t.Fatal("no job summary")
	}
	checkSummary(t, summary, test)
	if strings.Contains(raw, secret) {
		t.Error("the token is in the log")
	}
}

// newCheckout copies what the action and its example are made of into a
// repository of its own.
func newCheckout(t *testing.T, p programs) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{".github", "examples", "internal"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(p.root, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Dockerfile", ".dockerignore", "action.yml", "go.mod", "go.sum", "main.go"} {
		data, err := os.ReadFile(filepath.Join(p.root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", "."},
		{"add", "-A"},
		{"-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "commit", "-q", "-m", "checkout"},
	} {
		git := exec.Command("git", args...)
		git.Dir = dir
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}
