package testlog

import (
	"path"
	"strings"
)

const proveName = "prove"

// The lines of prove (TAP::Formatter::Console): "t/a.t .. " at a file's start,
// then "ok" or what failed; in the summary how each file's process ended.
func init() {
	register(framework{
		name:   proveName,
		starts: []string{"t/", "Failed ", "All ", "ok", "Dubious"},
		parser: func(s *Scanner) parser {
			p := &prove{base: base{s}}
			if s.hinted("prove") {
				s.lookAhead(".t")
			}
			return p
		},
	})
}

type prove struct {
	base
	current Event
}

func (p *prove) line(l line) bool {
	if strings.Contains(l.text, ".t (Wstat: ") {
		p.status(l.text)
		return false
	}
	file, rest, ok := proveFile(l.text)
	if ok {
		p.begin(file)
	} else if rest = l.text; p.current.ID == "" {
		return false
	}
	switch {
	case rest == "ok", strings.HasPrefix(rest, "skipped: "):
		p.over(passed)
	case strings.HasPrefix(rest, "Failed "), strings.HasPrefix(rest, "Dubious, "), strings.HasPrefix(rest, "All ") && strings.Contains(rest, " subtests passed"):
		p.over(failed)
	}
	return false
}

func (p *prove) partial(l line) {
	if file, _, ok := proveFile(l.text); ok {
		p.begin(file)
	}
}

func (p *prove) begin(file string) {
	if p.current.ID == file {
		return
	}
	if p.current.ID != "" {
		p.over("")
	}
	p.s.lookAhead(".t")
	p.current = Event{ID: strings.Clone(file), Framework: proveName, File: strings.Clone(file)}
	p.s.start(p.current)
}

func (p *prove) over(outcome string) {
	e := p.current
	e.Outcome = outcome
	p.current = Event{}
	p.s.finish(e)
}

// proveFile reads "t/a.t .. ".
func proveFile(text string) (file, rest string, ok bool) {
	file, rest, ok = strings.Cut(text, " ..")
	rest = strings.TrimLeft(rest, ".")
	if !ok || path.Ext(file) != ".t" || strings.Contains(file, " ") || rest != "" && rest[0] != ' ' {
		return "", "", false
	}
	return file, strings.TrimSpace(rest), true
}

// status reads "t/a.t (Wstat: 9 (Signal: KILL) Tests: 2 Failed: 0)".
func (p *prove) status(text string) {
	file, _, _ := strings.Cut(text, " (Wstat: ")
	file = strings.TrimSpace(file)
	signal, ok := between(text, "(Signal: ", ")")
	if !ok || strings.Contains(file, " ") || len(signal) > 8 {
		return
	}
	e := Event{ID: file, Framework: proveName, File: file}
	p.s.start(e)
	p.s.say(Message{Kind: workerKilled, Runtime: proveName, Text: text, Signal: "SIG" + signal, Test: file, Statuses: []int{1}})
	p.s.running.remove(e)
}

// process reads "perl t/a.t" below prove.
func (p *prove) process(proc Proc) (sighting, bool) {
	if !strings.HasPrefix(proc.program(), "perl") || !p.under(proc) {
		return sighting{}, false
	}
	for _, word := range proc.Argv[1:] {
		if path.Ext(word) == ".t" && !strings.HasPrefix(word, "-") {
			file := p.s.relative(word)
			return sighting{Event: Event{ID: file, Framework: proveName, File: file, PID: proc.PID, Certainty: certain}}, true
		}
	}
	return sighting{}, false
}

// under tells whether a process was started by prove, which is a perl script.
func (p *prove) under(proc Proc) bool {
	for _, word := range p.s.procs.tree[proc.Parent].Argv {
		if path.Base(word) == "prove" {
			return true
		}
	}
	return false
}
