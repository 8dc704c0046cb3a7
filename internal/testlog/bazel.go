package testlog

import "strings"

const bazelName = "bazel"

// The lines of bazel test: progress ("[10 / 12] Testing //a:b; 3s
// linux-sandbox"), a failed target when it ends, and the summary.
func init() {
	register(framework{
		name:   bazelName,
		starts: []string{"//", "FAIL: //", "TIMEOUT: //", "PASS: //"},
		words:  []string{"Testing //"},
		parser: func(s *Scanner) parser { return &bazel{base: base{s}} },
	})
}

type bazel struct {
	base
	shown Event // the target that the latest progress line names
}

func (b *bazel) line(l line) bool {
	state, rest, isEnd := strings.Cut(l.text, ": //")
	if isEnd && (state == "FAIL" || state == "TIMEOUT" || state == "PASS") {
		target, _, _ := strings.Cut(rest, " ")
		b.ended("//"+target, state, l.text)
		return false
	}
	if target, how, ok := strings.Cut(l.text, " "); ok && bazelTarget(target) {
		b.summed(target, strings.TrimSpace(how))
		return false
	}
	if rest, ok := after(l.text, "Testing //"); ok && strings.Contains(l.text, " / ") {
		target, _, ok := strings.Cut(rest, ";")
		target, _, _ = strings.Cut(target, " ")
		if ok && bazelTarget("//"+target) {
			b.progress("//" + target)
		}
	}
	return false
}

// bazelTarget tells whether text is a target's label.
func bazelTarget(text string) bool {
	return strings.HasPrefix(text, "//") && strings.Contains(text, ":") && !strings.ContainsAny(text, " ,;()'\"")
}

// progress shows one of the targets that run, the longest-running first.
func (b *bazel) progress(target string) {
	if b.shown.ID == target {
		return
	}
	b.clear()
	b.shown = Event{ID: strings.Clone(target), Framework: bazelName, Certainty: possible}
	b.s.start(b.shown)
}

func (b *bazel) clear() {
	if b.shown.ID != "" {
		b.s.finish(b.shown)
		b.shown = Event{}
	}
}

func (b *bazel) ended(target, state, text string) {
	if !bazelTarget(target) {
		return
	}
	if b.shown.ID == target {
		b.shown = Event{}
	}
	e := Event{ID: target, Framework: bazelName, Outcome: failed}
	if state == "PASS" {
		e.Outcome = passed
	}
	b.s.finish(e)
	m := Message{Kind: workerKilled, Runtime: bazelName, Text: text, Test: target, Statuses: []int{3}}
	if state == "TIMEOUT" {
		m.Kind = timedOut
		b.s.say(m)
	} else if status, ok := between(text, "(Exit ", ")"); ok {
		if code, _ := small(status); m.coded(code) {
			b.s.say(m)
		}
	}
}

// summed reads "//a:b   PASSED in 0.1s".
func (b *bazel) summed(target, how string) {
	if state, _, ok := strings.Cut(how, " in "); ok && state == "PASSED" && b.shown.ID == target {
		b.clear()
	}
}

// process reads TEST_TARGET, which bazel sets for a test and all that it
// starts (tools/test/test-setup.sh).
func (b *bazel) process(p Proc) (sighting, bool) {
	target := p.Env["TEST_TARGET"]
	return sighting{Event: Event{ID: target, Framework: bazelName, PID: p.PID, Certainty: certain}}, bazelTarget(target)
}
