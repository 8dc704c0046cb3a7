package annotate

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/org/oom143-action/internal/record"
)

// TestTerminalRules holds the forms against the rules in terminal.go.
func TestTerminalRules(t *testing.T) {
	for _, s := range scenes() {
		for _, width := range []int{0, 40, 80, 200} {
			for line := range strings.Lines(Terminal(s.report(), width, false)) {
				text, whole := strings.CutSuffix(line, "\n")
				if !whole || !strings.HasPrefix(text, Prefix) {
					t.Errorf("%s: %q", s.name, line)
				}
				if strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, "##[") || strings.HasSuffix(text, " ") {
					t.Errorf("%s: %q", s.name, text)
				}
				// A line may be too long for a long word, or a command.
				longest := 0
				for _, word := range strings.Fields(text) {
					longest = max(longest, utf8.RuneCountInString(word))
				}
				if n := utf8.RuneCountInString(text); n > width && width >= 40 && longest <= width-len(Prefix)-labelWidth && !strings.Contains(text, "oom143 run ") && !strings.Contains(text, "docker run --rm ") {
					t.Errorf("%s: %d columns of %d: %q", s.name, n, width, text)
				}
			}
		}
		coloured := Terminal(s.report(), 80, true)
		for _, sgr := range []string{strong, bad, good, faint, plain} {
			coloured = strings.ReplaceAll(coloured, sgr, "")
		}
		if diff := cmp.Diff(Terminal(s.report(), 80, false), coloured); diff != "" {
			t.Errorf("%s: colour changes the text:\n%s", s.name, diff)
		}
	}
}

// TestTerminalGivesNoCommands: whatever a test is called, oom143's own lines are
// none for the runner.
func TestTerminalGivesNoCommands(t *testing.T) {
	var state runnerState
	state.takes(Terminal(hostile().report(), 80, false))
	state.takes(DangerLine(record.Danger{Used: 1, Largest: nasty}, record.Level{}, []string{nasty, "::error::x"}))
	if len(state.commands) != 0 || state.token != "" {
		t.Errorf("the runner took %+v and the token %q", state.commands, state.token)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, nil},
		{"  ", 10, nil},
		{"one two", 7, []string{"one two"}},
		{"one two", 6, []string{"one", "two"}},
		{"a-very-long-word b", 5, []string{"a-very-long-word", "b"}},
		{"äöü äöü", 7, []string{"äöü äöü"}},
		{"of 512 MB.", 6, []string{"of", "512 MB."}},
		{"(99 %), x", 5, []string{"(99 %),", "x"}},
		{"the 3 s", 5, []string{"the", "3 s"}},
		{"a s", 1, []string{"a", "s"}},
		{"x", -3, []string{"x"}},
	} {
		if diff := cmp.Diff(c.want, wrap(c.text, c.width)); diff != "" {
			t.Errorf("wrap(%q, %d): %s", c.text, c.width, diff)
		}
	}
}

func TestDangerLine(t *testing.T) {
	level := record.Level{Kind: record.CgroupLevel, Limit: 7e9}
	for _, c := range []struct {
		danger  record.Danger
		level   record.Level
		running []string
		want    string
	}{
		{
			record.Danger{Used: 65e8, Growth: 31e7, LeftMS: 1612, Largest: "python3 (pid 4242, 6.1 GB)"}, level, []string{"a.py::t", "b", "c"},
			"oom143: memory 6.5 GB of 7.0 GB (92 %), growing by 310 MB a second, full in 1.6 s, running a.py::t and 2 more, largest process python3 (pid 4242, 6.1 GB)\n",
		},
		{record.Danger{Used: 65e8, Growth: -5}, level, []string{"t"}, "oom143: memory 6.5 GB of 7.0 GB (92 %), running t\n"},
		{record.Danger{Used: 65e8}, record.Level{}, nil, "oom143: memory 6.5 GB\n"},
		{record.Danger{Used: 1 << 63}, record.Level{Limit: 1 << 63}, nil, "oom143: memory 9223372036.9 GB of 9223372036.9 GB (100 %)\n"},
	} {
		if got := DangerLine(c.danger, c.level, c.running); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
	if got := DangerLine(record.Danger{Used: 1}, level, []string{strings.Repeat("x", 1e5)}); len(got) > 300 {
		t.Errorf("a line of %d bytes", len(got))
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		size(0): "0 bytes", size(999): "999 bytes", size(1500): "2 kB", size(999_499): "999 kB", size(999_500): "1 MB",
		size(512 * mib): "537 MB", size(7e9): "7.0 GB", limitSize(512 * mib): "537 MB (512 MiB)", limitSize(7e9): "7.0 GB",
		limitSize(1_048_577): "1 MB", gained(-5e6): "-5 MB", gained(5e6): "+5 MB", percent(98.2): "98.2 %", percent(50): "50 %",
		percent(125.5): "126 %", span(0): "0.0 s", span(310 * time.Millisecond): "0.3 s", span(59 * time.Second): "59 s",
		span(81 * time.Second): "1 min 21 s", span(125 * time.Minute): "2 h 5 min",
		short("abc", 3): "abc", short("abcd", 3): "ab…", short("ä\n€𝄞", 4): "ä €𝄞", short("ä\n€𝄞x", 4): "ä €…",
		cutBytes("abc", 3): "abc", cutBytes("äää", 5): "ä…", oneLine("a\x1b[1m\u0085\u202e\xff"): "a [1m \ufffd\ufffd",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
