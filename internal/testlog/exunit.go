package testlog

import (
	"strconv"
	"strings"
)

const exunitName = "ExUnit"

// The lines of mix test --trace (ExUnit.CLIFormatter): a module with its file,
// then "  * test name [L#5]" at a test's start and, after a carriage return, the
// same with the time at its end.
func init() {
	register(framework{
		name:   exunitName,
		starts: []string{"* test "},
		words:  []string{"_test.exs]"},
		parser: func(s *Scanner) parser { return &exunit{base: base{s}} },
	})
	message(rule{"(ExUnit.TimeoutError)", Message{Kind: timedOut, Runtime: exunitName, Statuses: []int{2}}, nil})
}

type exunit struct {
	base
	file string // of the module whose tests are being run
}

func (x *exunit) line(l line) bool {
	if _, file, ok := strings.Cut(l.text, " ["); ok && strings.HasSuffix(file, ".exs]") {
		x.file = strings.Clone(strings.TrimSuffix(file, "]"))
		return false
	}
	e, ended, ok := x.test(l.text)
	switch {
	case !ok:
	case !ended:
		x.s.start(e)
	default:
		x.s.finish(e)
	}
	return false
}

func (x *exunit) partial(l line) {
	if e, ended, ok := x.test(l.text); ok && !ended {
		x.s.start(e)
	}
}

// test reads "  * test name (0.1ms) [L#5]" into FILE:LINE, which mix test
// takes.
func (x *exunit) test(text string) (e Event, ended, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(text, " "), "* test ")
	i := strings.LastIndex(rest, " [L#")
	if !ok || i < 0 || x.file == "" {
		return Event{}, false, false
	}
	number, _, closed := strings.Cut(rest[i+len(" [L#"):], "]")
	n, err := strconv.Atoi(number)
	if !closed || err != nil || n < 1 {
		return Event{}, false, false
	}
	name := rest[:i]
	e = Event{ID: x.file + ":" + strconv.Itoa(n), Framework: exunitName, File: x.file, Line: n}
	switch {
	case strings.HasSuffix(name, "ms)"):
		e.Outcome = passed
		ended = true
	case strings.HasSuffix(name, "(skipped)"), strings.HasSuffix(name, "(excluded)"):
		e.Outcome = skipped
		ended = true
	}
	return e, ended, true
}
