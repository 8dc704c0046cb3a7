package hooks

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The budgets: 40 µs an event in Python, 5 µs in Go, 2 ms at the start of a
// process that runs no test.

func BenchmarkPythonEvent(b *testing.B) {
	python := needPython(b)
	s := openSession(b)
	program := `
import sys, time
plugin = {}
exec(compile(open(sys.argv[1]).read(), "<oom143>", "exec"), plugin)
n = int(sys.argv[2])
begin = time.perf_counter()
for i in range(n):
    plugin["events"].write("start", "pytest", "tests/test_a.py::TestC::test_x[1]", "/w/tests/test_a.py", 17, True)
print(int((time.perf_counter() - begin) * 1e9 / n))
`
	n := max(b.N, 1000)
	o := execute(b, nil, s.Dir, []string{EventsVariable + "=" + s.EventFile}, python, "-c", program, s.Path("python/oom143_plugin.py"), strconv.Itoa(n))
	ns, err := strconv.Atoi(strings.TrimSpace(o.stdout))
	if err != nil {
		b.Fatal(o.stderr)
	}
	b.ReportMetric(float64(ns), "ns/event")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkGoEvent(b *testing.B) {
	needGo(b)
	const tests = 20000
	dir := project(b, fmt.Sprintf(`
-- go.mod --
module example.com/m

go 1.20
-- m_test.go --
package m

import (
	"fmt"
	"testing"
	"time"
)

func TestMany(t *testing.T) {
	begin := time.Now()
	for i := 0; i < %d; i++ {
		t.Run("one", func(t *testing.T) {})
	}
	fmt.Println("took", time.Since(begin).Nanoseconds())
}
`, tests))
	s := openSession(b)
	took := func(s *Session) float64 {
		o := execute(b, s, dir, nil, "go", "test", "-count=1") // in the local folder it shows what tests print
		_, after, _ := strings.Cut(o.stdout, "took ")
		ns, err := strconv.ParseFloat(strings.Fields(after + " ?")[0], 64)
		if err != nil {
			b.Fatal(o.stdout, o.stderr)
		}
		if s != nil && len(o.events) < 2*tests {
			b.Fatalf("%d events", len(o.events))
		}
		return ns
	}
	took(nil)
	took(s) // compiles
	b.ReportMetric((took(s)-took(nil))/(2*tests), "ns/event")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStart is what the environment adds to a process that runs no test.
func BenchmarkStart(b *testing.B) {
	for _, argv := range [][]string{{"/usr/bin/python3", "-c", "pass"}, {"go", "version"}} {
		b.Run(argv[0], func(b *testing.B) {
			if _, err := exec.LookPath(argv[0]); err != nil {
				b.Skip("needs: " + argv[0])
			}
			s := openSession(b)
			with := s.Environ(os.Environ(), Command{Argv: argv})
			run := func(env []string) time.Duration {
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Env = env
				begin := time.Now()
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
				return time.Since(begin)
			}
			var added time.Duration
			n := 0
			for b.Loop() {
				added += run(with) - run(os.Environ())
				n++
			}
			b.ReportMetric(float64(added.Microseconds())/float64(n), "added-µs/start")
		})
	}
}

// BenchmarkEnviron is what the plugins cost before the command starts.
func BenchmarkEnviron(b *testing.B) {
	for b.Loop() {
		s, err := Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		s.Environ(os.Environ(), Command{Argv: []string{"true"}})
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGoEnviron(b *testing.B) {
	s := openSession(b)
	for b.Loop() {
		goEnviron(s, newEnviron(os.Environ(), Command{}))
	}
}
