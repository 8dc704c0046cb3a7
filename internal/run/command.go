package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

var getenv = os.Getenv

// An unstartable command has an exit status and a reason.
type unstartable struct {
	status int
	reason string
}

func (e unstartable) Error() string { return e.reason }

// findCommand gives the executable that a shell would start for name.
func findCommand(name, dir string) (string, error) {
	if name == "" {
		return "", unstartable{statusNotFound, "the command's name is empty"}
	}
	if strings.Contains(name, "/") && !filepath.IsAbs(name) && dir != "" {
		name = filepath.Join(dir, name) // where it is going to be executed
	}
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrDot) {
		err = nil // PATH says so, and a shell would
	}
	if err == nil {
		return path, nil
	}
	info, statErr := os.Stat(name)
	switch {
	case strings.Contains(name, "/") && statErr == nil && info.IsDir():
		return "", unstartable{statusNoExecution, "it is a directory"}
	case errors.Is(err, fs.ErrPermission) || (strings.Contains(name, "/") && statErr == nil):
		return "", unstartable{statusNoExecution, "it is not executable"}
	case strings.Contains(name, "/"):
		return "", unstartable{statusNotFound, "there is no such file"}
	}
	for _, dir := range filepath.SplitList(getenv("PATH")) {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() {
			return "", unstartable{statusNoExecution, "it is not executable"}
		}
	}
	return "", unstartable{statusNotFound, "it was not found in PATH"}
}

// checkDir tells whether a command can start in a folder; "" is oom143's own.
func checkDir(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return unstartable{statusFailed, fmt.Sprintf("its working directory %s cannot be entered: %v", dir, reason(err))}
	case !info.IsDir():
		return unstartable{statusFailed, fmt.Sprintf("its working directory %s is not a directory", dir)}
	}
	return nil
}

// shellCommand gives the words that run a script file as a step's `run:` with
// this `shell:` does (Runner.Worker/Handlers/ScriptHandlerHelpers.cs).
func shellCommand(shell, file string) ([]string, error) {
	template := ""
	switch shell {
	case "":
		template = "sh -e {0}"
		if _, err := exec.LookPath("bash"); err == nil {
			template = "bash -e {0}"
		}
	case "bash":
		template = "bash --noprofile --norc -eo pipefail {0}"
	case "sh":
		template = "sh -e {0}"
	default:
		if !strings.Contains(shell, "{0}") {
			return nil, fmt.Errorf("the shell %q has no {0}: expected bash, sh, or a command line in which {0} stands for the script", shell)
		}
		template = shell
	}
	words := strings.Fields(template)
	for i, w := range words {
		words[i] = strings.ReplaceAll(w, "{0}", file)
	}
	return words, nil
}

// writeScript puts a script into a file that the command may read.
func writeScript(text string) (string, error) {
	f, err := os.CreateTemp(tempDir(), "oom143-*.sh")
	if err != nil {
		return "", fmt.Errorf("the script cannot be written: %w", err)
	}
	_, err = f.WriteString(text + "\n")
	if err := errors.Join(err, f.Chmod(0o755), f.Close()); err != nil {
		return "", fmt.Errorf("the script cannot be written: %w", err)
	}
	return f.Name(), nil
}

// tempDir is the job's temporary folder on a runner, else the system's.
func tempDir() string {
	if dir := getenv("RUNNER_TEMP"); dir != "" {
		if info, err := os.Stat(dir); err == nil && info.IsDir() && syscall.Access(dir, 2 /* W_OK */) == nil {
			return dir
		}
	}
	return os.TempDir()
}
