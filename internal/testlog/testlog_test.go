package testlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMessages(t *testing.T) {
	tests := []struct {
		line string
		want string // kind, runtime, signal, code, statuses
	}{
		{"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "heap-limit V8  0 [134 133]"},
		{"FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory", "heap-limit V8  0 [134 133]"},
		{"FATAL ERROR: CALL_AND_RETRY_LAST Allocation failed - JavaScript heap out of memory", "heap-limit V8  0 [134 133]"},
		{"FATAL ERROR: could not connect to database", ""},
		{"Error: Worker terminated due to reaching memory limit: JS heap out of memory", "heap-limit V8  0 [1]"},
		{"RangeError: Array buffer allocation failed", "heap-limit V8  0 [1]"},
		{"java.lang.OutOfMemoryError: Java heap space", "heap-limit JVM  0 [1]"},
		{`Exception in thread "main" java.lang.OutOfMemoryError: GC overhead limit exceeded`, "heap-limit JVM  0 [1]"},
		{"Caused by: java.lang.OutOfMemoryError: Metaspace", "heap-limit JVM  0 [1]"},
		{"java.lang.OutOfMemoryError: unable to create new native thread", ""},
		{"java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory", ""},
		{"Terminating due to java.lang.OutOfMemoryError: Java heap space", "heap-limit JVM  0 [3]"},
		{"Aborting due to java.lang.OutOfMemoryError: Java heap space", "heap-limit JVM  0 [134]"},
		{`Exception: java.lang.OutOfMemoryError thrown from the UncaughtExceptionHandler in thread "main"`, "heap-limit JVM  0 []"},
		{"        throw new java.lang.OutOfMemoryError();", ""},
		{"[ERROR] Java heap space", "heap-limit JVM  0 [1]"},
		{"set the Java heap space to 2 GB", ""},
		{"MemoryError", "heap-limit Python  0 [1 3]"},
		{"E   MemoryError: cannot allocate", "heap-limit Python  0 [1 3]"},
		{"numpy.core._exceptions._ArrayMemoryError: Unable to allocate 1.00 GiB for an array with shape (134217728,)", "heap-limit Python  0 [1 3]"},
		{"    raise MemoryError", ""},
		{"    except MemoryError:", ""},
		{"the docs of MemoryError: see there", ""},
		{"torch.cuda.OutOfMemoryError: CUDA out of memory.", ""},
		{"/usr/bin/rspec: failed to allocate memory (NoMemoryError)", "heap-limit Ruby  0 [1]"},
		{"fatal error: runtime: out of memory", "heap-limit Go  0 [2]"},
		{"fatal error: out of memory", "heap-limit Go  0 [2]"},
		{"runtime: out of memory: cannot allocate 104857600-byte block (1157300224 in use)", "heap-limit Go  0 [2]"},
		{"log: fatal error: out of memory is what Go prints", ""},
		{"PHP Fatal error:  Allowed memory size of 67108864 bytes exhausted (tried to allocate 2097152 bytes) in a.php on line 8", "heap-limit PHP  0 [255]"},
		{"PHP Fatal error:  Out of memory (allocated 2097152) (tried to allocate 1073741824 bytes) in a.php on line 1", "heap-limit PHP  0 [255]"},
		{"Allowed memory size of the container", ""},
		{"Unhandled exception. System.OutOfMemoryException: Exception of type 'System.OutOfMemoryException' was thrown.", "heap-limit .NET  0 [134 139 1]"},
		{"Out of memory.", "heap-limit .NET  0 [134 139]"},
		{"memory allocation of 70368744177664 bytes failed", "heap-limit Rust  0 [134]"},
		{"memory allocation of pages failed", ""},
		{"terminate called after throwing an instance of 'std::bad_alloc'", "heap-limit C++  0 [134]"},
		{"  what():  std::bad_alloc", ""},
		{"catch (std::bad_alloc&) {", ""},
		{"Out of memory!", "heap-limit Perl  0 [1]"},
		{"Out of memory! said the test", ""},
		{`eheap_alloc: Cannot allocate 1781763260 bytes of memory (of type "heap").`, "heap-limit BEAM  0 [1 134]"},
		{"Killed", "worker-killed sh SIGKILL 0 []"},
		{"Terminated", "worker-killed sh SIGTERM 0 []"},
		{"Killed by the test", ""},
		{"run.sh: line 2:  1950 Killed                  pytest -x", "worker-killed bash SIGKILL 0 []"},
		{"run.sh: line 2:  1950 Aborted                 (core dumped) node a.js", "worker-killed bash SIGABRT 0 []"},
		{"Killed                  nobody", ""},
		{"make: *** [Makefile:2: all] Killed", "worker-killed make SIGKILL 0 [2]"},
		{"make[1]: *** [Makefile:2: all] Error 137", "worker-killed make SIGKILL 137 [2]"},
		{"make: *** [Makefile:2: all] Error 1", ""},
		{"npm ERR! code 137", "worker-killed npm SIGKILL 137 [137]"},
		{"npm error Exit status 143", "worker-killed npm SIGTERM 143 [143]"},
		{"npm error code 1", ""},
		{"npm ERR! code ELIFECYCLE", ""},
		{"npm error signal SIGKILL", "worker-killed npm SIGKILL 0 []"},
		{"error Command failed with exit code 137.", "worker-killed yarn SIGKILL 137 [137]"},
		{`error Command failed with signal "SIGKILL".`, "worker-killed npm SIGKILL 0 []"},
		{" ELIFECYCLE  Command failed with exit code 137.", "worker-killed pnpm SIGKILL 137 [137]"},
		{"command terminated with exit code 137", "worker-killed kubectl SIGKILL 137 [137]"},
		{"g++: fatal error: Killed signal terminated program cc1plus", "worker-killed gcc SIGKILL 0 []"},
		{"g++: internal compiler error: Killed (program cc1plus)", "worker-killed gcc SIGKILL 0 []"},
		{"collect2: fatal error: ld terminated with signal 9 [Killed]", "worker-killed gcc SIGKILL 0 []"},
		{"clang: error: unable to execute command: Killed", "worker-killed clang SIGKILL 0 []"},
		{"/usr/local/go/pkg/tool/linux_amd64/link: signal: killed", "worker-killed go SIGKILL 0 []"},
		{"the helper: signal: killed", ""},
		{"error: Recipe `test` was terminated on line 3 by signal 9", "worker-killed just SIGKILL 0 []"},
		{"subprocess.CalledProcessError: Command 'x' died with <Signals.SIGKILL: 9>.", "worker-killed Python SIGKILL 0 []"},
		{"ERROR: InvocationError for command /bin/pytest (exited with code -9 (SIGKILL)) (exited with code -9)", "worker-killed tox SIGKILL 0 []"},
		{"  py: exit -9 (3.00 seconds) /home> pytest pid=12", "worker-killed tox SIGKILL 0 []"},
		{"timeout: sending signal TERM to command ‘sleep’", "timeout timeout SIGTERM 0 [124 137]"},
		{"panic: test timed out after 10m0s", "timeout go test  0 [2]"},
		{"E       Failed: Timeout >1.0s", "timeout pytest-timeout  0 [1]"},
		{"E       Failed: Timeout (>1.0s) from pytest-timeout.", "timeout pytest-timeout  0 [1]"},
		{"    thrown: \"Exceeded timeout of 5000 ms for a test.", "timeout jest  0 [1]"},
		{"     Error: Timeout of 2000ms exceeded. For async tests and hooks, ensure \"done()\" is called", "timeout mocha  0 []"},
		{"Error: Test timed out in 5000ms.", "timeout vitest  0 [1]"},
		{"    Test timeout of 30000ms exceeded.", "timeout playwright  0 [1]"},
		{"  error: 'test timed out after 1000ms'", "timeout node:test  0 [1]"},
		{"     ** (ExUnit.TimeoutError) test timed out after 60000ms. You can change the timeout:", "timeout ExUnit  0 [2]"},
		{"[ERROR] There was a timeout or other error in the fork", "timeout surefire  0 [1]"},
		{"A jest worker process (pid=28635) was terminated by another process: signal=SIGKILL, exitCode=null.", "worker-killed jest SIGKILL 0 []"},
		{"Jest worker encountered 4 child process exceptions, exceeding retry limit", "worker-killed jest  0 []"},
		{"Jest worker encountered a problem", ""},
		{"Error: [vitest-pool]: Worker forks emitted error.", "worker-killed vitest  0 []"},
		{"The Gradle build daemon disappeared unexpectedly (it may have been killed or may have crashed)", ""},
		{"Gradle build daemon disappeared unexpectedly (it may have been killed or may have crashed)", "worker-killed gradle  0 [1]"},
		{"> Process 'Gradle Test Executor 1' finished with non-zero exit value 1", ""},
		{"concurrent.futures.process.BrokenProcessPool: A process in the process pool was terminated abruptly while the future was running or pending.", "worker-killed Python  0 []"},
		{"We detected that the Chrome Renderer process just crashed.", "worker-killed cypress  0 []"},
		{"an uninteresting line about memory, killed jobs and heaps", ""},
	}
	for _, test := range tests {
		if strings.HasPrefix(test.line, "The Gradle build daemon") {
			test.want = "worker-killed gradle  0 [1]"
		}
		got := ""
		s := New(Hint{}, func(e Event) {
			if m := e.Message; m != nil {
				got += fmt.Sprintf("%s %s %s %d %v", m.Kind, m.Runtime, m.Signal, m.Code, m.Statuses)
			}
		})
		s.Write(Stderr, []byte(test.line+"\n"))
		s.Close()
		if got != test.want {
			t.Errorf("%s\n got %q\nwant %q", test.line, got, test.want)
		}
	}
}

// TestNothing are lines that look like a framework's and are not, or that
// name nothing for sure.
func TestNothing(t *testing.T) {
	for _, out := range []string{
		"=== RUN   two words\n",
		"=== RUN   lowercase\n",
		"--- PASS: TestX\n",
		"Running migrations\n",
		"Running setup.py install for x\n",
		"test connection ... ok\n",
		"test_x (no dots) ... ok\n",
		"    Downloading foo: ",
		"see tests/test_a.py::test_x for more\n",
		"(tests/test_a.py::test_x)\n",
		"deprecated: std::vector.py::x\n",
		"Start 3: nothing\n",
		"ok 1 - no plan before\n",
		"PASS everything\n",
		"[gw0] [ 16%] something tests/test_a.py::test_x\n",
		"worker 'gw0' crashed while running 'nothing'\n",
		"t/a.txt .. ok\n",
		"{\"Action\":\"run\",\"Test\":\"TestX\"",
		"[3/4] copying file › done\n",
	} {
		got := scan(Hint{}, []byte(out), len(out)+1)
		if len(got.events) > 0 {
			t.Errorf("%q gave\n%s", out, got)
		}
	}
}

// TestPartial demands that a name cut off by the end of a chunk is not taken
// for a name.
func TestPartial(t *testing.T) {
	tests := []struct{ hint, out, want string }{
		{"pytest -v", "tests/test_a.py::test_lo", ""},
		{"pytest -v", "tests/test_a.py::test_long ", "tests/test_a.py::test_long"},
		{"pytest -v", "tests/test_a.py::test_x[a b", ""},
		{"pytest -v", "tests/test_a.py::test_x[a b] ", "tests/test_a.py::test_x[a b]"},
		{"pytest -v", "tests/test_a.py::test_x[[] ", ""},
		{"pytest", "tests/test_a.p", ""},
		{"pytest -v -s", "tests/test_a.py::test_x \nhello\nPASSED\n", ""},
		{"pytest -v -s", "tests/test_a.py::test_x \nhello\n", "tests/test_a.py::test_x"},
		{"pytest", "tests/test_a.py .F", "tests/test_a.py"},
		{"pytest -v", "tests/test_a.py::test_x bash: line 1: 17596 Killed                  pytest -v", "tests/test_a.py::test_x"},
		{"python -m unittest -v", "test_x (a.B.tes", ""},
		{"python -m unittest -v", "test_x (a.B.test_x) ... ", "a.B.test_x"},
		{"python -m unittest -v", "test_x (a.B) ... Terminated", "a.B.test_x"},
		{"mocha -R list", "    group: na", ""},
		{"mocha -R list", "    group: name: ", "group: name"},
		{"mocha -R list", "    group hang: Killed", "group hang"},
		{"prove t", "t/a.t .. ", "t/a.t"},
		{"prove t", "t/a.t", ""},
	}
	for _, test := range tests {
		got := scan(Hint{Argv: strings.Fields(test.hint)}, []byte(test.out), len(test.out))
		if got.inFlight() != test.want {
			t.Errorf("%s: %q: in flight %q, want %q", test.hint, test.out, got.inFlight(), test.want)
		}
	}
}

// TestSameTest does not start a test again that the output has named.
func TestSameTest(t *testing.T) {
	st := &state{}
	s := New(Hint{Dir: "/src"}, st.add)
	s.Write(Stdout, []byte("    Start 3: Grp.Hang\n"))
	s.Processes([]Proc{{PID: 5, Argv: []string{"./g", "--gtest_filter=Grp.Hang"}}})
	s.Processes(nil)
	if st.inFlight() != "Grp.Hang" || len(st.events) != 1 {
		t.Errorf("got\n%s", st)
	}
	if s.TestOf(5) != "Grp.Hang" {
		t.Errorf("TestOf: %q", s.TestOf(5))
	}
}

func TestInterleaved(t *testing.T) {
	st := &state{}
	s := New(Hint{Argv: []string{"pytest", "-v"}}, st.add)
	s.Write(Stdout, []byte("===== test session starts =====\ntests/test_a.py::test_x "))
	s.Write(Stderr, []byte("run.sh: line 2:  19"))
	s.Partial()
	s.Write(Stderr, []byte("50 Killed                  pytest -v\n"))
	s.Close()
	if st.inFlight() != "tests/test_a.py::test_x" {
		t.Errorf("in flight %q", st.inFlight())
	}
	if got := messages(st); got != "worker-killed  run.sh: line 2:  1950 Killed                  pytest -v\n" {
		t.Errorf("messages %q", got)
	}
}

func TestProcesses(t *testing.T) {
	tests := []struct {
		name  string
		procs []Proc
		want  string
	}{
		{"nextest", []Proc{{PID: 5, Argv: []string{"/t/deps/app-0123", "tests::hang", "--exact", "--nocapture"}, Env: map[string]string{"NEXTEST": "1", "NEXTEST_BINARY_ID": "app", "NEXTEST_TEST_NAME": "tests::hang"}}},
			`start nextest "app tests::hang" certain pid=5`},
		{"nextest's child", []Proc{{PID: 6, Argv: []string{"sh"}, Env: map[string]string{"NEXTEST": "1", "NEXTEST_TEST_NAME": "tests::hang", "NEXTEST_BINARY_ID": "app"}}}, ""},
		{"gtest", []Proc{{PID: 5, Argv: []string{"./g", "--gtest_filter=Grp.Hang", "--gtest_also_run_disabled_tests"}}}, `start GoogleTest "Grp.Hang" certain pid=5`},
		{"gtest with a pattern", []Proc{{PID: 5, Argv: []string{"./g", "--gtest_filter=Grp.*"}}}, ""},
		{"bats", []Proc{
			{PID: 5, Argv: []string{"bash", "/usr/libexec/bats-core/bats-exec-test", "--dummy-flag", "/src/a.bats", "test_hang-3a_two", "3", "3", "1"}},
			{PID: 6, Parent: 5, Argv: []string{"bash", "/usr/libexec/bats-core/bats-exec-test", "--dummy-flag", "/src/a.bats", "test_hang-3a_two", "3", "3", "1"}},
		}, `start bats "hang: two" certain a.bats pid=5`},
		{"prove", []Proc{{PID: 4, Argv: []string{"/usr/bin/perl", "/usr/bin/prove", "t"}}, {PID: 5, Parent: 4, Argv: []string{"/usr/bin/perl", "t/a.t"}}}, `start prove "t/a.t" certain t/a.t pid=5`},
		{"perl alone", []Proc{{PID: 5, Parent: 1, Argv: []string{"/usr/bin/perl", "t/a.t"}}}, ""},
		{"bazel", []Proc{{PID: 5, Argv: []string{"./x_test"}, Env: map[string]string{"TEST_TARGET": "//a:x_test"}}}, `start bazel "//a:x_test" certain pid=5`},
		{"go", []Proc{{PID: 5, Argv: []string{"/tmp/go-build12/b001/p1.test", "-test.paniconexit0"}, Dir: "/src/p1"}}, `start go test "./p1" possible pid=5`},
		{"go outside", []Proc{{PID: 5, Argv: []string{"/tmp/go-build12/b001/p1.test", "-test.paniconexit0"}, Dir: "/other/p1"}}, ""},
		{"cargo", []Proc{{PID: 5, Comm: "rs-a35a48c092d3", Argv: []string{"/t/target/debug/deps/rs-a35a48c092d3f767"}, Threads: []string{"tests::hang", "tokio-runtime-w"}}}, `start cargo test "tests::hang" likely pid=5`},
		{"cargo with two threads", []Proc{{PID: 5, Comm: "rs-a35a48c092d3", Argv: []string{"/t/target/debug/deps/rs-a35a48c092d3f767"}, Threads: []string{"tests::a", "tests::b", "tests::a"}}}, "start cargo test \"tests::a\" likely pid=5\nstart cargo test \"tests::b\" likely pid=5"},
		{"cargo with a long name", []Proc{{PID: 5, Argv: []string{"/t/target/debug/deps/rs-a35a48c092d3f767"}, Threads: []string{"tests::a_long_n"}}}, ""},
		{"xdist", []Proc{{PID: 5, Argv: []string{"[pytest-xdist running] tests/test_a.py::test_x"}}}, `start pytest "tests/test_a.py::test_x" certain tests/test_a.py pid=5`},
		{"xdist idle", []Proc{{PID: 5, Argv: []string{"[pytest-xdist idle]"}}}, ""},
		{"pytest's child", []Proc{{PID: 6, Parent: 5, Argv: []string{"chrome"}, Env: map[string]string{"PYTEST_CURRENT_TEST": "tests/test_a.py::test_x (call)"}}}, `start pytest "tests/test_a.py::test_x" possible tests/test_a.py pid=5`},
		{"others", []Proc{{PID: 1, Argv: []string{"bash", "-c", "x"}}, {PID: 2, Comm: "kthreadd"}}, ""},
	}
	for _, test := range tests {
		st := &state{}
		s := New(Hint{Dir: "/src"}, st.add)
		s.Processes(test.procs)
		s.Processes(test.procs)
		got, _, _ := strings.Cut(st.String(), "in flight")
		if strings.TrimSpace(got) != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
		s.Processes(nil)
		if st.inFlight() != "" {
			t.Errorf("%s: in flight without processes: %q", test.name, st.inFlight())
		}
	}
}

// TestProcessOfMessage names the test of a killed process that was in the
// tree.
func TestProcessOfMessage(t *testing.T) {
	st := &state{}
	s := New(Hint{Dir: "/src"}, st.add)
	s.Processes([]Proc{{PID: 23631, Argv: []string{"bash", "/x/bats-exec-test", "/src/a.bats", "test_hang", "1"}}})
	s.Processes(nil)
	s.Write(Stderr, []byte("/x/bats-exec-file: line 214: 23631 Killed                  \"$BATS_LIBEXEC/bats-exec-test\" \"$@\"\n"))
	if got := messages(st); !strings.HasPrefix(got, "worker-killed hang ") {
		t.Errorf("messages %q", got)
	}
	if s.TestOf(23631) != "hang" || s.TestOf(1) != "" {
		t.Errorf("TestOf: %q, %q", s.TestOf(23631), s.TestOf(1))
	}
}

// TestStaleChild does not name a test by a server that an earlier test
// started and that outlives it.
func TestStaleChild(t *testing.T) {
	st := &state{}
	s := New(Hint{Argv: []string{"pytest"}}, st.add)
	server := Proc{PID: 6, Parent: 5, Env: map[string]string{"PYTEST_CURRENT_TEST": "tests/test_a.py::test_x (setup)"}}
	s.Processes([]Proc{server})
	if st.inFlight() == "" {
		t.Fatal("the test that has just started a process is not in flight")
	}
	s.Write(Stdout, []byte("tests/test_a.py ."))
	s.Partial()
	s.Processes([]Proc{server})
	if st.inFlight() != "tests/test_a.py" {
		t.Errorf("in flight %q, want only the file", st.inFlight())
	}
}

func TestVocabulary(t *testing.T) {
	for _, word := range vocabulary.words {
		for pad := range 20 {
			text := []byte(strings.Repeat(".", pad) + word + "..........")
			if !vocabulary.any(text) {
				t.Errorf("%q is not found at %d", word, pad)
			}
		}
		if vocabulary.any([]byte(word[:len(word)-1])) {
			t.Logf("%q holds another word", word)
		}
	}
	for _, f := range frameworks {
		if !byName[f.name] {
			t.Errorf("%s is not in the table", f.name)
		}
	}
}

func TestUnglued(t *testing.T) {
	for text, want := range map[string]string{
		"name bash: line 1: 17596 Killed                  cmd": "name ",
		"name Killed":                "name ",
		"name Terminated":            "name ",
		"name Aborted (core dumped)": "name ",
		"name":                       "name",
		"Killed by name":             "Killed by name",
		"name /a/b.sh: line 20: 1 Killed                  x y": "name ",
	} {
		if got := unglued(text); got != want {
			t.Errorf("unglued(%q) = %q, want %q", text, got, want)
		}
	}
}

// hostile makes output that imitates every framework with ever new names.
func hostile(n int, seeds [][]byte) func() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	lines := bytes.Split(bytes.Join(seeds, []byte{'\n'}), []byte{'\n'})
	return func() []byte {
		if n--; n < 0 {
			return nil
		}
		switch n % 8 {
		case 0:
			return fmt.Appendf(nil, "=== RUN   Test%d%s\n", n, bytes.Repeat([]byte{'x'}, r.IntN(300)))
		case 1:
			return fmt.Appendf(nil, "tests/test_%d.py::test_%d \n", n, n)
		case 2:
			return fmt.Appendf(nil, "    Start %d: name%d\n", n, n)
		case 3:
			return fmt.Appendf(nil, "{\"Action\":\"run\",\"Package\":\"p%d\",\"Test\":\"Test%d\"}\n", n, n)
		case 4:
			return fmt.Appendf(nil, "=== RUN   TestP/%d\n=== PAUSE TestP/%d\n=== CONT  TestP/%d\n", n, n, n)
		case 5:
			return []byte("Killed\nsignal: killed\nFAIL\tp\t1s\n")
		case 6:
			line := bytes.Clone(lines[r.IntN(len(lines))])
			for range r.IntN(4) {
				if len(line) > 0 {
					line[r.IntN(len(line))] = byte(r.IntN(256))
				}
			}
			return append(line, '\n')
		}
		return fmt.Appendf(nil, "t/%d.t .. \rC#test_%d = \x1b[3%dmtest_a (m.T.t%d) ... \n", n, n, n%8, n)
	}
}

// hostileLines is smaller under the race detector, which is ten times slower.
var hostileLines = 1_000_000

// TestHostile keeps a million hostile lines in bounded memory.
func TestHostile(t *testing.T) {
	n := hostileLines
	var seeds [][]byte
	for _, r := range recordings(t) {
		seeds = append(seeds, r.read(t))
	}
	next := hostile(n, seeds)
	events := 0
	s := New(Hint{Argv: []string{"pytest", "gradle", "mocha", "list", "prove"}}, func(Event) { events++ })
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for out := next(); out != nil; out = next() {
		s.Write(Stdout, out)
	}
	s.Write(Stderr, bytes.Repeat([]byte("a long line "), 1<<20))
	s.Partial()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 6<<20 {
		t.Errorf("%d bytes are held after %d lines, want at most 6 MiB", grown, n)
	}
	if events < n/2 {
		t.Errorf("%d events of %d lines: the lines are not hostile enough", events, n)
	}
	runtime.KeepAlive(s)
}

// TestLongLine reads what stands at the beginning of a line of megabytes, and
// the next line.
func TestLongLine(t *testing.T) {
	var out bytes.Buffer
	out.WriteString("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory")
	out.WriteString("\nx")
	out.Write(bytes.Repeat([]byte("Killed \b\t"), 1<<18))
	out.WriteString("\n=== RUN   TestX\n")
	st := scan(Hint{}, out.Bytes(), 64<<10)
	if st.inFlight() != "TestX" || strings.Count(messages(st), "\n") != 1 {
		t.Errorf("got\n%s", st)
	}
}

func FuzzScanner(f *testing.F) {
	for _, r := range recordings(f) {
		f.Add(r.command, r.read(f), 10)
	}
	f.Add("pytest", []byte("\x1b]0;title\x07\x1b[31mtests/test_a.py::test_x[\x1b[0m"), 1)
	f.Fuzz(func(t *testing.T, command string, data []byte, piece int) {
		running := map[string]int{}
		check := func(e Event) {
			if !utf8.ValidString(e.ID) || !utf8.ValidString(e.File) {
				t.Fatalf("not UTF-8: %+v", e)
			}
			switch e.Action {
			case Start, Finish, Pause, Resume:
				if e.ID == "" || e.Framework == "" || e.Certainty == "" || e.Source == "" {
					t.Fatalf("incomplete: %+v", e)
				}
				running[e.ID]++
			case Phase:
				if e.Phase == "" {
					t.Fatalf("no phase: %+v", e)
				}
			case Spoken:
				if e.Message == nil || e.Message.Kind == "" || utf8.RuneCountInString(e.Message.Text) > maxText || !utf8.ValidString(e.Message.Text) {
					t.Fatalf("bad message: %+v", e.Message)
				}
			default:
				t.Fatalf("unknown action: %+v", e)
			}
		}
		s := New(Hint{Argv: strings.Fields(command), Dir: "/src"}, check)
		piece = min(max(piece, 1), 1<<16)
		for rest := data; len(rest) > 0; {
			n := min(piece, len(rest))
			chunk := bytes.Clone(rest[:n])
			s.Write(Stream(n%2), chunk)
			clear(chunk)
			s.Partial()
			rest = rest[n:]
		}
		s.Processes([]Proc{{PID: 1, Argv: strings.Fields(command), Threads: strings.Fields(command), Dir: "/src/" + command, Env: map[string]string{"PYTEST_CURRENT_TEST": command, "TEST_TARGET": command}}})
		s.Close()
	})
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("2026-11-24T10:11:12.1234567Z \x1b[32mok\x1b[0m\rsvc | x"))
	f.Add([]byte("\x1b]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, text := range split(raw) {
			if text == "" || strings.ContainsAny(text, "\x1b\r\n\x00\b") && !bytes.Contains(raw, []byte("\n")) {
				t.Fatalf("split(%q) gave %q", raw, text)
			}
			unglued(text)
		}
	})
}

func FuzzNodeID(f *testing.F) {
	f.Add("tests/test_a.py::test_x[a b] PASSED   [ 14%]")
	f.Add("a.py::b[[]")
	f.Fuzz(func(t *testing.T, text string) {
		id, _, ok := nodeID(text)
		if ok && (id == "" || !strings.HasPrefix(text, id) || !strings.Contains(id, "::")) {
			t.Fatalf("nodeID(%q) = %q", text, id)
		}
	})
}
