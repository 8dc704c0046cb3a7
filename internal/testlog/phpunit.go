package testlog

import "strings"

const phpunitName = "PHPUnit"

// The lines of PHPUnit --debug: up to 9 "Test 'C::m' started", from 10 "Test
// Prepared (C::m)"; and of --teamcity.
func init() {
	register(framework{
		name:   phpunitName,
		starts: []string{"Test '", "Test Preparation Started (", "Test Prepared (", "Test Finished (", "##teamcity[test"},
		parser: func(s *Scanner) parser { return &phpunit{base{s}} },
	})
	message(rule{"Premature end of PHP process when running ", Message{Kind: workerKilled, Runtime: phpunitName}, phpunitProcess})
}

type phpunit struct{ base }

func (p *phpunit) line(l line) bool {
	switch {
	case strings.HasPrefix(l.text, "Test '"):
		p.quoted(l.text[len("Test '"):])
	case strings.HasPrefix(l.text, "##teamcity[test"):
		p.teamcity(l.text)
	default:
		for begin, action := range map[string]string{
			"Test Preparation Started (": Start, "Test Prepared (": Start, "Test Finished (": Finish,
		} {
			if id, ok := strings.CutPrefix(l.text, begin); ok && strings.HasSuffix(id, ")") {
				p.act(action, strings.TrimSuffix(id, ")"))
			}
		}
	}
	return false
}

// quoted reads "C::m with data set "one" (1)' started".
func (p *phpunit) quoted(rest string) {
	if id, ok := strings.CutSuffix(rest, "' started"); ok {
		p.act(Start, id)
	} else if id, ok := strings.CutSuffix(rest, "' ended"); ok {
		p.act(Finish, id)
	}
}

func (p *phpunit) act(action, id string) {
	class, method, ok := strings.Cut(id, "::")
	if !ok || strings.ContainsAny(class, " '\"") || method == "" {
		return
	}
	id = dataSet(id)
	e := Event{ID: id, Framework: phpunitName}
	if action == Start {
		p.s.start(e)
		return
	}
	p.s.finish(e)
}

// dataSet cuts the data behind the name of a data set.
func dataSet(id string) string {
	const mark = " with data set "
	i := strings.Index(id, mark)
	if i < 0 {
		return id
	}
	name := id[i+len(mark):]
	if strings.HasPrefix(name, `"`) {
		if end := strings.Index(name[1:], `" (`); end >= 0 {
			return id[:i+len(mark)] + name[:end+2]
		}
		return id
	}
	number, _, _ := strings.Cut(name, " ")
	return id[:i+len(mark)] + number
}

// teamcity reads "##teamcity[testStarted name='m' locationHint='php_qn://FILE::\C::m'".
func (p *phpunit) teamcity(text string) {
	hint, ok := between(text, " locationHint='php_qn://", "'")
	file, id, ok2 := strings.Cut(hint, `::\`)
	name, _ := between(text, " name='", "'")
	switch {
	case ok && ok2 && strings.HasPrefix(text, "##teamcity[testStarted "):
		p.s.start(Event{ID: id, Framework: phpunitName, File: p.s.relative(file)})
	case strings.HasPrefix(text, "##teamcity[testFinished ") && name != "":
		for _, e := range p.s.running.of(phpunitName, "") {
			if strings.HasSuffix(e.ID, "::"+name) {
				p.s.finish(e)
			}
		}
	}
}

func phpunitProcess(s *Scanner, text string, m *Message) bool {
	id, _ := after(text, "Premature end of PHP process when running ")
	id = strings.TrimRight(strings.TrimSpace(id), ".")
	if strings.Contains(id, "::") && !strings.Contains(id, " ") {
		m.Test = id
		s.start(Event{ID: id, Framework: phpunitName})
	}
	return true
}
