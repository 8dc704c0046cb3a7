package hooks

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// suite is a small test suite in a folder of its own and the way to run it.
type suite struct {
	dir     string
	argv    []string
	env     []string // besides the test's own
	command []string // what the session is told to be the command, argv if nil
}

// newSuite writes the files, by path and text.
func newSuite(t testing.TB, files map[string]string, argv ...string) suite {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return suite{dir: dir, argv: argv}
}

// needPrograms skips the test where one of the programs is not installed.
func needPrograms(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
}

// needMatrix skips a slow test unless the matrix is asked for.
func needMatrix(t testing.TB) {
	t.Helper()
	if os.Getenv("OOM143_MATRIX") != "1" {
		t.Skip("takes long: set OOM143_MATRIX=1 to run it")
	}
}

// process is a suite that runs.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

func (s suite) start(t testing.TB, env []string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(s.argv[0], s.argv[1:]...)}
	p.cmd.Dir, p.cmd.Env = s.dir, env
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = 10 * time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
	return p
}

func (p *process) wait() outcome {
	_ = p.cmd.Wait()
	o := outcome{stdout: p.stdout.String(), stderr: p.stderr.String(), status: p.cmd.ProcessState.ExitCode()}
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		o.status = 128 + int(ws.Signal())
	}
	return o
}

func (s suite) environ() []string {
	own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, EventsVariable+"=") })
	return append(own, s.env...)
}

// plain runs the suite without hooks.
func (s suite) plain(t testing.TB) outcome {
	t.Helper()
	return s.start(t, s.environ()).wait()
}

// hooks is the environment with the plugins of a session.
func (s suite) hooks(session *Session) []string {
	c := Command{Argv: s.command, Dir: s.dir}
	if c.Argv == nil {
		c.Argv = s.argv
	}
	return session.Environ(s.environ(), c)
}

// hooked runs the suite with hooks.
func (s suite) hooked(t testing.TB) outcome {
	t.Helper()
	session := openSession(t)
	o := s.start(t, s.hooks(session)).wait()
	o.events = readEvents(t, session)
	return o
}

// killed runs the suite with hooks until the test that hang names was started,
// and calls kill with the pid of the command and that of the test.
func (s suite) killed(t testing.TB, hang string, kill func(command, test int)) outcome {
	t.Helper()
	session := openSession(t)
	p := s.start(t, s.hooks(session))
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		events := readEvents(t, session)
		i := slices.IndexFunc(events, func(e Event) bool { return e.Action == Start && strings.HasSuffix(e.ID, hang) })
		if i >= 0 {
			kill(p.cmd.Process.Pid, events[i].PID)
			break
		}
		if time.Now().After(deadline) || syscall.Kill(p.cmd.Process.Pid, 0) != nil {
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
			o := p.wait()
			t.Fatalf("%s was not started; events: %v\nstdout: %s\nstderr: %s", hang, events, o.stdout, o.stderr)
		}
	}
	o := p.wait()
	o.events = readEvents(t, session)
	return o
}

// The ways to die that the killed suites are tried with.
func killAll(command, _ int) { _ = syscall.Kill(-command, syscall.SIGKILL) }
func killTest(_, test int)   { _ = syscall.Kill(test, syscall.SIGKILL) }
func termAll(command, _ int) { _ = syscall.Kill(-command, syscall.SIGTERM) }

// place is a test as the verdict names it.
type place struct {
	ID, File string
	Line     int
}

// running are the tests that started and did not finish, in order.
func running(events []Event) []place {
	var tests []place
	for _, e := range events {
		switch e.Action {
		case Start:
			tests = append(tests, place{e.ID, e.File, e.Line})
		case Finish:
			if i := slices.IndexFunc(tests, func(p place) bool { return p.ID == e.ID }); i >= 0 {
				tests = slices.Delete(tests, i, i+1)
			}
		}
	}
	return tests
}

// outcomes are the outcomes of the finished tests by id; a test that was
// started or finished more than once shows as such.
func outcomes(events []Event) map[string]string {
	found, starts := map[string]string{}, map[string]int{}
	for _, e := range events {
		switch e.Action {
		case Start:
			starts[e.ID]++
		case Finish:
			found[e.ID] += e.Outcome
		}
	}
	for id, n := range starts {
		if n != 1 {
			found[id] += fmt.Sprintf(" started %d times", n)
		}
	}
	return found
}

// checkFields asks of every event what all of them must tell.
func checkFields(t *testing.T, events []Event, framework string) {
	t.Helper()
	if !slices.ContainsFunc(events, func(e Event) bool { return e.Action == Loaded }) {
		t.Error("no loaded event")
	}
	for _, e := range events {
		age := time.Since(e.Time)
		if e.Framework != framework || e.PID < 2 || e.RSS < 1<<20 || e.RSS > 4<<30 || age < 0 || age > 5*time.Minute {
			t.Errorf("implausible event %+v", e)
		}
	}
}

// lineOf is the line, from 1, of the first one in text that has part in it.
func lineOf(t testing.TB, text, part string) int {
	t.Helper()
	before, _, found := strings.Cut(text, part)
	if !found {
		t.Fatalf("no %q in the suite", part)
	}
	return 1 + strings.Count(before, "\n")
}

// pickedUp is the one thing of the hooks that is to be seen, of every JVM.
var pickedUp = regexp.MustCompile(`(?m)^(\[\w+\] )?Picked up JAVA_TOOL_OPTIONS: .*\n`)

// checkInvisible runs the suite without and with hooks and compares what it
// leaves, numbers that are durations, sizes or ids of processes aside. files
// are those that it writes, such as a JUnit report.
func checkInvisible(t *testing.T, s suite, changing *regexp.Regexp, files ...string) []Event {
	t.Helper()
	normal := func(text string) string {
		return changing.ReplaceAllString(pickedUp.ReplaceAllString(text, ""), "~")
	}
	collect := func(o outcome) map[string]string {
		all := map[string]string{"stdout": normal(o.stdout), "stderr": normal(o.stderr), "status": fmt.Sprint(o.status)}
		for _, name := range files {
			path := filepath.Join(s.dir, name)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = normal(string(data))
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	without := collect(s.plain(t))
	if without["stdout"] == "" {
		t.Fatal("the suite printed nothing")
	}
	o := s.hooked(t)
	if diff := cmp.Diff(without, collect(o)); diff != "" {
		t.Errorf("hooks can be seen (-without +with):\n%s", diff)
	}
	return o.events
}

func checkRunning(t *testing.T, o outcome, want ...place) {
	t.Helper()
	if diff := cmp.Diff(want, running(o.events)); diff != "" {
		t.Errorf("running tests (-want +got):\n%s\nstdout: %s\nstderr: %s", diff, o.stdout, o.stderr)
	}
}

func checkOutcomes(t *testing.T, events []Event, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, outcomes(events)); diff != "" {
		t.Errorf("finished tests (-want +got):\n%s", diff)
	}
}

const rspecSuite = `
RSpec.describe "Grp" do
  before { @a = 1 }
  it("fast") { expect(@a).to eq 1 }
  it("fails") { expect(@a).to eq 2 }
  it("waits") { pending "later"; raise "now" }
  it("is skipped") { skip "no" }
  %w[x y].each { |v| it("loops #{v}") { expect(v).not_to be_nil } }
end
`

const rspecHang = `
RSpec.describe "Hang" do
  it("fast") { }
  it "hangs" do
    sleep 60
  end
  it("never") { }
end
`

var rspecChanging = regexp.MustCompile(`[0-9]+\.[0-9]+(e-[0-9]+)?|[0-9-]+T[0-9:+-]+|seed="[0-9]*"`)

func TestRSpecPass(t *testing.T) {
	t.Parallel()
	needPrograms(t, "rspec")
	s := newSuite(t, map[string]string{
		"spec/a_spec.rb": rspecSuite, ".rspec": "--require ./helper\n", "helper.rb": "puts 'helper'\n",
	}, "rspec", "--order", "defined", "-fd", "-fj", "--out", "report.json")
	events := checkInvisible(t, s, rspecChanging, "report.json")
	checkFields(t, events, "rspec")
	checkOutcomes(t, events, map[string]string{
		"./spec/a_spec.rb:4": "passed", "./spec/a_spec.rb:5": "failed", "./spec/a_spec.rb:6": "skipped",
		"./spec/a_spec.rb:7": "skipped", "./spec/a_spec.rb[1:5]": "passed", "./spec/a_spec.rb[1:6]": "passed",
	})
	var phases []string
	for _, e := range events {
		if e.Action == Phase {
			phases = append(phases, e.Phase)
		}
	}
	if diff := cmp.Diff([]string{"collection", ""}, phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
}

// An id is what the command line takes.
func TestRSpecRerun(t *testing.T) {
	t.Parallel()
	needPrograms(t, "rspec")
	files := map[string]string{"spec/a_spec.rb": rspecSuite}
	for id, outcome := range map[string]string{"./spec/a_spec.rb:5": "failed", "./spec/a_spec.rb[1:6]": "passed"} {
		o := newSuite(t, files, "rspec", id).hooked(t)
		checkOutcomes(t, o.events, map[string]string{id: outcome})
	}
}

func TestRSpecKilled(t *testing.T) {
	needPrograms(t, "rspec")
	for name, kill := range map[string]func(int, int){"SIGKILL": killAll, "SIGTERM": termAll} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t, map[string]string{"spec/b_spec.rb": rspecHang}, "rspec", "--order", "defined")
			o := s.killed(t, "spec/b_spec.rb:4", kill)
			checkRunning(t, o, place{"./spec/b_spec.rb:4", filepath.Join(s.dir, "spec/b_spec.rb"), lineOf(t, rspecHang, `it "hangs"`)})
		})
	}
}

// RSpec's own words after a NoMemoryError are "2 examples, 0 failures".
func TestRSpecNoMemory(t *testing.T) {
	t.Parallel()
	needPrograms(t, "rspec")
	text := "RSpec.describe('M') { it('a') { }\n it('b') { raise NoMemoryError, 'failed to allocate memory' } }\n"
	s := newSuite(t, map[string]string{"spec/c_spec.rb": text}, "rspec", "--order", "defined")
	o := s.hooked(t)
	checkRunning(t, o, place{"./spec/c_spec.rb:2", filepath.Join(s.dir, "spec/c_spec.rb"), 2})
}

// The examples that a forked worker runs carry the worker's pid.
func TestRSpecWorkerKilled(t *testing.T) {
	t.Parallel()
	needPrograms(t, "rspec", "ruby")
	s := newSuite(t, map[string]string{
		"spec/a_spec.rb": rspecSuite, "spec/b_spec.rb": rspecHang,
		"workers.rb": `
pids = %w[a b].map { |n| fork { exec "rspec", "--order", "defined", "spec/#{n}_spec.rb" } }
pids.each { |pid| Process.wait(pid) }
puts "over"
`}, "ruby", "workers.rb")
	o := s.killed(t, "spec/b_spec.rb:4", killTest)
	checkRunning(t, o, place{"./spec/b_spec.rb:4", filepath.Join(s.dir, "spec/b_spec.rb"), 4})
	if o.status != 0 || !strings.HasSuffix(o.stdout, "over\n") {
		t.Errorf("the command was killed, not its worker: %+v", o)
	}
}

const minitestSuite = `
require "minitest/autorun"

class GrpTest < Minitest::Test
  i_suck_and_my_tests_are_order_dependent!
  def test_a_fast; assert true; end
  def test_b_fails; assert_equal 1, 2; end
  def test_c_errors; raise "x"; end
  def test_d_skipped; skip "no"; end
end

describe "a spec" do
  it("works") { _(1).must_equal 1 }
end
`

const minitestHang = `
require "minitest/autorun"
class HangTest < Minitest::Test
  i_suck_and_my_tests_are_order_dependent!
  def test_a; end

  def test_b_hangs
    sleep 60
  end
end
`

var minitestChanging = regexp.MustCompile(`[0-9]+\.[0-9]+`)

// minitests are the installed versions of Minitest by the arguments that make
// ruby use them.
func minitests(t *testing.T) map[string][]string {
	needPrograms(t, "ruby")
	if err := exec.Command("ruby", "-e", `require "minitest"`).Run(); err != nil {
		t.Skip("Minitest is not installed")
	}
	versions := map[string][]string{"installed": {"ruby"}}
	// A folder with lib/minitest.rb of another version, such as 6.
	if lib := os.Getenv("OOM143_MINITEST"); lib != "" {
		versions["OOM143_MINITEST"] = []string{"ruby", "--disable-gems", "-I", filepath.Join(lib, "lib")}
	}
	return versions
}

func TestMinitestPass(t *testing.T) {
	for version, ruby := range minitests(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t, map[string]string{"test/a_test.rb": minitestSuite}, slices.Concat(ruby, []string{"test/a_test.rb", "--seed", "1"})...)
			events := checkInvisible(t, s, minitestChanging)
			checkFields(t, events, "minitest")
			checkOutcomes(t, events, map[string]string{
				"GrpTest#test_a_fast": "passed", "GrpTest#test_b_fails": "failed", "GrpTest#test_c_errors": "failed",
				"GrpTest#test_d_skipped": "skipped", "a spec#test_0001_works": "passed",
			})
			for id, outcome := range map[string]string{"GrpTest#test_b_fails": "failed", "a spec#test_0001_works": "passed"} { // an id is what -n takes
				again := s
				again.argv = slices.Concat(s.argv, []string{"-n", id})
				checkOutcomes(t, again.hooked(t).events, map[string]string{id: outcome})
			}
		})
	}
}

func TestMinitestKilled(t *testing.T) {
	for version, ruby := range minitests(t) {
		for name, kill := range map[string]func(int, int){"SIGKILL": killAll, "SIGTERM": termAll} {
			t.Run(version+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := newSuite(t, map[string]string{"test/b_test.rb": minitestHang}, slices.Concat(ruby, []string{"test/b_test.rb"})...)
				o := s.killed(t, "test_b_hangs", kill)
				want := place{"HangTest#test_b_hangs", filepath.Join(s.dir, "test/b_test.rb"), lineOf(t, minitestHang, "def test_b_hangs")}
				checkRunning(t, o, want)
			})
		}
	}
}

// Rails forks its workers after the tests were loaded.
func TestRailsWorkerKilled(t *testing.T) {
	t.Parallel()
	needPrograms(t, "ruby")
	if err := exec.Command("ruby", "-e", `require "logger"; require "active_support"; require "active_support/test_case"`).Run(); err != nil {
		t.Skip("Active Support is not installed")
	}
	text := `
require "logger"
require "active_support"
require "active_support/test_case"
require "active_support/testing/autorun"
class A < ActiveSupport::TestCase
  parallelize(workers: 2, **(method(:parallelize).parameters.include?([:key, :threshold]) ? { threshold: 0 } : {}))
  test("quick") { assert true }
  test "hangs in a worker" do
    sleep 60
  end
end
`
	s := newSuite(t, map[string]string{"test/a_test.rb": text}, "ruby", "test/a_test.rb")
	command := 0
	o := s.killed(t, "test_hangs_in_a_worker", func(parent, worker int) {
		command = parent
		if parent == worker {
			t.Errorf("the test ran in the parent")
		}
		time.Sleep(300 * time.Millisecond) // the other worker ends its test
		killTest(parent, worker)
		killAll(parent, worker) // the parent would wait for its worker
	})
	checkRunning(t, o, place{"A#test_hangs_in_a_worker", filepath.Join(s.dir, "test/a_test.rb"), lineOf(t, text, `test "hangs`)})
	if i := slices.IndexFunc(o.events, func(e Event) bool { return e.Action == Start && e.PID == command }); i >= 0 {
		t.Errorf("a worker's test carries the parent's pid: %+v", o.events[i])
	}
}

// What tests do to their process does not stop the events, and events do not
// go where they do not belong.
func TestRubyWithstands(t *testing.T) {
	t.Parallel()
	minitests(t)
	text := `
require "minitest/autorun"
class T < Minitest::Test
  i_suck_and_my_tests_are_order_dependent!
  def test_a_folder; Dir.chdir("/"); end
  def test_b_environment; ENV.clear; end
  def test_c_closed; (3..40).each { |n| IO.for_fd(n, autoclose: false).close rescue nil }; end
  def test_d_reused
    $files = (0..40).map { |n| File.open("#{DIR}/own#{n}", "w") }
  end
  def test_e_after; assert $files.all? { |f| f.size == 0 }; end
  def test_f_objects; ObjectSpace.each_object(File) { |f| f.close rescue nil }; end
  def test_g_clock
    Process.define_singleton_method(:clock_gettime) { |*| 0 } if false
    File.define_singleton_method(:new) { |*| raise "no" }
    IO.define_singleton_method(:binread) { |*| raise "no" }
  end
  define_method("test_h_\n\"\\\u00e9\u{1f600}" + "x" * 10_000) { }
  define_method("test_i_\xff".b) { }
  def test_j_last; end
end
DIR = Dir.pwd
`
	s := newSuite(t, map[string]string{"t.rb": text}, "ruby", "t.rb")
	o := s.hooked(t)
	if o.status != 0 || !strings.Contains(o.stdout, "10 runs, 1 assertions, 0 failures, 0 errors") {
		t.Fatalf("the suite ended with %+v", o)
	}
	if got := len(outcomes(o.events)); got != 10 || len(running(o.events)) != 0 {
		t.Errorf("%d tests finished, running %v", got, running(o.events))
	}
	for _, e := range o.events {
		if len(e.ID) > MaxID || e.Action == Start && (e.File != filepath.Join(s.dir, "t.rb") || e.Line == 0) {
			t.Errorf("event %+v", e)
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "own0")); err != nil {
		t.Error(err)
	}
}

func TestRubyEnviron(t *testing.T) {
	s := &Session{Dir: "/d"}
	for _, test := range []struct{ env, rubyopt, specOpts string }{
		{"", "-r/d/ruby/oom143.rb", "--require /d/ruby/oom143_rspec.rb"},
		{"RUBYOPT=-W0 SPEC_OPTS=-fd", "-W0 -r/d/ruby/oom143.rb", "-fd --require /d/ruby/oom143_rspec.rb"},
	} {
		e := newEnviron(strings.Fields(test.env), Command{})
		rubyEnviron(s, e)
		if e.get("RUBYOPT") != test.rubyopt || e.get("SPEC_OPTS") != test.specOpts {
			t.Errorf("%q gives %q", test.env, e.vars)
		}
	}
}

// Without an event file, or with one that is gone, nothing is to be seen.
func TestRubySilent(t *testing.T) {
	t.Parallel()
	minitests(t)
	session := openSession(t)
	env := session.Environ(os.Environ(), Command{})
	for _, events := range []string{"", "/nonexistent/events", "/dev/full"} {
		s := newSuite(t, map[string]string{"t.rb": minitestSuite}, "ruby", "t.rb", "--seed", "1")
		e := newEnviron(env, Command{})
		e.set(EventsVariable, events)
		want := s.plain(t)
		got := s.start(t, e.vars).wait()
		for _, o := range []*outcome{&want, &got} {
			o.stdout = minitestChanging.ReplaceAllString(o.stdout, "~")
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); diff != "" {
			t.Errorf("%s=%q (-without +with):\n%s", EventsVariable, events, diff)
		}
	}
}

// bestOf is the shortest of n runs of a command.
func bestOf(b testing.TB, n int, env []string, argv ...string) time.Duration {
	b.Helper()
	best := time.Hour
	for range n {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = env
		begin := time.Now()
		if err := cmd.Run(); err != nil {
			var status *exec.ExitError
			if errors.As(err, &status) {
				b.Fatalf("%s: %v: %s", argv[0], err, status.Stderr)
			}
			b.Fatal(err)
		}
		best = min(best, time.Since(begin))
	}
	return best
}

// reportStart reports what the hooks add to the start of a process.
func reportStart(b *testing.B, argv ...string) {
	needPrograms(b, argv[0])
	env := openSession(b).Environ(os.Environ(), Command{Argv: append([]string{"mvn"}, argv...)})
	var added time.Duration
	for range b.N {
		added = bestOf(b, 30, env, argv...) - bestOf(b, 30, os.Environ(), argv...)
	}
	b.ReportMetric(float64(added.Microseconds()), "µs/start")
}

// reportEvents reports what an event costs in a suite of many empty tests.
func reportEvents(b *testing.B, s suite, tests int) {
	needPrograms(b, s.argv[0])
	b.Chdir(s.dir)
	env := s.hooks(openSession(b))
	var added time.Duration
	for range b.N {
		added = bestOf(b, 5, env, s.argv...) - bestOf(b, 5, s.environ(), s.argv...)
	}
	b.ReportMetric(float64(added.Microseconds())/float64(2*tests), "µs/event")
}

func BenchmarkRubyStart(b *testing.B) { reportStart(b, "ruby", "-e", "1") }

func BenchmarkMinitestEvents(b *testing.B) {
	text := "require 'minitest/autorun'\nclass T < Minitest::Test\n 5000.times { |i| define_method(\"test_#{i}\") { } }\nend\n"
	reportEvents(b, newSuite(b, map[string]string{"t.rb": text}, "ruby", "t.rb"), 5000)
}

func BenchmarkRSpecEvents(b *testing.B) {
	text := "RSpec.describe('T') { 5000.times { |i| it(\"t#{i}\") { } } }\n"
	reportEvents(b, newSuite(b, map[string]string{"spec/t_spec.rb": text}, "rspec"), 5000)
}
