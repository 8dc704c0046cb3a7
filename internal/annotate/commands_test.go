package annotate

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/org/oom143-action/internal/diagnose"
)

// issued gives what the runner makes of the annotations.
func issued(t *testing.T, rep, before *Report) []runnerCommand {
	t.Helper()
	var b bytes.Buffer
	if err := WriteCommands(&b, rep, before, nil); err != nil {
		t.Fatal(err)
	}
	var state runnerState
	state.takes(b.String())
	if lines := strings.Count(b.String(), "\n"); lines != len(state.commands) {
		t.Errorf("%d lines, of which the runner takes %d:\n%s", lines, len(state.commands), b.String())
	}
	return state.commands
}

func TestCommandsReachTheRunner(t *testing.T) {
	for _, c := range []struct {
		scene scene
		want  []string // level, file, line
	}{
		{cgroupOOM(), []string{"error tests/test_cache.py 12"}},
		{kernelOOM(), []string{"error cart/totals_test.go 88"}},
		{runnerShutdown(), []string{"error  "}},
		{passed(), nil},
		{passedNear(), []string{"warning  "}},
		{testsFailed(), []string{"error  "}},
		{hostile(), []string{"error  "}},
		{scene{"unknown", newRecord(), diagnose.Verdict{Headline: "Nothing is known."}}, nil},
	} {
		t.Run(c.scene.name, func(t *testing.T) {
			rep := c.scene.report()
			got := issued(t, rep, nil)
			var list []string
			for _, g := range got {
				list = append(list, g.name+" "+g.properties["file"]+" "+g.properties["line"])
				if g.properties["title"] == "" || g.data == "" {
					t.Errorf("without title or message: %+v", g)
				}
			}
			if strings.Join(list, "|") != strings.Join(c.want, "|") {
				t.Errorf("got %q, want %q", list, c.want)
			}
			if len(got) > 0 && got[0].name == "error" && !strings.HasPrefix(got[0].data, oneLine(rep.Headline)) {
				t.Errorf("the first message is not the headline: %q", got[0].data)
			}
		})
	}
}

func TestCommandEscapes(t *testing.T) {
	s := hostile()
	s.verdict.Running[0] = s.verdict.Running[1] // whose file has a place
	got := issued(t, s.report(), nil)
	if len(got) != 1 || got[0].properties["file"] != "tests/a,b:c%.py" || got[0].properties["line"] != "2" {
		t.Errorf("got %+v", got)
	}
}

func TestCommandLimits(t *testing.T) {
	s := cgroupOOM()
	long := strings.Repeat("ä€𝄞%\n", 5000)
	s.verdict.Headline, s.verdict.Warning = long, long
	for range 30 {
		s.verdict.Running = append(s.verdict.Running, diagnose.RunningTest{ID: long})
		s.verdict.Advice = append(s.verdict.Advice, diagnose.Advice{Title: long, Detail: long})
	}
	got := issued(t, s.report(), nil)
	if len(got) == 0 || len(got) > 3 {
		t.Fatalf("%d annotations", len(got))
	}
	for _, g := range got {
		if len(g.data) > 4096 || len(g.data) < 4000 || len(g.properties["title"]) > 255 || strings.ContainsRune(g.data, '\uFFFD') {
			t.Errorf("%d bytes of message, %d of title", len(g.data), len(g.properties["title"]))
		}
	}
}

func TestSecondReport(t *testing.T) {
	early, final := cgroupOOM(), cgroupOOM()
	early.verdict.Cause, early.verdict.Headline = diagnose.RunnerShutdown, "So far: the runner is being shut down."
	if got := issued(t, final.report(), early.report()); len(got) != 1 {
		t.Errorf("another cause: %+v", got)
	}
	final.verdict.Headline = "The same in other words."
	if got := issued(t, final.report(), cgroupOOM().report()); len(got) != 0 {
		t.Errorf("the same cause is told twice: %+v", got)
	}
	if got := issued(t, passedNear().report(), passedNear().report()); len(got) != 0 {
		t.Errorf("the same warning is told twice: %+v", got)
	}
}

type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestCommandsCannotBeWritten(t *testing.T) {
	if err := WriteCommands(refusing{}, cgroupOOM().report(), nil, nil); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("%v", err)
	}
	if err := WriteCommands(refusing{}, passed().report(), nil, nil); err != nil {
		t.Errorf("nothing to write, and yet: %v", err)
	}
}

func TestCommandsWhileStopped(t *testing.T) {
	var stops StopCommands
	var state runnerState
	const test = "::stop-commands::pause-4711\n::error::from a test\n"
	stops.Stream().Write([]byte(test))
	state.takes(test)
	var b bytes.Buffer
	if err := WriteCommands(&b, cgroupOOM().report(), nil, &stops); err != nil {
		t.Fatal(err)
	}
	state.takes(b.String())
	if len(state.commands) != 1 || state.commands[0].properties["file"] != "tests/test_cache.py" {
		t.Errorf("the runner took %+v", state.commands)
	}
	if state.token != "pause-4711" {
		t.Errorf("afterwards the token is %q", state.token)
	}
}

// FuzzCommands: whatever a test is called, the runner reads one command with
// the title, the file and the message that were meant.
func FuzzCommands(f *testing.F) {
	f.Add(nasty, "tests/a,b:c%.py", "title")
	f.Add("%0A%25", "a b=c::d", "::x")
	f.Add("\r\n\x00\xff", " ", ",")
	f.Fuzz(func(t *testing.T, message, file, title string) {
		s := cgroupOOM()
		s.verdict.Headline = message
		s.verdict.Running[0].File = file
		s.verdict.Running[0].ID = title
		rep := s.report()
		var b bytes.Buffer
		if err := WriteCommands(&b, rep, nil, nil); err != nil {
			t.Fatal(err)
		}
		if strings.Count(b.String(), "\n") != 1 || strings.Contains(b.String(), "\r") {
			t.Fatalf("not one line: %q", b.String())
		}
		var state runnerState
		state.takes(b.String())
		if len(state.commands) != 1 {
			t.Fatalf("%q gives %+v", b.String(), state.commands)
		}
		got := state.commands[0]
		if want := rep.likeliest().File; got.name != "error" || got.properties["file"] != want {
			t.Fatalf("file %q, want %q", got.properties["file"], want)
		}
		if got.properties["title"] != "oom143: out of memory, container limit reached" || got.properties["line"] != "" && got.properties["line"] != "12" {
			t.Fatalf("properties %q", got.properties)
		}
		if want := cutBytes(verdictAnnotation(rep).message, maxMessage); got.data != want {
			t.Fatalf("message %q, want %q", got.data, want)
		}
	})
}
