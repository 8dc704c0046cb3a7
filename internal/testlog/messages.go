package testlog

import (
	"strconv"
	"strings"
)

// rule makes a message of lines that hold a word.
type rule struct {
	word string
	Message
	// read tells whether the line is meant and fills in what it says.
	read func(s *Scanner, text string, m *Message) bool
}

// rules are by number of their word in the vocabulary.
var rules = map[int][]rule{}

// message registers rules; the files of runtimes and frameworks call it from
// init.
func message(list ...rule) {
	for _, r := range list {
		n := vocabulary.add(r.word)
		rules[n] = append(rules[n], r)
	}
}

// talk is what earlier lines told about a message that may follow.
type talk struct {
	gcPID  int // of the process whose last collections V8 lists
	gcLine int
	goDead []string // the last tests of go test whose process died
	// What frameworks are telling the failures of.
	jestFile, tapFailed, catch *string
	playwright                 *playwright
}

// maxRules bounds the work on a line that holds the same words many times.
const maxRules = 20

// words looks for words that tell of a death. A line is one message.
func (s *Scanner) words(l line) {
	if s.alone(l.text) || s.shellBegun(l) {
		return
	}
	tried := 0
	vocabulary.all([]byte(l.text), func(word int) bool {
		if len(rules[word]) == 0 {
			return true
		}
		tried++
		return !s.apply(rules[word], l) && tried < maxRules
	})
}

// apply says the first of the rules that fits the line.
func (s *Scanner) apply(list []rule, l line) bool {
	for _, r := range list {
		m := r.Message
		m.Text = l.text
		if r.read == nil || r.read(s, l.text, &m) {
			s.say(m)
			return true
		}
	}
	return false
}

// after gives what follows the mark in text.
func after(text, mark string) (string, bool) {
	_, rest, ok := strings.Cut(text, mark)
	return rest, ok
}

// between gives what stands between two marks.
func between(text, open, close string) (string, bool) {
	rest, ok := after(text, open)
	if !ok {
		return "", false
	}
	inner, _, ok := strings.Cut(rest, close)
	return inner, ok
}

// number reads the decimal number that text begins with.
func number(text string) (uint64, bool) {
	end := 0
	for end < len(text) && digit(text[end]) {
		end++
	}
	n, err := strconv.ParseUint(text[:end], 10, 64)
	return n, err == nil
}

// small is number for pids and exit statuses.
func small(text string) (int, bool) {
	n, ok := number(text)
	return int(n), ok && n < 1<<31
}

// signals are the signals that a process is killed by, by their numbers on
// Linux (signal(7)).
var signals = map[int]string{1: "SIGHUP", 2: "SIGINT", 6: "SIGABRT", 7: "SIGBUS", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}

// numbered sets the signal by its number.
func (m *Message) numbered(n int) bool {
	m.Signal = signals[n]
	return m.Signal != ""
}

// coded sets an exit status that stands for a signal: 128+N, as shells do.
// Other statuses say nothing about a kill.
func (m *Message) coded(code int) bool {
	m.Code = code
	return code > 128 && m.numbered(code-128)
}
