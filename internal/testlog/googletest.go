package testlog

import "strings"

const gtestName = "GoogleTest"

// The lines of GoogleTest (googletest/src/gtest.cc,
// PrettyUnitTestResultPrinter): "[ RUN      ] Suite.Name" and "[       OK ]
// Suite.Name (0 ms)". Under ctest -V they have the test's number before them.
func init() {
	register(framework{
		name:   gtestName,
		words:  []string{"[ RUN      ] ", "[       OK ] ", "[  FAILED  ] ", "[  SKIPPED ] "},
		parser: func(s *Scanner) parser { return &gtest{base{s}} },
	})
}

type gtest struct{ base }

func (g *gtest) line(l line) bool {
	for _, k := range []struct{ mark, outcome string }{
		{"[ RUN      ] ", ""}, {"[       OK ] ", passed}, {"[  FAILED  ] ", failed}, {"[  SKIPPED ] ", skipped},
	} {
		_, rest, ok := strings.Cut(l.text, k.mark)
		if !ok {
			continue
		}
		e := Event{ID: rest, Framework: gtestName, Outcome: k.outcome}
		if k.outcome != "" {
			e.ID, rest, _ = strings.Cut(rest, " ")
			e.ID = strings.TrimSuffix(e.ID, ",")
			if !strings.HasSuffix(rest, " ms)") {
				return false
			}
		}
		g.act(e)
		return false
	}
	return false
}

func (g *gtest) act(e Event) {
	if !strings.Contains(e.ID, ".") || strings.ContainsAny(e.ID, " \t") || g.s.running.has(ctestName, e.ID) {
		return
	}
	if e.Outcome == "" {
		g.s.start(e)
		return
	}
	g.s.finish(e)
}

// process reads --gtest_filter of a process that runs one test, as ctest and
// parallel runners start it.
func (g *gtest) process(p Proc) (sighting, bool) {
	for _, word := range p.Argv {
		id, ok := strings.CutPrefix(word, "--gtest_filter=")
		if ok && strings.Contains(id, ".") && !strings.ContainsAny(id, "*?:- ") {
			return sighting{Event: Event{ID: id, Framework: gtestName, PID: p.PID, Certainty: certain}}, true
		}
	}
	return sighting{}, false
}
