package testlog

import "strings"

const mochaName = "mocha"

// The lines of Mocha's list reporter (lib/reporters/list.js): "    title: "
// at a test's start, then, after a carriage return, "  ✔ title: 5ms". The other
// reporters do not show starts.
func init() {
	register(framework{
		name: mochaName,
		parser: func(s *Scanner) parser {
			m := &mocha{base: base{s}}
			if s.hinted("mocha") && s.hinted("list") {
				m.wake()
			}
			return m
		},
		starts: []string{"✔ ", "✓ "},
	})
	message(
		rule{"Workerpool Worker terminated Unexpectedly", Message{Kind: workerKilled, Runtime: mochaName}, mochaUncaught},
		rule{"signalCode: `SIG", Message{Kind: workerKilled, Runtime: mochaName}, mochaSignal},
		rule{"Timeout of ", Message{Kind: timedOut, Runtime: mochaName}, mochaTimeout},
	)
}

type mocha struct {
	base
	awake   bool
	current string
}

func (m *mocha) wake() {
	m.awake = true
	m.s.lookFor("✔", "✓")
}

func (m *mocha) line(l line) bool {
	if !m.awake {
		return false
	}
	if rest, ok := strings.CutPrefix(l.text, "    "); ok && strings.HasSuffix(rest, ": ") {
		m.begin(strings.TrimSuffix(rest, ": "))
		return false
	}
	rest := strings.TrimLeft(l.text, " ")
	for _, mark := range []string{"✔ ", "✓ "} {
		title, ok := strings.CutPrefix(rest, mark)
		i := strings.LastIndex(title, ": ")
		if ok && i > 0 && strings.HasSuffix(title, "ms") {
			m.over(title[:i], passed)
		}
	}
	return false
}

func (m *mocha) partial(l line) {
	rest, ok := strings.CutPrefix(unglued(l.text), "    ")
	if !m.awake || !ok || strings.HasPrefix(rest, " ") {
		return
	}
	if title, ok := strings.CutSuffix(rest, ": "); ok && title != "" {
		m.begin(title)
	}
}

func (m *mocha) begin(title string) {
	if title == m.current {
		return
	}
	if m.current != "" {
		m.over(m.current, "")
	}
	m.current = strings.Clone(title)
	m.s.start(Event{ID: title, Framework: mochaName})
}

func (m *mocha) over(title, outcome string) {
	if title == m.current {
		m.current = ""
	}
	m.s.finish(Event{ID: title, Framework: mochaName, Outcome: outcome})
}

// mochaUncaught leaves out the second time that Mocha prints the words, at
// the head of the stack.
func mochaUncaught(_ *Scanner, text string, _ *Message) bool {
	return strings.HasPrefix(strings.TrimSpace(text), "Uncaught ")
}

func mochaSignal(_ *Scanner, text string, m *Message) bool {
	m.Signal, _ = between(text, "signalCode: `", "`")
	return len(m.Signal) < 12 && strings.HasPrefix(text, "    signalCode: ") // deeper ones repeat it
}

func mochaTimeout(_ *Scanner, text string, _ *Message) bool {
	return strings.Contains(text, "Error: Timeout of ") && strings.Contains(text, "ms exceeded")
}
