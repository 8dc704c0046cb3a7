package testlog

import (
	"slices"
	"strconv"
	"strings"
)

const playwrightName = "playwright"

// The lines of Playwright Test's line, list and dot reporters
// (packages/playwright/src/reporters): "[3/4] file:line:column › title" at a
// test's start, "  ✓  1 file:line:column › title (5ms)" at its end.
func init() {
	register(framework{
		name:   playwrightName,
		starts: []string{"Running "},
		parser: func(s *Scanner) parser {
			p := &playwright{base: base{s}, workers: 1}
			s.talk.playwright = p
			return p
		},
	})
	message(
		rule{"worker process exited unexpectedly (code=", Message{Kind: workerKilled, Runtime: playwrightName}, playwrightWorker},
		rule{"Test timeout of ", Message{Kind: timedOut, Runtime: playwrightName, Statuses: []int{1}}, playwrightTimeout},
	)
}

type playwright struct {
	base
	workers int
	begun   []Event // the latest tests that began, at most one for each worker
	failed  string  // the test whose failure is being told
}

func (p *playwright) line(l line) bool {
	text := strings.TrimLeft(l.text, " ")
	if rest, ok := strings.CutPrefix(text, "Running "); ok {
		p.header(rest)
		return false
	}
	e, ok := playwrightTest(text)
	if !ok {
		p.summary(text)
		return false
	}
	head, _, _ := strings.Cut(text, " ")
	switch {
	case strings.HasPrefix(head, "[") && strings.Contains(head, "/"):
		p.begin(e)
	case strings.HasSuffix(head, ")") && strings.Trim(head, "0123456789)") == "":
		p.failed = strings.Clone(e.ID)
	case head == "✓" || head == "✘" || head == "-" || head == "ok" || head == "x":
		e.ID = untimedParen(e.ID)
		e.Outcome = map[string]string{"✓": passed, "ok": passed, "-": skipped}[head]
		if e.Outcome == "" {
			e.Outcome = failed
		}
		p.s.finish(e)
	}
	return false
}

// header reads "Running 4 tests using 2 workers".
func (p *playwright) header(rest string) {
	tests, workers, ok := strings.Cut(rest, " using ")
	n, ok2 := small(workers)
	if !ok || !ok2 || !strings.Contains(workers, "worker") || !strings.Contains(tests, " test") {
		return
	}
	p.workers = min(max(n, 1), 64)
	p.s.lookFor(" › ", " passed (", " failed")
}

// summary reads "2 passed (870ms)" or "1 failed": no test is running any more.
func (p *playwright) summary(text string) {
	n, rest, _ := strings.Cut(text, " ")
	if n == "" || strings.Trim(n, "0123456789") != "" || rest != "failed" && !strings.HasPrefix(rest, "passed (") {
		return
	}
	for _, e := range p.begun {
		p.s.finish(e)
	}
	p.begun = nil
}

// begin starts a test. The line reporter does not show ends: with one worker
// the test before is over, with more only the latest can be running.
func (p *playwright) begin(e Event) {
	if p.workers > 1 {
		e.Certainty = possible
	}
	for len(p.begun) >= p.workers {
		p.s.finish(p.begun[0])
		p.begun = p.begun[1:]
	}
	e.ID = strings.Clone(e.ID)
	p.begun = append(p.begun, e)
	p.s.start(e)
}

// playwrightTest finds "[project] › file:line:column › title" in a line.
func playwrightTest(text string) (Event, bool) {
	text = strings.TrimRight(strings.TrimRight(text, "─"), " ")
	first := strings.Index(text, " › ")
	if first < 0 {
		return Event{}, false
	}
	place := text[:first]
	project := ""
	if i := strings.LastIndexByte(place, '['); i >= 0 && strings.HasSuffix(place, "]") {
		project = place[i:] + " › "
		place, _, _ = strings.Cut(text[first+len(" › "):], " › ")
	}
	place = place[strings.LastIndexByte(place, ' ')+1:]
	at := strings.Index(text, place)
	parts := strings.Split(place, ":")
	if len(parts) < 3 || place == "" {
		return Event{}, false
	}
	file := strings.Join(parts[:len(parts)-2], ":")
	n, err := strconv.Atoi(parts[len(parts)-2])
	if err != nil || n < 1 || !script(file) {
		return Event{}, false
	}
	return Event{ID: project + text[at:], Framework: playwrightName, File: file, Line: n}, true
}

// untimedParen cuts " (301ms)".
func untimedParen(text string) string {
	if i := strings.LastIndex(text, " ("); i > 0 && strings.HasSuffix(text, "s)") && digit(text[min(i+2, len(text)-1)]) {
		return text[:i]
	}
	return text
}

// playwrightWorker reads "Error: worker process exited unexpectedly
// (code=null, signal=SIGKILL)", below the test that the worker had.
func playwrightWorker(s *Scanner, text string, m *Message) bool {
	if signal, ok := between(text, "signal=", ")"); ok && strings.HasPrefix(signal, "SIG") && len(signal) < 12 {
		m.Signal = signal
	}
	if code, ok := after(text, "(code="); ok {
		m.Code, _ = small(code)
	}
	p := s.talk.playwright
	if e, ok := playwrightTest("1) " + p.failed); ok {
		m.Test = e.ID
		s.start(e)
		p.begun = slices.DeleteFunc(p.begun, func(b Event) bool { return b.ID == e.ID })
	}
	return true
}

func playwrightTimeout(_ *Scanner, text string, _ *Message) bool {
	return strings.Contains(text, "ms exceeded")
}
