package testlog

import "strings"

const ctestName = "ctest"

// The lines of CTest (Source/CTest/cmCTestRunTest.cxx): "    Start 3: name"
// and "1/2 Test #3: name ....   Passed    0.01 sec".
func init() {
	register(framework{
		name:   ctestName,
		starts: []string{"Start "},
		parser: func(s *Scanner) parser { return &ctest{base: base{s}, names: map[int]string{}} },
	})
}

type ctest struct {
	base
	names map[int]string // tests that run, by number
}

func (c *ctest) line(l line) bool {
	text := strings.TrimLeft(l.text, " ")
	if rest, ok := strings.CutPrefix(text, "Start "); ok && l.text != text {
		rest = strings.TrimLeft(rest, " ")
		n, ok := small(rest)
		_, name, ok2 := strings.Cut(rest, ": ")
		if ok && ok2 && name != "" && len(c.names) < maxTracked {
			c.names[n] = strings.Clone(name)
			c.s.lookFor(" Test ")
			c.s.start(Event{ID: name, Framework: ctestName})
		}
		return false
	}
	before, rest, ok := strings.Cut(text, " Test ")
	done, _, ok2 := strings.Cut(before, "/")
	rest, ok3 := strings.CutPrefix(strings.TrimLeft(rest, " "), "#")
	if ok && ok2 && ok3 && strings.Trim(done, "0123456789") == "" && strings.HasSuffix(rest, " sec") {
		c.result(rest, l.text)
	}
	return false
}

// result reads "3: name ....Subprocess killed***Exception:   0.01 sec".
func (c *ctest) result(rest, text string) {
	n, ok := small(rest)
	name, known := c.names[n]
	if !ok || !known {
		return
	}
	delete(c.names, n)
	_, how, _ := strings.Cut(rest, ": "+name)
	e := Event{ID: name, Framework: ctestName, Outcome: failed}
	m := Message{Runtime: ctestName, Text: text, Test: name, Statuses: []int{8}}
	switch {
	case strings.Contains(how, "Subprocess killed***"):
		m.Kind = workerKilled
		c.s.say(m)
		c.s.running.remove(e)
		return
	case strings.Contains(how, "***Timeout"):
		m.Kind = timedOut
		c.s.say(m)
	case strings.Contains(how, "***Skipped"), strings.Contains(how, "***Not Run"):
		e.Outcome = skipped
	case strings.Contains(how, " Passed "):
		e.Outcome = passed
	}
	c.s.finish(e)
}
