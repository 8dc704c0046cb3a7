package annotate

import (
	"strings"
	"testing"
)

func TestStopCommands(t *testing.T) {
	long := strings.Repeat("x", 3000)
	for _, c := range []struct{ name, output, token string }{
		{"nothing", "ok\n", ""},
		{"stopped", "::stop-commands::t0ken\n", "t0ken"},
		{"with carriage return", "a\r\n::stop-commands::t0ken\r\n", "t0ken"},
		{"indented, other case, properties", " \t::Stop-Commands a=b::t0ken\n", "t0ken"},
		{"legacy, anywhere", "see ##[stop-commands]t0ken\n", "t0ken"},
		{"legacy, escaped", "##[stop-commands]a%3Bb%5D\n", "a;b]"},
		{"escaped", "::stop-commands::100%25\n", "100%"},
		{"resumed", "::stop-commands::t0ken\n::t0ken::\n", ""},
		{"resumed in another case", "::stop-commands::t0ken\n::T0KEN::\n", ""},
		{"resumed by legacy", "::stop-commands::t0ken\nx ##[t0ken]\n", ""},
		{"stopped again", "::stop-commands::a\n::a::\n::stop-commands::b\n", "b"},
		{"a second stop counts for nothing", "::stop-commands::a\n::stop-commands::b\n", "a"},
		{"another token", "::stop-commands::a\n::b::\n", "a"},
		{"not at the beginning", "see ::stop-commands::t0ken\n", ""},
		{"no second colons", "::stop-commands:t0ken\n", ""},
		{"empty token", "::stop-commands::\n", ""},
		{"a command's name", "::stop-commands::error\n", ""},
		{"pause-logging", "::stop-commands::pause-logging\n", ""},
		{"inside another command", "::debug::##[stop-commands]t0ken\n", ""},
		{"inside no command", "::tests::##[stop-commands]t0ken\n", "t0ken"},
		{"after a long line", long + "\n::stop-commands::t0ken\n", "t0ken"},
		{"after a progress bar", "10%\r20%\r::stop-commands::t0ken\n", "t0ken"},
		{"a line without an end", "::stop-commands::t0ken", ""},
		{"ids of tests", "tests/a.py::test_b PASSED\na::b::c ##[x]\n", ""},
		{"too long to be kept", "::stop-commands::" + long + "\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, step := range []int{1, 2, 7, 1 << 20} {
				var s StopCommands
				w := s.Stream()
				for rest := c.output; rest != ""; {
					n := min(step, len(rest))
					if m, err := w.Write([]byte(rest[:n])); m != n || err != nil {
						t.Fatal(m, err)
					}
					rest = rest[n:]
				}
				if got := s.current(); got != c.token {
					t.Errorf("in steps of %d: token %q, want %q", step, got, c.token)
				}
			}
		})
	}
}

func TestStopCommandsOfTwoStreams(t *testing.T) {
	var s StopCommands
	out, err := s.Stream(), s.Stream()
	out.Write([]byte("::stop-com"))
	err.Write([]byte("noise\n::x"))
	out.Write([]byte("mands::t0ken\n"))
	if s.Resume() != "::t0ken::\n" {
		t.Errorf("resume: %q", s.Resume())
	}
	err.Write([]byte("y::\n::t0ken::\n"))
	if s.Resume() != "" || s.Restore() != "" {
		t.Errorf("resume: %q, restore: %q", s.Resume(), s.Restore())
	}
}

func TestStopCommandsNil(t *testing.T) {
	var s *StopCommands
	if s.Resume() != "" || s.Restore() != "" {
		t.Error("a nil StopCommands says something")
	}
}

// FuzzStopCommands holds the watcher, which sees the output in pieces, against
// the runner, which sees lines.
func FuzzStopCommands(f *testing.F) {
	f.Add("::stop-commands::a\n::a::\n", 3)
	f.Add("x ##[stop-commands]a]b\r\n", 1)
	f.Add(" ::stop-commands::a:\n::a::", 2)
	f.Add("::stop-commands::a b\n", 5)
	f.Add("::stop-commands::%25%0A\n", 5)
	f.Fuzz(func(t *testing.T, output string, step int) {
		output += "\n"
		if step < 1 || len(output) > 900 {
			return
		}
		var state runnerState
		state.takes(output)
		var s StopCommands
		w := s.Stream()
		for rest := output; rest != ""; {
			n := min(step, len(rest))
			w.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		if got := s.current(); got != state.token {
			t.Fatalf("token %q, the runner has %q", got, state.token)
		}
		token := state.token
		if resume := s.Resume(); resume != "" {
			state.takes(resume)
			if state.token != "" {
				t.Fatalf("%q does not resume after %q", resume, token)
			}
			state.takes(s.Restore())
			if state.token != token {
				t.Fatalf("%q restores %q, not %q", s.Restore(), state.token, token)
			}
		}
	})
}

func BenchmarkStopStream(b *testing.B) {
	for name, line := range map[string]string{
		"plain":  "=== RUN   TestSomething and the like, as tests print it\n",
		"pytest": "tests/test_cache.py::test_evicts[lru-70] PASSED                    [ 42%]\n",
		"bars":   "a::b\r",
	} {
		data := []byte(strings.Repeat(line, 1000))
		b.Run(name, func(b *testing.B) {
			w := (&StopCommands{}).Stream()
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				w.Write(data)
			}
		})
	}
}

func TestLineEnd(t *testing.T) {
	for _, far := range []int{0, 1, 127, 128, 129, 5000} {
		before := strings.Repeat("x", far)
		for rest, want := range map[string]int{"": -1, "\n": far, "\r": far, "\r\n": far, "\n\r": far, "x\n\r": far + 1, "x\r\n": far + 1} {
			if got := lineEnd([]byte(before + rest)); got != want {
				t.Errorf("after %d bytes, %q: %d, want %d", far, rest, got, want)
			}
		}
	}
}
