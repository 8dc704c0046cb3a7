package testlog

import "strings"

const rspecName = "RSpec"

// RSpec prints an example's result when it is over and, at the end, the
// failed ones in the form that its command line takes ("rspec ./a_spec.rb:12 #
// title"). Starts are not shown.
func init() {
	register(framework{
		name:   rspecName,
		starts: []string{"rspec ./", "rspec '"},
		parser: func(s *Scanner) parser { return &rspec{base{s}} },
	})
}

type rspec struct{ base }

func (r *rspec) line(l line) bool {
	rest, ok := strings.CutPrefix(l.text, "rspec ")
	id, _, ok2 := strings.Cut(rest, " # ")
	if !ok || !ok2 {
		return false
	}
	id = strings.Trim(strings.TrimSpace(id), "'")
	file := strings.TrimRight(id, "0123456789")
	file, ok = strings.CutSuffix(file, ":")
	if !ok {
		file, _, ok = strings.Cut(id, "[")
	}
	if ok && strings.HasSuffix(file, ".rb") && !strings.Contains(id, " ") {
		r.s.finish(Event{ID: id, Framework: rspecName, File: strings.TrimPrefix(file, "./"), Outcome: failed})
	}
	return false
}
