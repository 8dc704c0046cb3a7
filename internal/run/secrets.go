package run

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// secretsVariable names the descriptor that holds the secrets after oom143
// has executed itself again.
const secretsVariable = "OOM143_SECRETS_FD"

// isSecret tells whether a variable is for oom143 and never for the command:
// the action's inputs, among them the token, and the tokens and addresses of
// the runner's services, which a `run:` step does not get either.
func isSecret(name string) bool {
	if strings.HasPrefix(name, "INPUT_") {
		return true
	}
	rest, ok := strings.CutPrefix(name, "ACTIONS_")
	return ok && (strings.HasPrefix(rest, "RUNTIME_") || strings.HasPrefix(rest, "ID_TOKEN_") ||
		strings.HasPrefix(rest, "CACHE_") || strings.HasPrefix(rest, "RESULTS_") || strings.Contains(rest, "TOKEN"))
}

// repeatsInput tells whether a variable is an input under its own name, as act
// passes it besides INPUT_NAME.
func repeatsInput(name, value string, secrets map[string]string) bool {
	input, ok := secrets["INPUT_"+strings.ToUpper(name)]
	return ok && value == input && name == strings.ToLower(name)
}

// takeSecrets gives the secret variables and makes sure that they stand in no
// environment: not in the command's, and not in /proc/PID/environ of this
// process, which shows what a program was executed with. So oom143 executes
// itself again without them, and hands them over in memory. It also makes the
// process not dumpable (PR_SET_DUMPABLE, prctl(2)), so that other processes
// of the same user cannot read its memory.
func takeSecrets() (map[string]string, error) {
	secrets := map[string]string{}
	if fd := os.Getenv(secretsVariable); fd != "" {
		os.Unsetenv(secretsVariable)
		if err := readSecrets(fd, secrets); err != nil {
			return nil, err
		}
	}
	for _, v := range os.Environ() {
		if name, value, _ := strings.Cut(v, "="); isSecret(name) {
			secrets[name] = value
		}
	}
	var rest []string
	for _, v := range os.Environ() {
		if name, value, _ := strings.Cut(v, "="); !isSecret(name) && !repeatsInput(name, value, secrets) {
			rest = append(rest, v)
		}
	}
	if len(rest) < len(os.Environ()) {
		return nil, executeAgain(secrets, rest)
	}
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	return secrets, nil
}

func readSecrets(fd string, into map[string]string) error {
	n, err := strconv.Atoi(fd)
	if err != nil {
		return fmt.Errorf("%s is %q: expected a descriptor", secretsVariable, fd)
	}
	f := os.NewFile(uintptr(n), "secrets")
	if f == nil {
		return fmt.Errorf("%s is %d: expected a descriptor", secretsVariable, n)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("reading the secrets: %w", err)
	}
	return json.Unmarshal(text, &into)
}

// executeAgain does not return when all goes well.
func executeAgain(secrets map[string]string, env []string) error {
	text, err := json.Marshal(secrets)
	if err != nil {
		return err
	}
	fd, err := unix.MemfdCreate("secrets", 0)
	if err != nil {
		return fmt.Errorf("memory for the secrets: %w", err)
	}
	if _, err := unix.Write(fd, text); err != nil {
		return fmt.Errorf("memory for the secrets: %w", err)
	}
	if _, err := unix.Seek(fd, 0, io.SeekStart); err != nil {
		return fmt.Errorf("memory for the secrets: %w", err)
	}
	env = append(env, secretsVariable+"="+strconv.Itoa(fd))
	self, err := os.Executable() // its name stays the process's name
	if err != nil {
		self = "/proc/self/exe"
	}
	return fmt.Errorf("executing oom143 without the secrets: %w", syscall.Exec(self, os.Args, env))
}
