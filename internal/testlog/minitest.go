package testlog

import "strings"

const minitestName = "Minitest"

// The lines of Minitest -v (lib/minitest.rb, ProgressReporter and
// SummaryReporter): "Class#test_x = " at a test's start, "0.10 s = ." at its end.
func init() {
	register(framework{
		name:   minitestName,
		starts: []string{"# Running:"},
		parser: func(s *Scanner) parser { return &minitest{base: base{s}} },
	})
}

type minitest struct {
	base
	awake    bool
	parallel bool // tests overlap, so that an end cannot be told whose it is
	current  Event
}

func (m *minitest) line(l line) bool {
	if strings.HasPrefix(l.text, "# Running:") {
		m.awake = true
		m.s.lookFor("#test_", " s = ")
		return false
	}
	if !m.awake {
		return false
	}
	rest := l.text
	if id, behind, ok := minitestID(l.text); ok {
		m.begin(id)
		rest = behind
	}
	if _, _, again := minitestID(rest); again {
		m.overlap()
	}
	if outcome, ok := minitestEnd(rest); ok && m.current.ID != "" {
		e := m.current
		e.Outcome = outcome
		m.current = Event{}
		m.s.finish(e)
	}
	return false
}

func (m *minitest) partial(l line) {
	if id, _, ok := minitestID(l.text); m.awake && ok {
		m.begin(id)
	}
}

func (m *minitest) begin(id string) {
	if m.parallel {
		return
	}
	if m.current.ID != "" && m.current.ID != id {
		m.s.finish(m.current)
	}
	m.current = Event{ID: id, Framework: minitestName}
	m.s.start(m.current)
	m.current.ID = strings.Clone(id)
}

// overlap gives up: two tests began before one ended.
func (m *minitest) overlap() {
	m.parallel = true
	if m.current.ID != "" {
		m.s.finish(m.current)
		m.current = Event{}
	}
}

// minitestID reads "Class#test_x = ". Names made by blocks can hold blanks.
func minitestID(text string) (id, rest string, ok bool) {
	id, rest, ok = strings.Cut(text, " = ")
	class, method, ok2 := strings.Cut(id, "#")
	if !ok || !ok2 || !strings.HasPrefix(method, "test_") || class == "" || strings.ContainsAny(class, " .\"'") {
		return "", "", false
	}
	if class[0] < 'A' || class[0] > 'Z' {
		return "", "", false
	}
	return id, rest, true
}

// minitestEnd reads "0.10 s = ." at the end of a line.
func minitestEnd(text string) (outcome string, ok bool) {
	took, mark, ok := strings.Cut(strings.TrimSpace(text), " s = ")
	if i := strings.LastIndexByte(took, ' '); i >= 0 {
		took = took[i+1:]
	}
	if !ok || took == "" || strings.Trim(took, "0123456789.") != "" {
		return "", false
	}
	outcome, ok = map[string]string{".": passed, "F": failed, "E": failed, "S": skipped}[mark]
	return outcome, ok
}
