package testlog

import "strings"

const unittestName = "unittest"

// The lines of unittest -v, on standard error (CPython
// Lib/unittest/runner.py, TextTestResult): "test_x (module.Class.test_x) ... ",
// before Python 3.11 "test_x (module.Class) ... ", then the outcome.
func init() {
	register(framework{
		name:   unittestName,
		starts: []string{"test", "ok", "FAIL", "ERROR", "skipped ", "expected failure", "Ran "},
		parser: func(s *Scanner) parser { return &unittest{base: base{s}} },
	})
}

type unittest struct {
	base
	current Event
}

func (u *unittest) line(l line) bool {
	e, rest, ok := unittestID(l.text)
	switch {
	case ok:
		u.begin(e)
		u.result(rest)
	case u.current.ID == "":
	case strings.HasPrefix(l.text, "Ran "):
		u.over("")
	default:
		_, behind, doc := strings.Cut(l.text, " ... ")
		if !doc {
			behind = l.text
		}
		u.result(behind)
	}
	return false
}

func (u *unittest) partial(l line) {
	if e, _, ok := unittestID(l.text); ok && strings.Contains(l.text, ") ... ") {
		u.begin(e)
	}
}

// begin starts a test; tests of unittest run one after the other.
func (u *unittest) begin(e Event) {
	if u.current.ID != "" && u.current.ID != e.ID {
		u.over("")
	}
	u.current = e
	u.s.lookFor(" ... ")
	u.s.start(e)
}

// result reads the outcome behind a test's name.
func (u *unittest) result(text string) {
	text = strings.TrimSpace(strings.TrimPrefix(text, " ... "))
	switch {
	case text == "ok", text == "expected failure":
		u.over(passed)
	case text == "FAIL", text == "ERROR", text == "unexpected success":
		u.over(failed)
	case strings.HasPrefix(text, "skipped '"), strings.HasPrefix(text, `skipped "`):
		u.over(skipped)
	}
}

func (u *unittest) over(outcome string) {
	e := u.current
	e.Outcome = outcome
	u.current = Event{}
	u.s.finish(e)
}

// unittestID reads "method (module.Class.method)" into the name that python
// -m unittest takes.
func unittestID(text string) (e Event, rest string, ok bool) {
	method, rest, ok := strings.Cut(text, " (")
	if !ok || !strings.HasPrefix(method, "test") || !dotted(method) || strings.Contains(method, ".") {
		return Event{}, "", false
	}
	class, rest, ok := strings.Cut(rest, ")")
	if !ok || !dotted(class) || !strings.Contains(class, ".") || rest != "" && rest[0] != ' ' {
		return Event{}, "", false
	}
	if i := strings.Index(rest, ") ... "); i >= 0 && strings.HasPrefix(rest, " (") {
		rest = rest[i+1:] // the parameters of a subTest
	}
	if rest != "" && !strings.HasPrefix(rest, " ... ") {
		return Event{}, "", false
	}
	id := class
	if !strings.HasSuffix(class, "."+method) {
		id = class + "." + method
	}
	return Event{ID: id, Framework: unittestName}, rest, true
}

// dotted tells whether text is names joined by dots.
func dotted(text string) bool {
	if text == "" || digit(text[0]) {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if !digit(c) && c != '_' && c != '.' && c < 0x80 && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
