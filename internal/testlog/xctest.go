package testlog

import "strings"

const xctestName = "XCTest"

// The lines of XCTest on Linux (swift-corelibs-xctest, PrintObserver.swift) and
// macOS, and of Swift Testing (Event.HumanReadableOutputRecorder).
func init() {
	register(framework{
		name:   xctestName,
		starts: []string{"Test Case '", "◇ Test ", "✔ Test ", "✘ Test "},
		parser: func(s *Scanner) parser { return &xctest{base{s}} },
	})
}

type xctest struct{ base }

func (x *xctest) line(l line) bool {
	id, how, ok := "", "", false
	if rest, is := strings.CutPrefix(l.text, "Test Case '"); is {
		id, how, ok = strings.Cut(rest, "' ")
		id = appleTest(id)
	} else {
		_, rest, _ := strings.Cut(l.text, " Test ")
		i := strings.Index(rest, "() ")
		if i > 0 && !strings.Contains(rest[:i], " ") {
			id, how, ok = rest[:i+2], rest[i+3:], true
		}
	}
	if !ok || id == "" || strings.Contains(id, " ") {
		return false
	}
	e := Event{ID: id, Framework: xctestName}
	switch word, _, _ := strings.Cut(strings.TrimRight(how, "."), " "); word {
	case "started":
		x.s.start(e)
	case "passed":
		e.Outcome = passed
		x.s.finish(e)
	case "failed":
		e.Outcome = failed
		x.s.finish(e)
	case "skipped":
		e.Outcome = skipped
		x.s.finish(e)
	}
	return false
}

// appleTest makes "M.A/testB", which swift test --filter takes, of macOS's
// "-[M.A testB]".
func appleTest(id string) string {
	if rest, ok := strings.CutPrefix(id, "-["); ok {
		return strings.Replace(strings.TrimSuffix(rest, "]"), " ", "/", 1)
	}
	return id
}
