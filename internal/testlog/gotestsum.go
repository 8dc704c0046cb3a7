package testlog

import "strings"

// The lines of gotestsum (testjson/summary.go): a test whose end it never saw
// is "(unknown)" in the summary and "(-1.00s)" in the testname format.
func init() {
	register(framework{
		name:   "gotestsum",
		starts: []string{"=== FAIL: ", "FAIL "},
		parser: func(s *Scanner) parser { return &gotestsum{base{s}} },
	})
}

type gotestsum struct{ base }

func (g *gotestsum) line(l line) bool {
	name, ok := strings.CutPrefix(l.text, "=== FAIL: ")
	if ok {
		name, ok = strings.CutSuffix(name, " (unknown)")
		name = strings.Replace(name, " ", ".", 1)
	} else if name, ok = strings.CutPrefix(l.text, "FAIL "); ok {
		name, ok = strings.CutSuffix(name, " (-1.00s)")
	}
	name = strings.TrimPrefix(name, "..")
	bare := name[strings.LastIndex(name, ".Test")+1:]
	if !ok || strings.ContainsAny(name, " \t") || !goName(bare) {
		return false
	}
	if contains(g.s.talk.goDead, bare) {
		name = bare // go test -v has named it
	} else {
		g.s.start(Event{ID: name, Framework: goTest})
	}
	g.s.say(Message{Kind: workerKilled, Runtime: "gotestsum", Text: l.text, Test: name})
	return false
}
