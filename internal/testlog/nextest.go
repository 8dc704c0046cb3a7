package testlog

import (
	"slices"
	"strings"
)

const nextestName = "nextest"

// The lines of cargo-nextest (nextest-runner, reporter/displayer): a state,
// the time in brackets, the binary and the test. From its documentation:
// https://nexte.st/docs/reporting/ and https://nexte.st/docs/configuration/env-vars/.
func init() {
	starts := []string{}
	for state := range nextestStates {
		starts = append(starts, state+" [")
	}
	slices.Sort(starts)
	register(framework{
		name:   nextestName,
		starts: starts,
		parser: func(s *Scanner) parser { return &nextest{base{s}} },
	})
}

// nextestStates give the outcome of each state; empty where the test was
// ended from outside.
var nextestStates = map[string]string{
	"PASS": passed, "LEAK": passed, "FAIL": failed, "SKIP": skipped, "TIMEOUT": failed, "ABORT": "", "SLOW": "",
	"SIGKILL": "", "SIGTERM": "", "SIGABRT": "", "SIGSEGV": "", "SIGBUS": "", "TERMINATING": "",
}

type nextest struct{ base }

func (n *nextest) line(l line) bool {
	text := strings.TrimLeft(l.text, " ")
	state, rest, ok := strings.Cut(text, " [")
	outcome, known := nextestStates[state]
	took, id, ok2 := strings.Cut(rest, "] ")
	if !ok || !ok2 || !known || !strings.HasSuffix(took, "s") {
		return false
	}
	id = strings.TrimLeft(id, " ")
	if strings.HasPrefix(id, "(") {
		if _, behind, ok := strings.Cut(id, ") "); ok {
			id = strings.TrimLeft(behind, " ")
		}
	}
	if strings.Count(id, " ") != 1 {
		return false
	}
	e := Event{ID: id, Framework: nextestName, Outcome: outcome}
	switch {
	case outcome != "":
		n.s.finish(e)
	default:
		n.died(e, state, l.text)
	}
	if state == "TIMEOUT" {
		n.s.say(Message{Kind: timedOut, Runtime: nextestName, Text: l.text, Test: id, Statuses: []int{100}})
	}
	return false
}

// died starts a test that is slow or was ended by a signal.
func (n *nextest) died(e Event, state, text string) {
	for _, running := range n.s.running.of(nextestName, "") {
		if running.ID == e.ID {
			e.PID = running.PID
		}
	}
	n.s.start(e)
	if strings.HasPrefix(state, "SIG") {
		n.s.say(Message{Kind: workerKilled, Runtime: nextestName, Text: text, Signal: state, Test: e.ID, PID: e.PID, Statuses: []int{100}})
	}
}

// process reads "BINARY NAME --exact --nocapture" and nextest's environment.
func (n *nextest) process(p Proc) (sighting, bool) {
	if p.Env["NEXTEST"] != "1" || !contains(p.Argv, "--exact") || len(p.Argv) < 3 {
		return sighting{}, false
	}
	test := p.Env["NEXTEST_TEST_NAME"]
	if test == "" {
		test = p.Argv[1]
	}
	binary := p.Env["NEXTEST_BINARY_ID"]
	if binary == "" || strings.HasPrefix(test, "-") || !contains(p.Argv, test) {
		return sighting{}, false
	}
	return sighting{Event: Event{ID: binary + " " + test, Framework: nextestName, PID: p.PID, Certainty: certain}}, true
}
