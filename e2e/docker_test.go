package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// docker runs a Docker command and gives its standard output; a failure ends
// the test.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, status := dockerStatus(t, args...)
	if status != 0 {
		t.Fatalf("docker %s ended with %d\n%s", strings.Join(args, " "), status, out)
	}
	return out
}

// dockerStatus gives the status too, and both streams.
func dockerStatus(t *testing.T, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = dockerEnviron()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// dockerEnviron asks a client without the buildx plugin for the builder that
// needs none.
var dockerEnviron = sync.OnceValue(func() []string {
	env := plainEnviron()
	if exec.Command("docker", "buildx", "version").Run() != nil {
		env = append(env, "DOCKER_BUILDKIT=0")
	}
	return env
})

var images = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("./docker.sh", "images").CombinedOutput()
	return string(out), err
})

// engine skips the test unless a Docker engine answers, and makes the base
// images.
func engine(t *testing.T) {
	t.Helper()
	tool(t, "docker")
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		missing(t, "a Docker engine (e2e/docker.sh starts one): "+string(bytes.TrimSpace(out)))
	}
	if out, err := images(); err != nil {
		t.Fatalf("e2e/docker.sh images: %v\n%s", err, out)
	}
}

const (
	shellImage = "busybox:1.37.0-musl" // the Dockerfile's last FROM
	ownImage   = "oom143:e2e"
)

// memoryFlags give a container the examples' limit and no swap.
var memoryFlags = []string{"--memory=256m", "--memory-swap=256m"}

// inContainer gives the arguments of `docker run` that run oom143 as PID 1 in
// a container with a shell, and the folder where it leaves its report.
func inContainer(t *testing.T, p programs, flags []string, argv ...string) (args []string, dir string) {
	t.Helper()
	dir = t.TempDir()
	args = append([]string{"run", "--network=none", "-v", filepath.Dir(p.oom143) + ":/programs:ro", "-v", p.root + ":/repo:ro",
		"-v", dir + ":/left", "-w", "/repo"}, flags...)
	args = append(args, shellImage, "/programs/oom143", "run", "--report", "/left/report.json", "--record", "/left/record.jsonl", "--")
	return append(args, argv...), dir
}

func TestDockerMemoryLimit(t *testing.T) {
	p := setUp(t)
	engine(t)
	for _, c := range []struct {
		name string
		argv []string
	}{
		{"the command itself", []string{"/programs/leak.test", "-test.v"}},
		{"under a shell", []string{"sh", "-c", "/programs/leak.test -test.v; exit $?"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args, dir := inContainer(t, p, append([]string{"--rm"}, memoryFlags...), c.argv...)
			out, status := dockerStatus(t, args...)
			r := result{status: status, stdout: out, report: readReport(t, filepath.Join(dir, "report.json")), record: filepath.Join(dir, "record.jsonl")}
			r.verdict(t, "cgroup-oom", true, 137)
			// No kernel log in there: counters and timing agree, nothing names the victim.
			if got := r.report.Certainty; got != "likely" {
				t.Errorf("certainty is %q, want likely", got)
			}
			checkBlame(t, r.report, "leak.test")
			checkRunning(t, r.report, goTest(t, p, out))
			checkMemory(t, r.report)
			explained(t, p.oom143, r)
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

func TestDockerExitStatuses(t *testing.T) {
	p := setUp(t)
	engine(t)
	for _, c := range []struct {
		script string
		status int
		cause  string
	}{
		{"exit 0", 0, "passed"},
		{"exit 3", 3, "tests-failed"},
		{"exit 137", 137, "tests-failed"},
		{"exit 255", 255, "tests-failed"},
		{"kill -KILL $$", 137, "killed"},
		{"kill -SEGV $$", 139, "crashed"},
	} {
		t.Run(c.script, func(t *testing.T) {
			args, dir := inContainer(t, p, []string{"--rm"}, "sh", "-c", c.script)
			out, status := dockerStatus(t, args...)
			r := result{status: status, report: readReport(t, filepath.Join(dir, "report.json"))}
			r.verdict(t, c.cause, false, c.status)
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// orphans leaves twenty dead processes to PID 1 and counts those that nobody
// has reaped.
const orphans = `i=0; while [ $i -lt 20 ]; do sh -c 'true & exec true'; i=$((i+1)); done; sleep 1
echo zombies $(cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ')`

func TestDockerReapsOrphans(t *testing.T) {
	p := setUp(t)
	engine(t)
	args, _ := inContainer(t, p, []string{"--rm"}, "sh", "-c", orphans)
	out, _ := dockerStatus(t, args...)
	if n := pidAfter(t, out, "zombies"); n != 0 {
		t.Errorf("%d zombies under oom143 as PID 1, want 0", n)
	}
	// The count can fail: sleep as PID 1 reaps nothing.
	id := strings.TrimSpace(docker(t, "run", "-d", "--rm", "--network=none", shellImage, "sleep", "60"))
	defer docker(t, "rm", "-f", id)
	if n := pidAfter(t, docker(t, "exec", id, "sh", "-c", orphans), "zombies"); n == 0 {
		t.Error("no zombies under sleep as PID 1: the test proves nothing")
	}
}

func TestDockerStop(t *testing.T) {
	p := setUp(t)
	engine(t)
	args, dir := inContainer(t, p, []string{"-d"}, "sh", "-c", "echo ready; exec sleep 60")
	id := strings.TrimSpace(docker(t, args...))
	defer docker(t, "rm", "-f", id)
	logs := func() string { out, _ := dockerStatus(t, "logs", id); return out }
	for deadline := time.Now().Add(longest); !strings.Contains(logs(), "ready"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(logs())
		}
	}
	docker(t, "stop", "--time=10", id) // SIGTERM to PID 1, SIGKILL after 10 s
	status, err := strconv.Atoi(strings.TrimSpace(docker(t, "wait", id)))
	if err != nil {
		t.Fatal(err)
	}
	r := result{status: status, report: readReport(t, filepath.Join(dir, "report.json"))}
	r.verdict(t, "runner-shutdown", false, 143)
	if t.Failed() {
		t.Log(logs())
	}
}

// TestDockerClientIsCancelled signals the Docker client, as the runner does
// when it cancels a container action.
func TestDockerClientIsCancelled(t *testing.T) {
	p := setUp(t)
	engine(t)
	args, dir := inContainer(t, p, []string{"--rm"}, "sh", "-c", "echo ready; exec sleep 60")
	s := &session{cmd: exec.Command("docker", args...), waited: make(chan struct{})}
	s.cmd.Env = dockerEnviron()
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.err
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.waitErr = s.cmd.Wait()
		close(s.waited)
	}()
	s.says(t, "ready")
	s.signal(t, syscall.SIGINT)
	select {
	case <-s.waited:
	case <-time.After(7500 * time.Millisecond): // then the runner sends SIGTERM
		s.cmd.Process.Kill()
		t.Fatal("the container did not end within 7.5 s of SIGINT")
	}
	r := result{status: s.cmd.ProcessState.ExitCode(), report: readReport(t, filepath.Join(dir, "report.json"))}
	r.verdict(t, "cancelled", false, 130)
	if t.Failed() {
		t.Log(s.out.String(), s.err.String())
	}
}

var imageOnce sync.Once

// image builds the action's image from the Dockerfile.
func image(t *testing.T, p programs) {
	t.Helper()
	engine(t)
	imageOnce.Do(func() { docker(t, "build", "-t", ownImage, p.root) })
	if _, status := dockerStatus(t, "image", "inspect", ownImage); status != 0 {
		t.Fatal("the image was not built")
	}
}

func TestImage(t *testing.T) {
	p := setUp(t)
	image(t, p)
	var found []struct {
		Size   int64
		Config struct{ Entrypoint []string }
	}
	if err := json.Unmarshal([]byte(docker(t, "image", "inspect", ownImage)), &found); err != nil || len(found) != 1 {
		t.Fatal(err, found)
	}
	t.Logf("the image has %.1f MB", float64(found[0].Size)/1e6)
	if found[0].Size > 20e6 {
		t.Errorf("the image has %d bytes, want at most 20 MB", found[0].Size)
	}
	if got := found[0].Config.Entrypoint; len(got) != 2 || got[0] != "/oom143" || got[1] != "action" {
		t.Errorf("the entrypoint is %q, want /oom143 action", got)
	}
	docker(t, "run", "--rm", "--network=none", "--entrypoint=sh", ownImage, "-c",
		"for name in sh tail env mv tar find stat; do command -v $name || exit 1; done; test -s /etc/ssl/certs/ca-certificates.crt")
	if out, status := dockerStatus(t, "run", "--rm", "--network=none", ownImage); status != 125 || !strings.Contains(out, "run") {
		t.Errorf("without inputs it ended with %d, want 125 and a line that names the input run:\n%s", status, out)
	}
}

// A step is a container action's step as the runner runs it: its folders on
// the host, mounted where the runner mounts them.
type step struct{ temp, workspace, commands string }

func newStep(t *testing.T) step {
	t.Helper()
	work := t.TempDir()
	s := step{
		temp:      filepath.Join(work, "_temp"),
		workspace: filepath.Join(work, "shop", "shop"),
		commands:  filepath.Join(work, "_temp", "_runner_file_commands"),
	}
	for _, dir := range []string{s.commands, s.workspace, filepath.Join(s.temp, "_github_home"), filepath.Join(s.temp, "_github_workflow")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"set_output_1", "step_summary_1", "set_env_1", "add_path_1", "save_state_1"} {
		if err := os.WriteFile(filepath.Join(s.commands, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	event := filepath.Join(s.temp, "_github_workflow", "event.json")
	if err := os.WriteFile(event, []byte(`{"ref":"refs/heads/main"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs the action with inputs. Names go on the command line, values into
// the client's environment, as the runner does it.
func (s step) run(t *testing.T, flags []string, inputs map[string]string) (string, int) {
	t.Helper()
	env := map[string]string{
		"HOME": "/github/home", "GITHUB_ACTIONS": "true", "CI": "true",
		"GITHUB_WORKSPACE": "/github/workspace", "GITHUB_EVENT_PATH": "/github/workflow/event.json", "GITHUB_EVENT_NAME": "push",
		"GITHUB_OUTPUT": "/github/file_commands/set_output_1", "GITHUB_STEP_SUMMARY": "/github/file_commands/step_summary_1",
		"GITHUB_ENV": "/github/file_commands/set_env_1", "GITHUB_PATH": "/github/file_commands/add_path_1",
		"GITHUB_STATE": "/github/file_commands/save_state_1", "GITHUB_REPOSITORY": "org/shop",
		"GITHUB_SHA": strings.Repeat("a", 40), "GITHUB_JOB": "test",
		"RUNNER_TEMP": "/github/runner_temp", "RUNNER_WORKSPACE": filepath.Dir(s.workspace), "RUNNER_OS": "Linux",
		"ACTIONS_RUNTIME_TOKEN": secret,
		// The defaults of action.yml.
		"INPUT_MEMORY-LIMIT": "auto", "INPUT_WARN-AT": "80", "INPUT_TIMEOUT-MINUTES": "", "INPUT_SHELL": "",
		"INPUT_WORKING-DIRECTORY": "", "INPUT_ANNOTATIONS": "true", "INPUT_SUMMARY": "true", "INPUT_CHECK-RUN": "false",
		"INPUT_GITHUB-TOKEN": secret,
	}
	for name, value := range inputs {
		env["INPUT_"+strings.ToUpper(name)] = value
	}
	args := append([]string{"run", "--rm", "--network=none", "--workdir=/github/workspace"}, flags...)
	values := dockerEnviron()
	for name, value := range env {
		args = append(args, "-e", name)
		values = append(values, name+"="+value)
	}
	args = append(args, "--entrypoint", "/oom143", "-v", s.temp+":/github/runner_temp",
		"-v", filepath.Join(s.temp, "_github_home")+":/github/home", "-v", filepath.Join(s.temp, "_github_workflow")+":/github/workflow",
		"-v", s.commands+":/github/file_commands", "-v", s.workspace+":/github/workspace", ownImage, "action")
	cmd := exec.Command("docker", args...)
	cmd.Env = values
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

const secret = "ghs_0123456789abcdefghijklmnopqrstuvwxyz"

// copyExample puts the Go example with its built tests into the workspace.
func (s step) copyExample(t *testing.T, p programs) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(s.workspace, "examples"), os.DirFS(filepath.Join(p.root, "examples"))); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(p.leak)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.workspace, "examples", "go", "leak.test"), data, 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestActionAsTheRunnerRunsIt(t *testing.T) {
	p := setUp(t)
	image(t, p)
	s := newStep(t)
	s.copyExample(t, p)
	out, status := s.run(t, memoryFlags, map[string]string{
		"run":               "echo \"own-output=from the script\" >>\"$GITHUB_OUTPUT\"\n./leak.test -test.v",
		"working-directory": "examples/go",
	})
	outputs := parseOutputs(t, read(t, filepath.Join(s.commands, "set_output_1")))
	// A later step on the host opens the paths as they stand there.
	r := result{status: status, stdout: out, report: readReport(t, outputs["report"]), outputs: outputs,
		summary: read(t, filepath.Join(s.commands, "step_summary_1")), record: outputs["record"]}
	test := goTest(t, p, out)
	r.verdict(t, "cgroup-oom", true, 137)
	checkBlame(t, r.report, "leak.test")
	checkRunning(t, r.report, test)
	checkMemory(t, r.report)
	if notes := r.annotations(); len(notes) == 0 {
		t.Error("no annotation")
	} else {
		checkAnnotation(t, notes[0], test)
	}
	checkSummary(t, r.summary, test)
	explained(t, p.oom143, r)
	for name, want := range map[string]string{
		"cause": "cgroup-oom", "oom": "true", "exit-code": "137", "last-test": r.report.runningID(),
		"last-test-file": test.File, "last-test-line": strconv.Itoa(test.Line), "own-output": "from the script",
	} {
		if outputs[name] != want {
			t.Errorf("output %s is %q, want %q", name, outputs[name], want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestActionKeepsSecretsFromTheCommand(t *testing.T) {
	p := setUp(t)
	image(t, p)
	s := newStep(t)
	out, status := s.run(t, nil, map[string]string{
		"run": "env\ncat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\000' '\\n'\n" +
			"find /tmp /github -type f -exec cat {} + 2>/dev/null\necho\necho done",
	})
	if status != 0 || !strings.Contains(out, "\ndone") {
		t.Fatalf("the script ended with %d, want 0\n%s", status, out)
	}
	if regexp.MustCompile(`(?m)^(INPUT_|ACTIONS_RUNTIME_TOKEN)`).MatchString(out) || strings.Contains(out, secret) {
		t.Errorf("the command saw what it must not:\n%s", out)
	}
	if !strings.Contains(out, "GITHUB_WORKSPACE=/github/workspace") {
		t.Errorf("the command's environment lacks GITHUB_WORKSPACE:\n%s", out)
	}
}

func TestActionRefusesBadInputs(t *testing.T) {
	p := setUp(t)
	image(t, p)
	for input, value := range map[string]string{
		"memory-limit": "7XB", "warn-at": "300", "timeout-minutes": "soon", "annotations": "maybe", "run": "",
	} {
		t.Run(fmt.Sprintf("%s=%s", input, value), func(t *testing.T) {
			inputs := map[string]string{"run": "echo started"}
			inputs[input] = value
			out, status := newStep(t).run(t, nil, inputs)
			if status != 125 || !strings.Contains(out, input) || strings.Contains(out, "started") {
				t.Errorf("it ended with %d, want 125, a line that names %s and the command not started:\n%s", status, input, out)
			}
		})
	}
}
