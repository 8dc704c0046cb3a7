package testlog

import (
	"bytes"
	"strings"
	"testing"
)

// lines80 are lines of 80 bytes that say nothing about tests.
func lines80() []byte {
	texts := []string{
		"2026/11/24 10:11:12 handler.go:120: GET /api/v1/items?page=12 200 12ms from cache",
		"INFO  [worker-3] processed batch 1827 of 5000, 312 records, 0 errors, queue is 17",
		"    at Object.process (/home/runner/work/app/src/server/process.js:120:17) in app",
		"DEBUG connection established to database main in 12 milliseconds, pool size is 10",
		"the quick brown fox jumps over the lazy dog and runs away into the deep dark wood",
	}
	var b bytes.Buffer
	for i := range 800 {
		b.WriteString(texts[i%len(texts)][:79])
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func benchmark(b *testing.B, hint Hint, before string, data []byte) {
	s := New(hint, func(Event) {})
	s.Write(Stdout, []byte(before))
	lines := bytes.Count(data, []byte{'\n'})
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		s.Write(Stdout, data)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(lines), "ns/line")
}

func BenchmarkUninteresting(b *testing.B) { benchmark(b, Hint{}, "", lines80()) }

// BenchmarkUninterestingPytest is the same while pytest is known to run.
func BenchmarkUninterestingPytest(b *testing.B) {
	benchmark(b, Hint{Argv: []string{"pytest"}}, "===== test session starts =====\n", lines80())
}

func BenchmarkGoVerbose(b *testing.B) {
	benchmark(b, Hint{}, "", []byte(strings.Repeat("=== RUN   TestSomething/with_a_name\n    --- PASS: TestSomething/with_a_name (0.00s)\n", 200)))
}

func BenchmarkGoJSON(b *testing.B) {
	line := `{"Time":"2026-11-23T22:50:08.745711Z","Action":"output","Package":"example.com/m/p1","Test":"TestSub/case_0","Output":"some output of the test\n"}` + "\n"
	benchmark(b, Hint{}, "", []byte(strings.Repeat(line, 200)))
}

func BenchmarkPytestVerbose(b *testing.B) {
	line := "proj/test_a.py::TestCls::test_in_class PASSED                            [ 57%]\n"
	benchmark(b, Hint{Argv: []string{"pytest"}}, "", []byte(strings.Repeat(line, 200)))
}

// BenchmarkOneLine is a single line without an end.
func BenchmarkOneLine(b *testing.B) {
	s := New(Hint{}, func(Event) {})
	data := bytes.Repeat([]byte("x"), 64<<10)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		s.Write(Stdout, data)
	}
}
