package testlog

import "strings"

// Names of the frameworks that print the Test Anything Protocol.
const (
	tapName  = "TAP"
	nodeName = "node:test"
	batsName = "bats"
)

// The lines of the Test Anything Protocol (https://testanything.org): tests
// when they are over, "ok 1 - name". bats leaves the dash out. node:test adds a
// block with the signal that ended a file.
func init() {
	register(framework{
		name:   tapName,
		starts: []string{"ok ", "not ok ", "TAP version ", "1..", "# Subtest: "},
		parser: func(s *Scanner) parser {
			t := &tap{base: base{s}, name: tapName}
			if s.hinted("bats") {
				t.name = batsName
			}
			s.talk.tapFailed = &t.failed
			return t
		},
	})
	message(
		rule{"signal: 'SIG", Message{Kind: workerKilled, Runtime: nodeName}, nodeSignal},
		rule{"test timed out after ", Message{Kind: timedOut, Runtime: nodeName, Statuses: []int{1}}, nodeTimeout},
	)
}

type tap struct {
	base
	name   string
	awake  bool
	failed string // the latest test that was not ok
}

func (t *tap) line(l line) bool {
	text := strings.TrimLeft(l.text, " ")
	switch {
	case strings.HasPrefix(text, "TAP version "), strings.HasPrefix(text, "1..") && strings.Trim(text[3:], "0123456789") == "":
		t.awake = true
	case strings.HasPrefix(text, "# Subtest: "):
		t.awake = true
		t.name = nodeName
	case t.awake:
		t.result(text)
	}
	return false
}

// result reads "not ok 3 - name # SKIP reason".
func (t *tap) result(text string) {
	rest, failing := strings.CutPrefix(text, "not ")
	rest, ok := strings.CutPrefix(rest, "ok ")
	if !ok {
		return
	}
	number, name, _ := strings.Cut(rest, " ")
	if number == "" || strings.Trim(number, "0123456789") != "" {
		return
	}
	e := Event{Framework: t.name, Outcome: passed}
	name, directive, _ := strings.Cut(strings.TrimPrefix(name, "- "), " # ")
	e.ID = strings.TrimSpace(name)
	if t.name == nodeName && script(e.ID) {
		e.ID = t.s.relative(e.ID)
		e.File = e.ID
	}
	switch {
	case strings.HasPrefix(strings.ToUpper(directive), "SKIP"):
		e.Outcome = skipped
	case failing:
		e.Outcome = failed
		t.failed = strings.Clone(e.ID)
	}
	if e.ID != "" {
		t.s.finish(e)
	}
}

// nodeSignal reads the signal in the block below a file that node:test ran in
// a process of its own.
func nodeSignal(s *Scanner, text string, m *Message) bool {
	if !strings.HasPrefix(strings.TrimSpace(text), "signal: '") {
		return false
	}
	m.Signal, _ = between(text, "signal: '", "'")
	if file := *s.talk.tapFailed; script(file) {
		m.Test = file
		s.start(Event{ID: file, Framework: nodeName, File: file, Certainty: possible})
	}
	return len(m.Signal) < 12
}

func nodeTimeout(_ *Scanner, text string, _ *Message) bool {
	return strings.Contains(text, "'test timed out after ") && strings.Contains(text, "ms'")
}
