package hooks

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// openSession gives a session that ends with the test.
func openSession(t testing.TB) *Session {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// project writes the files of a txtar archive to a new folder.
func project(t testing.TB, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// outcome is what a command left behind.
type outcome struct {
	stdout, stderr string
	status         int // 128+N for a signal N
	events         []Event
}

// execute runs a command in dir to its end, with the plugins of s; without
// where s is nil. A command that takes longer than two minutes is killed.
func execute(t testing.TB, s *Session, dir string, env []string, argv ...string) outcome {
	t.Helper()
	env = append(os.Environ(), env...)
	if s != nil {
		env = s.Environ(env, Command{Argv: argv, Dir: dir})
	}
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, env
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	timer := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	err := cmd.Run()
	timer.Stop()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o := outcome{stdout: stdout.String(), stderr: stderr.String(), status: cmd.ProcessState.ExitCode()}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		o.status = 128 + int(status.Signal())
	}
	if s != nil {
		o.events = readEvents(t, s)
	}
	return o
}

// readEvents gives all events of a session's file.
func readEvents(t testing.TB, s *Session) []Event {
	t.Helper()
	var events []Event
	f, err := s.Follow(func(e Event) { events = append(events, e) })
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Stop(); err != nil {
		t.Fatal(err)
	}
	return events
}

// story renders events as "start ID FILE:LINE", files by their base name.
func story(events []Event) []string {
	var lines []string
	for _, e := range events {
		words := []string{string(e.Action), e.ID}
		if e.File != "" {
			words = append(words, filepath.Base(e.File)+":"+strconv.Itoa(e.Line))
		}
		words = append(words, e.Phase, e.Outcome)
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}
