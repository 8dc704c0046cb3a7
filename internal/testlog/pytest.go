package testlog

import (
	"path"
	"strings"
)

const pytestName = "pytest"

// The lines of pytest, as _pytest/terminal.py writes them, and of
// pytest-xdist (xdist/dsession.py).
func init() {
	register(framework{
		name:   pytestName,
		starts: []string{"=====", "collecting ", "PASSED", "FAILED", "SKIPPED", "XFAIL", "XPASS", "ERROR", "[gw", "worker '", "scheduling tests via "},
		words:  []string{".py::test_"},
		parser: func(s *Scanner) parser {
			p := &pytest{base: base{s}}
			if s.hinted("pytest", "py.test", "tox", "nox") {
				p.wake()
			}
			return p
		},
	})
	message(
		rule{" crashed while running '", Message{Kind: workerKilled, Runtime: "pytest-xdist"}, xdistCrash},
		rule{" and worker restarting disabled", Message{Kind: workerKilled, Runtime: "pytest-xdist"}, nil},
		rule{"node down: Not properly terminated", Message{Kind: workerKilled, Runtime: "pytest-xdist"}, nil},
		rule{"maximum crashed workers reached: ", Message{Kind: workerKilled, Runtime: "pytest-xdist"}, nil},
		rule{"Failed: Timeout ", Message{Kind: timedOut, Runtime: "pytest-timeout", Statuses: []int{1}}, pytestTimeout},
		rule{"+++ Timeout +++", Message{Kind: timedOut, Runtime: "pytest-timeout", Statuses: []int{1}}, nil},
	)
}

// pytest reads pytest's lines. Without -v only the file is printed when its
// first test starts; with -v the test's id, and its outcome behind it.
type pytest struct {
	base
	awake    bool
	workers  bool     // pytest-xdist runs several tests at a time
	sessions int      // begun and not summed up
	current  Event    // test or file that the last line without an end names
	dots     int      // length of the last unfinished line of outcomes
	down     []string // the workers that died: what is reported of their tests is not an outcome
}

// wake makes lines with ids and files of tests interesting.
func (p *pytest) wake() {
	if !p.awake {
		p.awake = true
		p.s.lookAhead(".py", "::")
	}
}

func (p *pytest) line(l line) bool {
	text := l.text
	switch {
	case strings.HasPrefix(text, "====="):
		p.heading(text)
	case strings.HasPrefix(text, "collecting "):
		p.wake()
	case strings.HasPrefix(text, "scheduling tests via "):
		p.wake()
		p.workers = true // pytest-xdist -v ends a line when a test starts
	case strings.HasSuffix(text, "] node down: Not properly terminated"):
		p.died(text)
	case strings.HasPrefix(text, "[gw") && strings.Contains(text, "::"):
		p.worker(text)
	case !p.awake:
		if !strings.Contains(text, ".py::") || !p.test(text, true) {
			return false
		}
		p.wake()
	default:
		_ = p.test(text, true) || p.outcome(text) || p.file(text)
	}
	return false
}

// heading reads the lines framed by "=": the session's begin and its summary.
func (p *pytest) heading(text string) {
	title := strings.TrimSpace(strings.Trim(text, "="))
	switch {
	case title == "test session starts":
		p.wake()
		p.sessions++
		p.s.phase(pytestName, collection)
	case title == "FAILURES" || title == "ERRORS" || title == "warnings summary" || title == "short test summary info" || pytestSum(title):
		p.over()
		if pytestSum(title) && p.sessions > 0 {
			p.sessions--
		}
	}
}

// pytestSum tells whether a heading is the last line of a session: "1 failed,
// 6 passed in 1.86s".
func pytestSum(title string) bool {
	_, took, ok := strings.Cut(title, " in ")
	return ok && strings.Contains(took, "s") && title != "" && (digit(title[0]) || strings.HasPrefix(title, "no tests ran"))
}

// over ends the file or test that the last line named.
func (p *pytest) over() {
	if p.current.ID != "" && p.sessions <= 1 {
		p.s.finish(p.current)
	}
	p.current = Event{}
}

// test reads a line that begins with an id. A line without an outcome is a
// start; the outcome is on a line of its own when the test printed.
func (p *pytest) test(text string, whole bool) bool {
	id, rest, ok := nodeID(text)
	if !ok {
		return false
	}
	e := Event{ID: id, Framework: pytestName, File: pytestFile(id)}
	outcome := ""
	if whole {
		outcome = pytestOutcome(rest)
	}
	p.begin(e)
	if outcome != "" {
		e.Outcome = outcome
		p.s.finish(e)
		p.current = Event{}
	}
	return true
}

// begin starts a test. Within one session without workers the test before it
// is then over, even if its outcome got lost in what it printed.
func (p *pytest) begin(e Event) {
	if !p.workers && p.current.ID != "" && p.current.ID != e.ID {
		p.over()
	}
	p.s.endChildren(pytestName)
	p.s.start(e)
	if !p.workers {
		p.current = e
	}
}

// nodeID reads an id at the beginning of a line: a file, "::" and names,
// which have blanks only in brackets. What the test printed may follow it.
func nodeID(text string) (id, rest string, ok bool) {
	if i := statusAt(text); i > 0 && plausibleID(text[:i]) {
		return text[:i], text[i+1:], true
	}
	end := strings.IndexByte(text, ' ')
	if open := strings.IndexByte(text, '['); open >= 0 && (end < 0 || open < end) {
		end = closing(text, open)
	}
	if end <= 0 || !plausibleID(text[:end]) {
		return "", "", false
	}
	return text[:end], strings.TrimLeft(text[end:], " "), true
}

// closing finds the blank behind the bracket that closes the one at open; -1
// when the brackets do not pair.
func closing(text string, open int) int {
	depth := 0
	for i := open; i < len(text); i++ {
		switch text[i] {
		case '[':
			depth++
		case ']':
			depth--
			if depth == 0 && i+1 < len(text) && text[i+1] == ' ' {
				return i + 1
			}
		}
	}
	return -1
}

// statusAt finds the blank before the outcome at the end of a line: " PASSED",
// with a reason and the progress behind it.
func statusAt(text string) int {
	t := strings.TrimRight(text, " ")
	if i := strings.LastIndex(t, " ["); i >= 0 && strings.HasSuffix(t, "]") && progress(t[i+2:len(t)-1]) {
		t = strings.TrimRight(t[:i], " ")
	}
	best := -1
	for _, word := range pytestWords {
		i := strings.LastIndex(t, word)
		if i < 0 {
			continue
		}
		rest := t[i+len(word):]
		if (rest == "" || strings.HasPrefix(rest, " (") && strings.HasSuffix(rest, ")")) && i > best {
			best = i
		}
	}
	return best
}

// progress tells whether text is what pytest prints in brackets at the end of
// a line: " 14%", "3/7" or a duration.
func progress(text string) bool {
	text = strings.TrimSpace(text)
	if text == "" || !digit(text[0]) {
		return false
	}
	return strings.Trim(text, "0123456789%/.msh ") == ""
}

// plausibleID tells whether text can be the id of a test: the file's name has
// an extension and no blanks.
func plausibleID(id string) bool {
	file, names, ok := strings.Cut(id, "::")
	if !ok || names == "" || strings.HasSuffix(names, ":") || strings.ContainsAny(file, " \t'\"`()<>,") {
		return false
	}
	bare, _, _ := strings.Cut(names, "[")
	if strings.HasSuffix(file, ".py") && strings.ContainsAny(bare, " '\"`()<>,") {
		return false
	}
	return path.Ext(file) != "" && !strings.HasPrefix(path.Base(file), ".")
}

func pytestFile(id string) string {
	file, _, _ := strings.Cut(id, "::")
	return file
}

var pytestOutcomes = map[string]string{
	"PASSED": passed, "FAILED": failed, "SKIPPED": skipped, "XFAIL": skipped, "XPASS": passed, "ERROR": failed, "RERUN": failed,
}

// pytestWords are the outcomes as they stand behind an id.
var pytestWords = []string{" PASSED", " FAILED", " SKIPPED", " XFAIL", " XPASS", " ERROR", " RERUN"}

func pytestOutcome(rest string) string {
	word, _, _ := strings.Cut(rest, " ")
	if i := statusAt(" " + rest); i >= 0 {
		word, _, _ = strings.Cut((" " + rest)[i+1:], " ")
	}
	return pytestOutcomes[word]
}

// outcome reads "PASSED" on a line of its own: the test printed something
// after its id.
func (p *pytest) outcome(text string) bool {
	if p.current.ID == "" || !strings.Contains(p.current.ID, "::") || p.sessions > 1 {
		return false
	}
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	if pytestOutcomes[word] == "" || rest != "" && !strings.HasPrefix(rest, "(") && !strings.HasPrefix(rest, "[") {
		return false
	}
	e := p.current
	e.Outcome = pytestOutcomes[word]
	p.current = Event{}
	p.s.finish(e)
	return true
}

// file reads the default mode: the file, then one character for each test
// that is over.
func (p *pytest) file(text string) bool {
	file, marks, ok := strings.Cut(text, " ")
	if !ok || !strings.HasSuffix(file, ".py") || strings.ContainsAny(file, "'\"`()<>,:") {
		return false
	}
	marks = strings.TrimRight(unglued(marks), " ")
	if i := strings.LastIndex(marks, "["); i >= 0 && strings.HasSuffix(marks, "]") && progress(marks[i+1:len(marks)-1]) {
		marks = strings.TrimRight(marks[:i], " ")
	}
	if strings.Trim(marks, ".FEsxXRp") != "" {
		return false
	}
	p.begin(Event{ID: file, Framework: pytestName, File: file, Certainty: possible})
	return true
}

func (p *pytest) partial(l line) {
	if !p.awake {
		if strings.Contains(l.text, ".py::") && p.test(l.text, false) {
			p.wake()
		}
		p.quiet(l.text)
		return
	}
	switch {
	case p.test(l.text, false):
	case strings.HasPrefix(l.text, "[gw") && strings.Contains(l.text, "::"):
		if text := unglued(l.text); strings.HasSuffix(text, " ") {
			p.worker(text)
		}
	default:
		p.file(l.text)
	}
	p.quiet(l.text)
}

// quiet follows lines of dots: each new one is a test that is over, so what
// the processes told about it is, too.
func (p *pytest) quiet(text string) {
	if _, marks, ok := strings.Cut(text, ".py "); ok {
		text = marks
	}
	if text == "" || strings.Trim(text, ".FEsxXRp") != "" {
		return
	}
	if len(text) != p.dots {
		p.s.endChildren(pytestName)
	}
	p.dots = len(text)
}

// worker reads pytest-xdist's "[gw0] [ 16%] PASSED ID".
func (p *pytest) worker(text string) {
	p.workers = true
	name, rest, _ := strings.Cut(text, "] ")
	if strings.HasPrefix(rest, "[") {
		_, rest, _ = strings.Cut(rest, "] ")
	}
	word, id, ok := strings.Cut(rest, " ")
	if !ok || pytestOutcomes[word] == "" {
		return
	}
	id = strings.TrimRight(id, " ")
	if !plausibleID(id) {
		return
	}
	if contains(p.down, strings.TrimPrefix(name, "[")) {
		p.s.start(Event{ID: id, Framework: pytestName, File: pytestFile(id)})
		return
	}
	p.s.finish(Event{ID: id, Framework: pytestName, File: pytestFile(id), Outcome: pytestOutcomes[word]})
}

// died reads "[gw0] node down: Not properly terminated", which can stand
// behind dots.
func (p *pytest) died(text string) {
	p.workers = true
	name, _ := between(text, "[", "]")
	if strings.HasPrefix(name, "gw") && len(name) < 10 && len(p.down) < 1000 {
		p.down = append(p.down, strings.Clone(name))
	}
}

// xdistCrash reads "worker 'gw0' crashed while running 'ID'". The test was
// running when its worker died, whatever outcome is reported for it.
func xdistCrash(s *Scanner, text string, m *Message) bool {
	_, id, _ := strings.Cut(text, " crashed while running '")
	id, ok := strings.CutSuffix(strings.TrimSpace(id), "'")
	if !ok || !strings.HasPrefix(strings.TrimLeft(text, " E"), "worker '") || !plausibleID(id) {
		return false
	}
	m.Test = id
	s.start(Event{ID: id, Framework: pytestName, File: pytestFile(id)})
	return true
}

// pytestTimeout reads the failure that pytest-timeout raises: "Failed: Timeout
// >1.0s", since 2.3 "Failed: Timeout (>1.0s) from pytest-timeout.".
func pytestTimeout(_ *Scanner, text string, _ *Message) bool {
	rest, _ := after(text, "Failed: Timeout ")
	return strings.HasPrefix(rest, ">") || strings.HasPrefix(rest, "(>")
}

// process reads the title that pytest-xdist gives its workers where
// setproctitle is installed, and PYTEST_CURRENT_TEST, which the processes
// that a test starts inherit.
func (p *pytest) process(proc Proc) (sighting, bool) {
	if title := strings.Join(proc.Argv, " "); strings.HasPrefix(title, "[pytest-xdist running] ") {
		id := strings.TrimSpace(strings.TrimPrefix(title, "[pytest-xdist running] "))
		return sighting{Event: Event{ID: id, Framework: pytestName, File: pytestFile(id), PID: proc.PID, Certainty: certain}}, plausibleID(id)
	}
	value := proc.Env["PYTEST_CURRENT_TEST"]
	i := strings.LastIndex(value, " (")
	if i < 0 || !plausibleID(value[:i]) {
		return sighting{}, false
	}
	id := value[:i]
	return sighting{child: true, Event: Event{
		ID: id, Framework: pytestName, File: pytestFile(id), PID: proc.Parent, Certainty: possible,
	}}, true
}
