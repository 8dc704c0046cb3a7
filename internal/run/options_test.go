package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/oom143-action/internal/watch"
)

func TestSetLimit(t *testing.T) {
	for in, want := range map[string]watch.Limit{
		"":           {},
		"auto":       {},
		" auto ":     {},
		"7GB":        {Bytes: 7_000_000_000},
		"7GiB":       {Bytes: 7 << 30},
		"7 GiB":      {Bytes: 7 << 30},
		"512MB":      {Bytes: 512_000_000},
		"1.5gb":      {Bytes: 1_500_000_000},
		"7000000000": {Bytes: 7_000_000_000},
		"80%":        {Percent: 80},
		"0.5%":       {Percent: 0.5},
		"100%":       {Percent: 100},
	} {
		o := &options{limit: watch.Limit{Bytes: 1}}
		if err := o.setLimit(in); err != nil || o.limit != want {
			t.Errorf("setLimit(%q) = %+v, %v, want %+v", in, o.limit, err, want)
		}
	}
	for _, in := range []string{
		"7XB", "-1", "-7GB", "0", "0GB", "0%", "101%", "-5%", "%", "NaN%", "Inf%", "x%", "GB", "7GB7", "Auto", "1e400GB",
		"99999999999999EB", "80 percent", "0.1B", "7", "999kB", "7,5GB",
	} {
		o := &options{limit: watch.Limit{Bytes: 1}}
		if err := o.setLimit(in); err == nil || !strings.Contains(err.Error(), "7GiB") {
			t.Errorf("setLimit(%q) = %+v, error %v, want one that says what is allowed", in, o.limit, err)
		} else if o.limit != (watch.Limit{Bytes: 1}) {
			t.Errorf("setLimit(%q) refuses and sets %+v", in, o.limit)
		}
	}
}

func FuzzSetLimit(f *testing.F) {
	for _, s := range []string{"auto", "7GB", "7GiB", "80%", "-1", "0", "7XB", "1,000 kB", "1e3", "NaN%", "..", "٣GB", "18446744073709551615"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o := &options{}
		err := o.setLimit(s)
		l := o.limit
		trimmed := strings.TrimSpace(s)
		switch {
		case err != nil && l != (watch.Limit{}):
			t.Errorf("setLimit(%q) refuses and sets %+v", s, l)
		case err == nil && l == (watch.Limit{}) && trimmed != "" && trimmed != "auto":
			t.Errorf("setLimit(%q) sets nothing", s)
		case l.Bytes != 0 && l.Percent != 0, l.Percent < 0, l.Percent > 100, l.Percent != l.Percent:
			t.Errorf("setLimit(%q) = %+v", s, l)
		case err == nil && strings.HasPrefix(trimmed, "-"):
			t.Errorf("setLimit(%q) takes a negative size: %+v", s, l)
		}
	})
}

func TestSetTimeout(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "30m": 30 * time.Minute, "6h": 6 * time.Hour, "1h30m": 90 * time.Minute, "0.5s": 500 * time.Millisecond,
		"1ms": time.Millisecond,
	} {
		o := &options{}
		if err := o.setTimeout(in); err != nil || o.timeout != want {
			t.Errorf("setTimeout(%q) = %v, %v, want %v", in, o.timeout, err, want)
		}
	}
	for _, in := range []string{"", "30", "0", "0s", "-1m", "soon", "1d", "1ns", "999us", "9999999h"} {
		if err := new(options).setTimeout(in); err == nil || !strings.Contains(err.Error(), "30m") {
			t.Errorf("setTimeout(%q): error %v, want one that says what is allowed", in, err)
		}
	}
}

func TestSetTimeoutMinutes(t *testing.T) {
	for in, want := range map[string]time.Duration{"30": 30 * time.Minute, "0.5": 30 * time.Second, "360": 6 * time.Hour} {
		o := &options{}
		if err := o.setTimeoutMinutes(in); err != nil || o.timeout != want {
			t.Errorf("setTimeoutMinutes(%q) = %v, %v, want %v", in, o.timeout, err, want)
		}
	}
	for _, in := range []string{"", "0", "-1", "30m", "NaN", "Inf", "1e9", "1e-9"} {
		if err := new(options).setTimeoutMinutes(in); err == nil || !strings.Contains(err.Error(), "minutes") {
			t.Errorf("setTimeoutMinutes(%q): error %v, want one that says what is allowed", in, err)
		}
	}
}

func TestSetWarnAt(t *testing.T) {
	for in, want := range map[string]int{"1": 1, "80": 80, "100": 100} {
		o := &options{}
		if err := o.setWarnAt(in); err != nil || o.warnAt != want {
			t.Errorf("setWarnAt(%q) = %v, %v, want %v", in, o.warnAt, err, want)
		}
	}
	for _, in := range []string{"", "0", "101", "300", "-1", "80%", "1.5", "x"} {
		if err := new(options).setWarnAt(in); err == nil {
			t.Errorf("setWarnAt(%q) is taken", in)
		}
	}
}

func TestFindCommand(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"bin/tool": 0o755, "bin/plain": 0o644, "bin/folder/x": 0o644, "sub/here": 0o755, "sub/text": 0o644} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	for _, c := range []struct {
		name, dir, want string
		status          int
		reason          string
	}{
		{"tool", "", filepath.Join(dir, "bin/tool"), 0, ""},
		{"./bin/tool", "", "./bin/tool", 0, ""},
		{filepath.Join(dir, "bin/tool"), "sub", filepath.Join(dir, "bin/tool"), 0, ""},
		{"./here", filepath.Join(dir, "sub"), filepath.Join(dir, "sub/here"), 0, ""},
		{"./text", filepath.Join(dir, "sub"), "", 126, "it is not executable"},
		{"", "", "", 127, "the command's name is empty"},
		{"nothere", "", "", 127, "it was not found in PATH"},
		{"plain", "", "", 126, "it is not executable"},
		{"folder", "", "", 127, "it was not found in PATH"},
		{"./nothere", "", "", 127, "there is no such file"},
		{"./bin/plain", "", "", 126, "it is not executable"},
		{"./bin/folder", "", "", 126, "it is a directory"},
		{"./bin/plain/x", "", "", 127, "there is no such file"},
	} {
		got, err := findCommand(c.name, c.dir)
		if c.status == 0 {
			if err != nil || got != c.want {
				t.Errorf("findCommand(%q, %q) = %q, %v, want %q", c.name, c.dir, got, err, c.want)
			}
			continue
		}
		if want := (unstartable{c.status, c.reason}); err != want {
			t.Errorf("findCommand(%q, %q): %#v, want %#v", c.name, c.dir, err, want)
		}
	}
	t.Setenv("PATH", "bin")
	if got, err := findCommand("tool", ""); err != nil || got != "bin/tool" {
		t.Errorf("with a relative PATH: %q, %v", got, err)
	}
}

func TestShellCommand(t *testing.T) {
	withBash, without := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(withBash, "bash"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		shell, path, want string
	}{
		{"", withBash, "bash -e /t/s.sh"},
		{"", without, "sh -e /t/s.sh"},
		{"bash", without, "bash --noprofile --norc -eo pipefail /t/s.sh"},
		{"sh", withBash, "sh -e /t/s.sh"},
		{"python3 -u {0}", without, "python3 -u /t/s.sh"},
		{"bash  --rcfile={0}.rc {0}", without, "bash --rcfile=/t/s.sh.rc /t/s.sh"},
	} {
		t.Setenv("PATH", c.path)
		got, err := shellCommand(c.shell, "/t/s.sh")
		if diff := cmp.Diff(strings.Fields(c.want), got); err != nil || diff != "" {
			t.Errorf("shellCommand(%q): %v\n%s", c.shell, err, diff)
		}
	}
	for _, shell := range []string{"python", "bash -e", "{1}"} {
		if _, err := shellCommand(shell, "/t/s.sh"); err == nil || !strings.Contains(err.Error(), "has no {0}: expected bash, sh, or ") {
			t.Errorf("shellCommand(%q): %v", shell, err)
		}
	}
	// The file's name is one word whatever stands in it.
	if got, _ := shellCommand("bash {0}", "/t/a b.sh"); len(got) != 2 || got[1] != "/t/a b.sh" {
		t.Errorf("a blank in the file's name: %q", got)
	}
}

func TestHostPath(t *testing.T) {
	for _, c := range []struct{ name, path, temp, workspace, want string }{
		{"container action", "/github/runner_temp/r.json", "/github/runner_temp", "/home/runner/work/repo", "/home/runner/work/_temp/r.json"},
		{"below a folder", "/github/runner_temp/a/r.json", "/github/runner_temp", "/home/runner/work/repo", "/home/runner/work/_temp/a/r.json"},
		{"on the host", "/home/runner/work/_temp/r.json", "/home/runner/work/_temp", "/home/runner/work/repo", "/home/runner/work/_temp/r.json"},
		{"elsewhere", "/tmp/r.json", "/github/runner_temp", "/home/runner/work/repo", "/tmp/r.json"},
		{"a similar name", "/github/runner_temporary/r.json", "/github/runner_temp", "/home/runner/work/repo", "/github/runner_temporary/r.json"},
		{"workspace not known", "/github/runner_temp/r.json", "/github/runner_temp", "", "/github/runner_temp/r.json"},
		{"none", "", "/github/runner_temp", "/home/runner/work/repo", ""},
	} {
		t.Setenv("RUNNER_TEMP", c.temp)
		t.Setenv("RUNNER_WORKSPACE", c.workspace)
		if got := hostPath(c.path); got != c.want {
			t.Errorf("%s: hostPath(%q) = %q, want %q", c.name, c.path, got, c.want)
		}
	}
}

func TestIsSecret(t *testing.T) {
	for _, name := range []string{
		"INPUT_RUN", "INPUT_GITHUB-TOKEN", "INPUT_", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_RUNTIME_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
		"ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_CACHE_URL", "ACTIONS_RESULTS_URL",
	} {
		if !isSecret(name) {
			t.Errorf("%s reaches the command", name)
		}
	}
	for _, name := range []string{"", "PATH", "INPUT", "MY_INPUT_RUN", "GITHUB_OUTPUT", "GITHUB_TOKEN", "ACTIONS_STEP_DEBUG", "ACTIONS_RUNNER_DEBUG", "RUNNER_TEMP", "DB_TOKEN"} {
		if isSecret(name) {
			t.Errorf("%s does not reach the command", name)
		}
	}
}
