package testlog

import "strings"

const catchName = "Catch2"

// Catch2 prints a test's name between two lines of dashes when something in it
// fails; also when a signal ends it, since it handles SIGTERM
// (catch_fatal_condition_handler.cpp).
func init() {
	register(framework{
		name:   catchName,
		starts: []string{catchRule},
		parser: func(s *Scanner) parser {
			c := &catch{base: base{s}}
			s.talk.catch = &c.title
			return c
		},
	})
	message(
		rule{"SIGTERM - Termination request signal", Message{Kind: workerKilled, Runtime: catchName, Signal: "SIGTERM", Statuses: []int{143}}, catchSignal},
	)
}

// catchRule is what frames a title: 79 dashes.
const catchRule = "-------------------------------------------------------------------------------"

type catch struct {
	base
	title  string
	ruleAt int
}

func (c *catch) line(l line) bool {
	switch {
	case l.text == catchRule:
		if c.ruleAt != l.n-2 || c.title == "" {
			c.title = ""
			c.s.want = 1
		}
		c.ruleAt = l.n
	case c.ruleAt > 0 && c.ruleAt == l.n-1 && c.title == "" && !strings.HasPrefix(l.text, " "):
		c.title = strings.Clone(l.text)
	}
	return false
}

func catchSignal(s *Scanner, text string, m *Message) bool {
	if m.Test = *s.talk.catch; m.Test != "" {
		s.start(Event{ID: m.Test, Framework: catchName})
	}
	return strings.HasPrefix(text, "  SIGTERM - ")
}
