package testlog

import "strings"

const cypressName = "cypress"

// The lines of cypress run: "  Running:  a.cy.js   (1 of 3)" when a spec file
// starts (packages/server/lib/util/print-run.ts).
func init() {
	register(framework{
		name:   cypressName,
		starts: []string{"Running:  ", "(Run Finished)"},
		parser: func(s *Scanner) parser { return &cypress{base: base{s}} },
	})
	message(rule{"process just crashed", Message{Kind: workerKilled, Runtime: cypressName}, cypressCrash})
}

type cypress struct {
	base
	current Event
}

func (c *cypress) line(l line) bool {
	text := strings.TrimSpace(l.text)
	rest, isSpec := strings.CutPrefix(text, "Running:  ")
	if !isSpec && text != "(Run Finished)" {
		return false
	}
	file, of, ok := strings.Cut(strings.TrimSpace(rest), "  ")
	if isSpec && (!ok || !script(file) || !strings.Contains(of, " of ")) {
		return false
	}
	if c.current.ID != "" {
		c.s.finish(c.current)
		c.current = Event{}
	}
	if isSpec {
		c.current = Event{ID: strings.Clone(file), Framework: cypressName, File: strings.Clone(file), Certainty: possible}
		c.s.start(c.current)
	}
	return false
}

func cypressCrash(_ *Scanner, text string, m *Message) bool {
	if signal, ok := between(text, "signal '", "'"); ok && strings.HasPrefix(signal, "SIG") && len(signal) < 12 {
		m.Signal = signal
	}
	return strings.Contains(text, "We detected that the ")
}
