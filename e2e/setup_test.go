// Package e2e holds the end-to-end tests: oom143 as its users run it, and real
// kills by the kernel in memory cgroups and in containers.
//
// They need root, a Docker engine and some minutes, so they run only with
// OOM143_E2E=1 (make e2e does it all). A test that lacks something is skipped
// with its name; with CI=true it fails instead.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// programs are the programs under test and the examples, built once.
type programs struct {
	root   string // the repository
	oom143 string
	leak   string // the tests of examples/go, static
	grow   string // see the folder grow
	err    error
}

var (
	built     programs
	buildOnce sync.Once
	buildDir  string
)

func TestMain(m *testing.M) {
	status := m.Run()
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
	os.Exit(status)
}

// setUp skips the test unless end-to-end tests are asked for, and gives the
// programs.
func setUp(t *testing.T) programs {
	t.Helper()
	if os.Getenv("OOM143_E2E") == "" {
		t.Skip("end-to-end tests run with OOM143_E2E=1, as in `make e2e`")
	}
	buildOnce.Do(func() { built = build() })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built
}

func build() programs {
	root, err := filepath.Abs("..")
	if err != nil {
		return programs{err: err}
	}
	buildDir, err = os.MkdirTemp("", "oom143-e2e-")
	if err != nil {
		return programs{err: err}
	}
	p := programs{
		root:   root,
		oom143: filepath.Join(buildDir, "oom143"),
		leak:   filepath.Join(buildDir, "leak.test"),
		grow:   filepath.Join(buildDir, "grow"),
	}
	for _, step := range []struct {
		dir  string
		args []string
	}{
		{root, []string{"build", "-trimpath", "-o", p.oom143, "."}},
		{filepath.Join(root, "examples", "go"), []string{"test", "-c", "-o", p.leak, "."}},
		{root, []string{"build", "-o", p.grow, "./e2e/grow"}},
	} {
		cmd := exec.Command("go", step.args...)
		cmd.Dir = step.dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return programs{err: fmt.Errorf("go %v: %w\n%s", step.args, err, out)}
		}
	}
	return p
}

// missing ends the test because something that it needs is not there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("needs %s; CI has everything", what)
	}
	t.Skipf("needs %s", what)
}

// tool gives the path of a program that the test needs, the first that is
// there of several names.
func tool(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, names[0])
	return ""
}
