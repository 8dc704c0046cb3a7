package hooks

import (
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const goProject = `
-- go.mod --
module example.com/m

go 1.20
-- a/a.go --
package a

func Half(n int) int { return n / 2 }
-- a/a_test.go --
package a

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

func TestPlain(t *testing.T) {
	if Half(4) != 2 {
		t.Fatal("no half")
	}
}

func TestSub(t *testing.T) {
	for _, name := range []string{"one", "two words"} {
		t.Run(name, func(t *testing.T) {})
	}
}

func TestSkip(t *testing.T) { t.Skip() }

func TestKill(t *testing.T) {
	if os.Getenv("KILL") != "" {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}

func ExampleHalf() {
	fmt.Println(Half(2))
	// Output: 1
}

func FuzzHalf(f *testing.F) {
	f.Add(3)
	f.Fuzz(func(t *testing.T, n int) { Half(n) })
}

func BenchmarkHalf(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Half(i)
	}
}
-- b/b_test.go --
package b_test

import "testing"

func TestParallel(t *testing.T) {
	t.Parallel()
}

func TestPlain(t *testing.T) {}
`

func needGo(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs: go")
	}
}

// goStory leaves out what else the go command ran.
func goStory(events []Event, pkg string) []string {
	return story(slices.DeleteFunc(events, func(e Event) bool { return !strings.HasPrefix(e.ID, "example.com/m/"+pkg+".") }))
}

func TestGoEvents(t *testing.T) {
	needGo(t)
	dir := project(t, goProject)
	o := execute(t, openSession(t), dir, nil, "go", "test", "-bench=.", "-benchtime=1x", "./...")
	if o.status != 0 {
		t.Fatalf("status %d\n%s%s", o.status, o.stdout, o.stderr)
	}
	for _, e := range o.events {
		if e.PID == 0 || e.Time.IsZero() || e.Framework != "go" || (e.Action == Start && !strings.Contains(e.ID, "seed#")) != (e.File != "") {
			t.Errorf("incomplete: %+v", e)
		}
		if (e.Action == Start || e.Action == Finish) && e.RSS < 1<<20 {
			t.Errorf("no resident memory: %+v", e)
		}
		if e.File != "" && !strings.HasPrefix(e.File, dir+"/") {
			t.Errorf("%s is not in %s", e.File, dir)
		}
	}
	want := []string{
		"start example.com/m/a.TestPlain a_test.go:14",
		"finish example.com/m/a.TestPlain passed",
		"start example.com/m/a.TestSub a_test.go:16",
		"start example.com/m/a.TestSub/one a_test.go:18",
		"finish example.com/m/a.TestSub/one passed",
		"start example.com/m/a.TestSub/two_words a_test.go:18",
		"finish example.com/m/a.TestSub/two_words passed",
		"finish example.com/m/a.TestSub passed",
		"start example.com/m/a.TestSkip a_test.go:22",
		"finish example.com/m/a.TestSkip skipped",
		"start example.com/m/a.TestKill a_test.go:24",
		"finish example.com/m/a.TestKill passed",
		"start example.com/m/a.FuzzHalf a_test.go:35",
		"start example.com/m/a.FuzzHalf/seed#0",
		"finish example.com/m/a.FuzzHalf/seed#0 passed",
		"finish example.com/m/a.FuzzHalf passed",
		"start example.com/m/a.ExampleHalf a_test.go:30",
		"finish example.com/m/a.ExampleHalf",
		"start example.com/m/a.BenchmarkHalf a_test.go:41",
		"finish example.com/m/a.BenchmarkHalf passed",
	}
	if diff := cmp.Diff(want, goStory(slices.Clone(o.events), "a")); diff != "" {
		t.Error(diff)
	}
	want = []string{
		"start example.com/m/b.TestParallel b_test.go:5",
		"pause example.com/m/b.TestParallel",
		"start example.com/m/b.TestPlain b_test.go:9",
		"finish example.com/m/b.TestPlain passed",
		"resume example.com/m/b.TestParallel",
		"finish example.com/m/b.TestParallel passed",
	}
	if diff := cmp.Diff(want, goStory(slices.Clone(o.events), "b")); diff != "" {
		t.Error(diff)
	}
}

// The last event of a killed process is the start of the test it was in.
func TestGoKilled(t *testing.T) {
	needGo(t)
	dir := project(t, goProject)
	for _, flags := range []string{"", "-v", "-json", "-race", "-cover", "-trimpath", "-trimpath -cover -v"} {
		t.Run(flags, func(t *testing.T) {
			argv := append([]string{"go", "test"}, strings.Fields(flags)...)
			o := execute(t, openSession(t), dir, []string{"KILL=1"}, append(argv, "./a")...)
			if o.status != 1 || len(o.events) == 0 {
				t.Fatalf("status %d, %d events\n%s%s", o.status, len(o.events), o.stdout, o.stderr)
			}
			last := o.events[len(o.events)-1]
			if last.Action != Start || last.ID != "example.com/m/a.TestKill" || last.File != filepath.Join(dir, "a/a_test.go") || last.Line != 24 {
				t.Errorf("last event %+v", last)
			}
		})
	}
}

var goTimes = regexp.MustCompile(`\d+\.\d+s|"Time":"[^"]*"|"Elapsed":[\d.e-]+`)

// Nothing that the user sees changes, a failure's stack trace included.
func TestGoUnchanged(t *testing.T) {
	needGo(t)
	dir := project(t, goProject+`
-- c/c_test.go --
package c

import "testing"

func TestFail(t *testing.T) { t.Error("wrong") }

func TestPanic(t *testing.T) { panic("out") }
`)
	addresses := regexp.MustCompile(`0x[0-9a-f]+|\{0x.*\}|goroutine \d+|\+0x[0-9a-f]+`)
	for _, argv := range [][]string{
		{"go", "test", "-count=1", "-v", "./a", "./b"},
		{"go", "test", "-count=1", "-json", "./c"},
		{"go", "test", "-count=1", "./c"},
		{"go", "vet", "./..."},
		{"go", "list", "-deps", "./a"},
	} {
		t.Run(strings.Join(argv, " "), func(t *testing.T) {
			without := execute(t, nil, dir, nil, argv...)
			with := execute(t, openSession(t), dir, nil, argv...)
			clean := func(s string) string {
				return addresses.ReplaceAllString(goTimes.ReplaceAllString(s, "T"), "0x")
			}
			if with.status != without.status {
				t.Errorf("status %d, want %d", with.status, without.status)
			}
			if diff := cmp.Diff(clean(without.stdout), clean(with.stdout)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(clean(without.stderr), clean(with.stderr)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A result that is cached in one run is valid in the next, which has another
// folder.
func TestGoCacheKept(t *testing.T) {
	needGo(t)
	dir := project(t, goProject)
	first := execute(t, openSession(t), dir, nil, "go", "test", "./b")
	second := execute(t, openSession(t), dir, nil, "go", "test", "./b")
	if first.status != 0 || !strings.Contains(second.stdout, "(cached)") {
		t.Errorf("first:\n%s%s\nsecond:\n%s%s", first.stdout, first.stderr, second.stdout, second.stderr)
	}
	if len(first.events) == 0 || len(second.events) != 0 {
		t.Errorf("%d and %d events, want some and none", len(first.events), len(second.events))
	}
}

func TestGoFlags(t *testing.T) {
	needGo(t)
	s := openSession(t)
	overlay := "-overlay=" + s.Path("_go/overlay.json")
	settings := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(settings, []byte("# settings\nGOFLAGS=-mod=mod -tags=x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env  []string
		want string
	}{
		"none":           {[]string{"GOFLAGS=", "GOENV=off"}, overlay},
		"variable":       {[]string{"GOFLAGS=-v", "GOENV=" + settings}, "-v " + overlay},
		"go env -w":      {[]string{"GOFLAGS=", "GOENV=" + settings}, "-mod=mod -tags=x " + overlay},
		"user's overlay": {[]string{"GOFLAGS=-overlay=mine.json", "GOENV=off"}, "-overlay=mine.json"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnviron(append(os.Environ(), test.env...), Command{})
			goEnviron(s, e)
			if got := e.get("GOFLAGS"); got != test.want {
				t.Errorf("GOFLAGS=%q, want %q", got, test.want)
			}
		})
	}
}

// goReleases are the minor releases that goEdits must fit. Their toolchains
// are taken from the module cache, where
// `GOTOOLCHAIN=go1.24.9 go version` puts one.
var goReleases = []string{"1.20", "1.21", "1.22", "1.23", "1.24", "1.25", "1.26"}

func goRelease(t testing.TB, release string) string {
	t.Helper()
	needGo(t)
	out, err := exec.Command("go", "env", "GOROOT", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	root, modcache, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if version, err := os.ReadFile(filepath.Join(root, "VERSION")); err == nil && strings.HasPrefix(string(version), "go"+release+".") {
		return root
	}
	roots := newestFirst(filepath.Join(modcache, "golang.org", "toolchain@v0.0.1-go"+release+".*"))
	if len(roots) == 0 {
		t.Skip("needs: Go " + release)
	}
	return roots[0]
}

func TestGoReleasesPatched(t *testing.T) {
	for _, release := range goReleases {
		t.Run(release, func(t *testing.T) {
			dir := filepath.Join(goRelease(t, release), "src", "testing")
			patched, err := patchGo(dir)
			if err != nil {
				t.Fatal(err)
			}
			for name := range goEdits {
				source, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if got, want := strings.Count(string(patched[name]), "\n"), strings.Count(string(source), "\n"); got != want {
					t.Errorf("%s has %d lines, want %d", name, got, want)
				}
			}
		})
	}
}

// Another distribution than the one on this machine's PATH.
func TestGoReleasesRun(t *testing.T) {
	for _, release := range []string{"1.20", "1.23"} {
		t.Run(release, func(t *testing.T) {
			if testing.Short() {
				t.Skip("compiles a standard library")
			}
			root := goRelease(t, release)
			env := []string{
				"PATH=" + filepath.Join(root, "bin") + ":" + os.Getenv("PATH"), "GOROOT=", "GOTOOLCHAIN=local", "KILL=1",
				"GOMODCACHE=" + t.TempDir(), // the toolchain's own place is not under it
			}
			o := execute(t, openSession(t), project(t, goProject), env, "go", "test", "./a")
			if len(o.events) == 0 || o.events[len(o.events)-1].ID != "example.com/m/a.TestKill" {
				t.Fatalf("status %d, %d events\n%s%s", o.status, len(o.events), o.stdout, o.stderr)
			}
		})
	}
}

// A toolchain in the module cache, an unknown or an ancient distribution: the
// environment stays as it is.
func TestGoLeftAlone(t *testing.T) {
	root := func(t *testing.T, version, testing string) string {
		return project(t, "-- VERSION --\n"+version+"\n-- src/testing/testing.go --\n"+testing+"\n-- bin/go --\n")
	}
	for name, env := range map[string]func(t *testing.T) []string{
		"none": func(t *testing.T) []string { return nil },
		"unknown": func(t *testing.T) []string {
			return []string{"GOROOT=" + root(t, "go1.99", "package testing")}
		},
		"ancient": func(t *testing.T) []string {
			return []string{"GOROOT=" + root(t, "go1.15.2", "package testing")}
		},
		"module cache": func(t *testing.T) []string {
			r := goRelease(t, "1.26")
			return []string{"GOROOT=" + r, "GOMODCACHE=" + filepath.Dir(r)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			layouts := goLayouts
			goLayouts = nil
			defer func() { goLayouts = layouts }()
			e := newEnviron(env(t), Command{})
			goEnviron(openSession(t), e)
			if flags, ok := e.lookup("GOFLAGS"); ok {
				t.Errorf("GOFLAGS=%s", flags)
			}
		})
	}
}

// Tests that are compiled for another system compile as before.
func TestGoOtherSystem(t *testing.T) {
	needGo(t)
	env := []string{"GOOS=windows", "CGO_ENABLED=0"}
	o := execute(t, openSession(t), project(t, goProject), env, "go", "vet", "testing", "./b")
	if o.status != 0 {
		t.Errorf("status %d\n%s%s", o.status, o.stdout, o.stderr)
	}
}

// The types of package syscall differ from machine to machine.
func TestGoOtherMachines(t *testing.T) {
	needGo(t)
	plugin, err := goFiles.ReadFile("golang/oom143_linux.go")
	if err != nil {
		t.Fatal(err)
	}
	const around = `package testing
type common struct { name string; parent *common }
func (*common) Failed() bool { return false }
func (*common) Skipped() bool { return false }
type T struct { common }
type B struct { common }
var isFuzzWorker *bool
`
	saved := build.Default
	defer func() { build.Default = saved }()
	build.Default.CgoEnabled, build.Default.ToolTags = false, nil
	for _, machine := range []string{"386", "arm", "arm64", "mips", "s390x"} {
		build.Default.GOARCH = machine
		files := token.NewFileSet()
		var parsed []*ast.File
		for name, text := range map[string]string{"plugin.go": string(plugin), "around.go": around} {
			file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, file)
		}
		check := types.Config{Importer: importer.ForCompiler(files, "source", nil), Sizes: types.SizesFor("gc", machine)}
		if _, err := check.Check("testing", files, parsed, nil); err != nil {
			t.Errorf("%s: %v", machine, err)
		}
	}
}

func TestGoHardships(t *testing.T) {
	needGo(t)
	dir := project(t, `
-- go.mod --
module example.com/m

go 1.25
-- h_test.go --
package m

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestDescriptors(t *testing.T) {
	for fd := 3; fd < 100; fd++ {
		// Go itself dies without its poller.
		name := make([]byte, 10)
		if n, err := syscall.Readlink("/proc/self/fd/"+strconv.Itoa(fd), name); err == nil && string(name[:n]) != "anon_inode" {
			syscall.Close(fd)
		}
	}
	for range 20 {
		if _, err := os.Create(t.TempDir() + "/mine"); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("mine", nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestClearEnvironment(t *testing.T) { os.Clearenv() }

func TestDirectory(t *testing.T) { os.Chdir("/") }

func TestLong(t *testing.T) {
	t.Run(strings.Repeat("n", 10000), func(t *testing.T) {})
}

func TestOdd(t *testing.T) {
	t.Run("a\"b\\c\nd: é \xff\U0001f600", func(t *testing.T) {})
}

func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { time.Sleep(time.Hour) })
}
`)
	o := execute(t, openSession(t), dir, nil, "go", "test", ".")
	if o.status != 0 {
		t.Fatalf("status %d\n%s%s", o.status, o.stdout, o.stderr)
	}
	var got []string
	for _, e := range o.events {
		if e.Action == Start {
			got = append(got, strings.TrimPrefix(e.ID, "example.com/m."))
		}
		if e.Action != Loaded && (e.Time.Year() < 2020 || len(e.ID) > MaxID) {
			t.Errorf("%+v", e)
		}
	}
	long := "TestLong/" + strings.Repeat("n", MaxID-len("example.com/m.TestLong/")-6)
	want := []string{
		"TestDescriptors", "TestClearEnvironment", "TestDirectory", "TestLong", long,
		"TestOdd", "TestOdd/a\"b\\c_d:_é_\ufffd\U0001f600", "TestBubble",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(o.events); n != 2*len(want)+1 {
		t.Errorf("%d events, want %d", n, 2*len(want)+1)
	}
}

// A fuzz worker tries thousands of inputs a second; they are one test.
func TestGoFuzzing(t *testing.T) {
	needGo(t)
	dir := project(t, goProject)
	o := execute(t, openSession(t), dir, nil, "go", "test", "-run=NONE", "-fuzz=Half", "-fuzztime=300x", "-parallel=1", "./a")
	if o.status != 0 || len(o.events) > 20 {
		t.Fatalf("status %d, %d events\n%s%s", o.status, len(o.events), o.stdout, o.stderr)
	}
	pids := map[int]bool{}
	for _, e := range o.events {
		if e.Action == Start {
			pids[e.PID] = true
		}
	}
	if len(pids) < 2 {
		t.Errorf("only %d processes reported %v", len(pids), story(o.events))
	}
}

// The user's own -overlay and -exec on the command line go before ours.
func TestGoUsersOwn(t *testing.T) {
	needGo(t)
	dir := project(t, goProject+"-- mine.json --\n{}\n")
	for _, flag := range []string{"-overlay=mine.json", "-exec=env"} {
		o := execute(t, openSession(t), dir, nil, "go", "test", "-count=1", flag, "./b")
		if o.status != 0 || (len(o.events) > 0) != (flag == "-exec=env") {
			t.Errorf("%s: status %d, %d events\n%s%s", flag, o.status, len(o.events), o.stdout, o.stderr)
		}
	}
}

// A test binary that was built before runs on its own.
func TestGoCompiled(t *testing.T) {
	needGo(t)
	dir := project(t, goProject)
	s := openSession(t)
	binary := filepath.Join(t.TempDir(), "b.test")
	if o := execute(t, s, dir, nil, "go", "test", "-c", "-o", binary, "./b"); o.status != 0 {
		t.Fatal(o.stderr)
	}
	if o := execute(t, s, dir, nil, binary); o.status != 0 || len(goStory(o.events, "b")) == 0 {
		t.Errorf("status %d, %v", o.status, story(o.events))
	}
	if o := execute(t, nil, dir, []string{"OOM143_EVENTS=/nonexistent/events"}, binary); o.status != 0 || o.stdout != "PASS\n" || o.stderr != "" {
		t.Errorf("without the event file: status %d\n%s%s", o.status, o.stdout, o.stderr)
	}
}
