package annotate

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/org/oom143-action/internal/diagnose"
)

// bare takes away what is escaped; what is left of the characters that mean
// something in Markdown or HTML would mean it.
func bare(s string) string {
	s = regexp.MustCompile(`\\[!-/:-@\[-`+"`"+`{-~]`).ReplaceAllString(s, " ")
	return regexp.MustCompile(`&(?:lt|gt|amp|#[0-9]+);`).ReplaceAllString(s, " ")
}

func checkProse(t *testing.T, data, got string) {
	t.Helper()
	left := bare(got)
	if i := strings.IndexAny(left, "\\`*[]<>~|#&$\r\n\x1b"); i >= 0 {
		t.Fatalf("%q becomes %q, in which %q is live", data, got, left[i:i+1])
	}
	for i, r := range left {
		if r == '_' && !(wordAt(left, i-1) && wordAt(left, i+1)) {
			t.Fatalf("%q becomes %q, in which %q is live", data, got, r)
		}
	}
	if strings.Contains(strings.ReplaceAll(left, "@\u200b", ""), "@") {
		t.Fatalf("%q becomes %q, which mentions somebody", data, got)
	}
	if strings.Contains(got, "://") || strings.Contains(strings.ToLower(got), "www.") {
		t.Fatalf("%q becomes %q, which has a link", data, got)
	}
	if !utf8.ValidString(got) {
		t.Fatalf("%q becomes %q, which is no UTF-8", data, got)
	}
}

func checkCode(t *testing.T, data, got string) {
	t.Helper()
	switch {
	case got == "":
		if strings.TrimSpace(short(data, 200)) != "" {
			t.Fatalf("%q is lost", data)
		}
	case strings.HasPrefix(got, "`"):
		if strings.Count(got, "`") != 2 || !strings.HasSuffix(got, "`") || strings.ContainsAny(got, "|\r\n\x1b") {
			t.Fatalf("%q becomes %q", data, got)
		}
	default:
		in, ok := strings.CutPrefix(got, "<code>")
		in, ok2 := strings.CutSuffix(in, "</code>")
		if left := bare(in); !ok || !ok2 || strings.ContainsAny(left, "\\`*_[]<>~|$@\r\n\x1b&") {
			t.Fatalf("%q becomes %q", data, got)
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add(nasty)
	for _, s := range []string{
		"", " ", "`", "``", "a_b", "_a_", "__init__", "a\\|b", "\\", "&lt;", "&#124;", "www.x.y", "WWW.x", "http://x", "@a/b", "\xff`\xfe|",
		"\u2028", "x`a|b`y", "`a` and `b`", "a\u202eb", "|", "``` `", strings.Repeat("|", 300),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkProse(t, s, prose(s))
		got := code(s, 200)
		checkCode(t, s, got)
		if n := utf8.RuneCountInString(short(s, 200)); n > 200 {
			t.Fatalf("%d characters", n)
		}
		// Within a sentence both alternate.
		if strings.Count(oneLine(s), "`")%2 == 0 {
			for i, part := range strings.Split(oneLine(s), "`") {
				if i%2 == 0 {
					checkProse(t, part, prose(part))
				} else {
					checkCode(t, part, code(part, 200))
				}
			}
		} else {
			checkProse(t, s, proseWithCode(s))
		}
		line := block("sh", s)
		if rows := strings.Split(line, "\n"); len(rows) != 4 || strings.Contains(rows[1], strings.TrimSuffix(rows[0], "sh")) {
			t.Fatalf("%q becomes %q", s, line)
		}
	})
}

func TestProse(t *testing.T) {
	for _, c := range [][2]string{
		{"oom_kill 0 -> 1", `oom_kill 0 -\> 1`},
		{"tests/test_a.py::test_b[1-2]", `tests/test_a.py::test_b\[1-2\]`},
		{"_x_ __init__", `\_x\_ \_\_init\_\_`},
		{"@octocat", "@\u200boctocat"},
		{"5 < 6 && $x", "5 &lt; 6 &amp;&amp; &#36;x"},
		{"a\nb\tc", "a b c"},
		{"see https://x.y and www.x.y", "see https&#58;//x.y and www&#46;x.y"},
	} {
		if got := prose(c[0]); got != c[1] {
			t.Errorf("prose(%q) = %q, want %q", c[0], got, c[1])
		}
	}
	if got, want := proseWithCode("set `--memory=1g|2g` or `x`"), "set <code>--memory=1g&#124;2g</code> or `x`"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := proseWithCode("a ` b"), "a \\` b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSummaryIsBounded: a test's name of 10,000 characters, and many of them,
// do not blow up what people read.
func TestSummaryIsBounded(t *testing.T) {
	s := hostile()
	long := strings.Repeat("n|ä`", 2500)
	s.verdict.Headline = "Killed while " + long + " ran."
	for range 100 {
		s.verdict.Running = append(s.verdict.Running, diagnose.RunningTest{ID: long, Framework: "pytest"})
		s.verdict.Advice = append(s.verdict.Advice, diagnose.Advice{Title: long, Detail: long})
		s.verdict.Evidence = append(s.verdict.Evidence, diagnose.Evidence{Source: long, Detail: long})
		s.verdict.Victims = append(s.verdict.Victims, diagnose.Victim{Command: long})
	}
	s.verdict.Running[0] = s.verdict.Running[50]
	rep := s.report()
	if n := len(Summary(rep)); n > 100_000 {
		t.Errorf("a summary of %d bytes", n)
	}
	if n := len(Terminal(rep, 80, true)); n > 50_000 {
		t.Errorf("%d bytes in the log", n)
	}
}

// TestSummaryParagraphs: cutting relies on empty lines standing between
// paragraphs only.
func TestSummaryParagraphs(t *testing.T) {
	for _, s := range scenes() {
		open := false
		for line := range strings.Lines(Summary(s.report())) {
			if strings.HasPrefix(line, "```") {
				open = !open
			}
			if open && strings.TrimSpace(line) == "" {
				t.Errorf("%s: an empty line in a block of code", s.name)
			}
		}
		if open {
			t.Errorf("%s: a block of code is open", s.name)
		}
	}
}

func TestQuiet(t *testing.T) {
	for _, s := range scenes() {
		lines := strings.Count(Summary(s.report()), "\n")
		if (s.name == "passed") != (lines == 1) {
			t.Errorf("%s: a summary of %d lines", s.name, lines)
		}
	}
	s := passed()
	s.verdict.OOM = true
	if strings.Count(Summary(s.report()), "\n") == 1 {
		t.Error("a kill inside a run that passed is kept quiet")
	}
}

func TestLeakSection(t *testing.T) {
	rep := cgroupOOM().report()
	left := 0
	rep.Leak = &Leak{
		Suspected: true, Certainty: "likely", PerTest: 9_800_000, TestsLeft: &left,
		Grew: []Grown{{What: "registry.REGISTRY._names|x", Kind: "container", From: 100, To: 8700}},
	}
	got := Summary(rep)
	for _, want := range []string{
		"#### A leak is likely\n", "Each test left about 10 MB behind; at that pace the limit is 0 tests away.",
		"- container <code>registry.REGISTRY.&#95;names&#124;x</code>: 100 to 8700\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	rep.Leak.Suspected = false
	if strings.Contains(Summary(rep), "A leak is") {
		t.Error("a leak that nobody suspects")
	}
}

func TestVictimAndCulprit(t *testing.T) {
	got := Summary(kernelOOM().report())
	for _, want := range []string{
		"| `/tmp/go-build/cart.test -test.timeout=10m` | 5111 | 11.8 GB | +11.8 GB | the largest |",
		"| `/tmp/go-build/stock.test -test.timeout=10m` | 5112 | 640 MB | +628 MB | killed |",
		"| `dotnet Runner.Worker.dll` | 990 | 180 MB |  | not of the command |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	s := kernelOOM()
	s.verdict.Victims[0].PID = 9999
	if got := Summary(s.report()); !strings.Contains(got, "| `stock.test` | 9999 | 640 MB |  | killed |") {
		t.Errorf("a victim that is not among the largest is not told:\n%s", got)
	}
}
