package testlog

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf8"
)

// MaxLine is how much of a line is looked at, in bytes; the rest is passed
// over.
const MaxLine = 8 << 10

// Bounds of what a [Scanner] remembers, whatever the output.
const (
	maxTracked      = 2048      // tests known to run
	maxTrackedBytes = 512 << 10 // of their ids
	maxText         = 200       // characters of a message's text
	maxProcesses    = 4096      // processes with a test
)

// Scanner finds tests and messages in a command's output and processes. Its
// methods can be called from several goroutines.
type Scanner struct {
	mu      sync.Mutex
	hint    Hint
	emit    func(Event)
	pending [streams]pending
	parsers []parser
	seen    []string // short strings that make a line interesting, added by parsers
	heads   []string // the same in a line's first word
	lines   int      // lines looked at, for what must follow directly
	want    int      // lines to come that are interesting whatever they hold
	source  string
	running tracked
	procs   processes
	talk    talk
}

// pending is the unfinished last line of a stream.
type pending struct {
	buf   []byte
	over  bool // the line is longer than MaxLine
	fresh bool // grew since Partial last looked
}

// New gives a scanner that calls emit for each event, in the order of the
// output. emit is called with the scanner locked: it must return soon and must
// not call the scanner.
func New(hint Hint, emit func(Event)) *Scanner {
	s := &Scanner{hint: hint, emit: emit, source: "output"}
	for _, f := range frameworks {
		s.parsers = append(s.parsers, f.parser(s))
	}
	return s
}

// Write looks at the next bytes of a stream. It does not keep p.
func (s *Scanner) Write(stream Stream, p []byte) {
	if stream < 0 || stream >= streams {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pend := &s.pending[stream]
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			pend.add(p)
			return
		}
		part := p[:end]
		p = p[end+1:]
		if len(pend.buf) == 0 && !pend.over {
			s.whole(stream, part[:min(len(part), MaxLine)], len(part) > MaxLine)
			continue
		}
		pend.add(part)
		s.whole(stream, pend.buf, pend.over)
		pend.reset()
	}
}

func (p *pending) add(b []byte) {
	if len(b) == 0 {
		return
	}
	p.fresh = true
	if len(p.buf)+len(b) > MaxLine {
		p.redrawn(&b)
	}
	room := MaxLine - len(p.buf)
	if len(b) > room {
		p.over = true
		b = b[:room]
	}
	p.buf = append(p.buf, b...)
}

// redrawn makes room in a line that is drawn over and over: what stands
// before the last carriage return is no longer on the screen.
func (p *pending) redrawn(b *[]byte) {
	if i := bytes.LastIndexByte(*b, '\r'); i >= 0 {
		p.buf, p.over = p.buf[:0], false
		*b = (*b)[i+1:]
		return
	}
	if i := bytes.LastIndexByte(p.buf, '\r'); i > 0 {
		p.buf = append(p.buf[:0], p.buf[i+1:]...)
	}
}

func (p *pending) reset() {
	p.buf, p.over, p.fresh = p.buf[:0], false, false
	if cap(p.buf) > MaxLine {
		p.buf = nil
	}
}

// Partial looks at the unfinished last line of each stream: frameworks print a
// test's name before they run it and end the line when it is over. Calling it
// again without new output changes nothing.
func (s *Scanner) Partial() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partial()
}

func (s *Scanner) partial() {
	for stream := range s.pending {
		p := &s.pending[stream]
		if !p.fresh || p.over {
			continue
		}
		p.fresh = false
		l := line{stream: Stream(stream), n: s.lines + 1}
		for _, l.text = range split(p.buf) {
		}
		if l.text == "" {
			continue
		}
		for _, q := range s.parsers {
			q.partial(l)
		}
	}
}

// Close looks at what is left: a last line without its newline.
func (s *Scanner) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partial()
	for stream := range s.pending {
		p := &s.pending[stream]
		if len(p.buf) > 0 && s.interesting(p.buf) {
			s.lines++
			for _, text := range split(p.buf) {
				s.words(line{text: text, stream: Stream(stream), n: s.lines, cut: true})
			}
		}
		p.reset()
	}
	for _, q := range s.parsers {
		q.end()
	}
}

// line is a line of output as parsers get it: without colours, control
// characters and the prefixes that log collectors add.
type line struct {
	text   string
	stream Stream
	n      int  // its number among all lines
	cut    bool // it is longer than what is here
}

// whole handles a line that has ended.
func (s *Scanner) whole(stream Stream, raw []byte, cut bool) {
	s.lines++
	if s.want > 0 {
		s.want--
	} else if !s.interesting(raw) {
		return
	}
	for _, text := range split(raw) {
		l := line{text: text, stream: stream, n: s.lines, cut: cut}
		if !cut && s.parse(l) {
			continue
		}
		s.words(l)
	}
}

// parse hands a line to the frameworks until one says that it is wholly its
// own, so that nobody else must look at it.
func (s *Scanner) parse(l line) bool {
	for _, p := range s.parsers {
		if p.line(l) {
			return true
		}
	}
	return false
}

// interesting tells in a few nanoseconds whether any parser wants the line.
func (s *Scanner) interesting(raw []byte) bool {
	if len(raw) == 0 {
		return false
	}
	switch raw[0] {
	case '\x1b', '\r', '\x16', '\b':
		return true
	}
	body := prefixless(raw)
	for len(body) > 0 && (body[0] == ' ' || body[0] == '\t') {
		body = body[1:]
	}
	if len(body) == 0 {
		return false
	}
	switch c := body[0]; c {
	case '\x1b', '\r', '\x16', '\b':
		return true
	default:
		for _, start := range beginnings[c] {
			if len(body) >= len(start) && string(body[:len(start)]) == start {
				return true
			}
		}
	}
	if len(s.heads) > 0 && holds(firstWord(body), s.heads) || vocabulary.any(raw) {
		return true
	}
	return len(s.seen) > 0 && holds(raw, s.seen)
}

func firstWord(text []byte) []byte {
	if i := bytes.IndexByte(text, ' '); i >= 0 {
		return text[:i]
	}
	return text
}

func holds(text []byte, list []string) bool {
	for _, short := range list {
		if bytes.Contains(text, []byte(short)) {
			return true
		}
	}
	return false
}

// lookFor makes every line that holds one of the strings interesting. A parser
// calls it when its framework has shown up.
func (s *Scanner) lookFor(short ...string) {
	for _, n := range short {
		if !contains(s.seen, n) {
			s.seen = append(s.seen, n)
		}
	}
}

// lookAhead is lookFor for the first word of lines; it costs less.
func (s *Scanner) lookAhead(short ...string) {
	for _, n := range short {
		if !contains(s.heads, n) {
			s.heads = append(s.heads, n)
		}
	}
}

func contains(list []string, what string) bool {
	for _, have := range list {
		if have == what {
			return true
		}
	}
	return false
}

// hinted tells whether the command's words hold one of the names.
func (s *Scanner) hinted(names ...string) bool {
	for _, name := range names {
		if strings.Contains(s.hint.Script, name) {
			return true
		}
		for _, word := range s.hint.Argv {
			if strings.Contains(word, name) {
				return true
			}
		}
	}
	return false
}

// start says that a test runs. Saying it again changes nothing.
func (s *Scanner) start(e Event) { s.startIn(e, "") }

// startIn is start for a test that belongs to a group.
func (s *Scanner) startIn(e Event, group string) {
	e.Action, e.Source = Start, s.source
	if e.Certainty == "" {
		e.Certainty = likely
	}
	if !s.running.add(e, group) {
		return
	}
	s.tell(e)
}

// finish says that a test is over, whether it was seen to start or not.
func (s *Scanner) finish(e Event) {
	e.Action = Finish
	if was, ok := s.running.remove(e); ok {
		e.Certainty = was.Certainty
	}
	if e.Certainty == "" {
		e.Certainty = likely
	}
	s.tell(e)
}

// phase says what a framework does while no test runs.
func (s *Scanner) phase(framework, phase string) {
	s.tell(Event{Action: Phase, Framework: framework, Phase: phase})
}

func (s *Scanner) tell(e Event) {
	e.Source = s.source
	e.ID = valid(e.ID)
	e.File = valid(e.File)
	s.emit(e)
}

func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// say reports words that tell of a death.
func (s *Scanner) say(m Message) {
	m.Text = shorten(valid(strings.TrimSpace(m.Text)))
	m.Test = valid(m.Test)
	if m.Test == "" && m.PID != 0 {
		m.Test = s.procs.of(m.PID)
	}
	framework := ""
	if m.Kind != heapLimit {
		framework = m.Runtime
	}
	if _, ok := byName[framework]; !ok {
		framework = ""
	}
	s.tell(Event{Action: Spoken, Framework: framework, PID: m.PID, Message: &m})
}

// shorten cuts at maxText characters.
func shorten(text string) string {
	if len(text) <= maxText {
		return text
	}
	n := 0
	for i := range text {
		if n == maxText {
			return strings.Clone(text[:i])
		}
		n++
	}
	return text
}
