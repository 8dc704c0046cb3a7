package watch

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// No secret stands in the command's environment, nor where /proc shows the
// environment and the arguments of oom143 and the guard, and the files and
// memory that it may open do not lead there.
func TestSecrets(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-value"
	ready := file(t, "ready")
	r := watched(t)
	r.Path = built(t)
	r.Args = []string{"oom143", "run", "--hooks", "off", "--record", r.record, "--", "sh", "-c", fmt.Sprintf("env; echo $$ > %s; read x", ready)}
	for _, name := range []string{"INPUT_GITHUB-TOKEN", "INPUT_RUN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"} {
		r.Env = append(r.Env, name+"="+secret)
	}
	r.Env = append(r.Env, "KEPT=kept-value")
	in, err := r.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.start()
	command := number(t, ready)
	guard := r.guard()
	for _, pid := range []int{command, guard, r.Process.Pid} {
		for _, name := range []string{"environ", "cmdline"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			if err == nil && strings.Contains(string(b), secret) {
				t.Errorf("/proc/%d/%s shows the secret", pid, name)
			}
		}
		entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		for _, e := range entries {
			if to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name())); strings.Contains(to, "secrets") {
				t.Errorf("process %d holds %s open", pid, to)
			}
		}
	}
	fmt.Fprintln(in)
	in.Close()
	r.endsWith(0)
	if strings.Contains(r.stdout.String(), secret) || !strings.Contains(r.stdout.String(), "KEPT=kept-value\n") {
		t.Errorf("the command's environment:\n%s", &r.stdout)
	}
	if b, _ := os.ReadFile(r.record); strings.Contains(string(b), secret) || len(b) == 0 {
		t.Error("the record shows the secret, or is empty")
	}
}

// The guard holds nothing of oom143's environment.
func TestGuardHasNoEnvironment(t *testing.T) {
	t.Parallel()
	r := watched(t, shell("sleep 0.3; cat")...).start()
	r.spawned()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", r.guard()))
	if err != nil || string(b) != "GOTRACEBACK=none\x00" {
		t.Errorf("%q, %v", b, err)
	}
	r.endsWith(0)
}
