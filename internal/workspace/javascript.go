package workspace

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// javascript finds "src/a.test.js > suite > name", or the file alone.
func javascript(l *lookup) place {
	file, names, _ := strings.Cut(l.id, " > ")
	found := l.file
	if found == "" {
		found, _ = l.resolve(file)
	} else if !strings.HasSuffix(found, file) {
		names = l.id
	}
	if found == "" {
		return place{}
	}
	if names == "" {
		return place{file: found}
	}
	return place{found, scriptLine(l.read(found), names)}
}

// scriptLine finds the only test whose title, with those of the suites around
// it, is names. Titles that are not constant are not found.
func scriptLine(src []byte, names string) int {
	tests, ok := scriptTests(src)
	if !ok {
		return 0
	}
	found, n := 0, 0
	for _, t := range tests {
		if slices.Contains([]string{strings.Join(t.titles, " > "), strings.Join(t.titles, " "), strings.Join(t.titles, " › ")}, names) {
			found, n = t.line, n+1
		}
	}
	if n != 1 {
		return 0
	}
	return found
}

// scriptTest is a call of it or test with constant titles.
type scriptTest struct {
	titles []string
	line   int
}

// scriptTests finds the tests of a file. ok is false when the reader lost its
// way, so that none of its lines can be trusted.
func scriptTests(src []byte) (tests []scriptTest, ok bool) {
	s := script{src: src, line: 1}
	for s.pos < len(s.src) {
		s.step()
	}
	return s.tests, s.depth == 0 && !s.lost
}

// script goes through JavaScript or TypeScript as far as it must to know
// calls from strings, comments and regular expressions.
type script struct {
	src    []byte
	pos    int
	line   int
	depth  int // of brackets of all kinds
	prev   byte
	word   string // the identifier just read, with what hangs on it: "test.only"
	suites []suite
	tests  []scriptTest
	backs  int
	lost   bool
}

// suite is a call of describe that is open.
type suite struct {
	title    string
	constant bool
	depth    int // within its parentheses
}

func (s *script) step() {
	c := s.src[s.pos]
	switch {
	case c == '\n':
		s.line++
		s.pos++
	case c == ' ' || c == '\t' || c == '\r':
		s.pos++
	case bytes.HasPrefix(s.src[s.pos:], []byte("//")):
		s.until("\n", false)
	case bytes.HasPrefix(s.src[s.pos:], []byte("/*")):
		s.until("*/", true)
	case c == '/' && s.regular():
		s.expression()
	case c == '"' || c == '\'' || c == '`':
		s.text()
		s.prev = c
	case identifier(c):
		s.identifier()
	default:
		s.punctuation(c)
	}
}

func (s *script) until(end string, over bool) {
	i := bytes.Index(s.src[s.pos:], []byte(end))
	if i < 0 {
		s.pos = len(s.src)
		return
	}
	s.line += bytes.Count(s.src[s.pos:s.pos+i], []byte{'\n'})
	s.pos += i
	if over {
		s.pos += len(end)
	}
}

// regular tells whether a slash begins a regular expression: where no value
// can have ended.
func (s *script) regular() bool {
	if s.pos+1 < len(s.src) && s.src[s.pos+1] == '>' {
		return false // JSX: <A />
	}
	if s.prev == 0 || bytes.IndexByte([]byte("(,=:[!&|?{};+-*%>~^"), s.prev) >= 0 {
		return true
	}
	return slices.Contains([]string{"return", "typeof", "case", "in", "of", "await"}, s.word)
}

// maxBacks bounds the work on a file that is not what it seems.
const maxBacks = 1000

// back returns to a place before, or gives up.
func (s *script) back(pos int) {
	s.pos = pos
	if s.backs++; s.backs > maxBacks {
		s.lost, s.pos = true, len(s.src)
	}
}

func (s *script) expression() {
	class, begin := false, s.pos
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == '\\':
			s.pos++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '\n':
			s.back(begin + 1) // no expression: a division, or JSX
			s.prev = '/'
			return
		case c == '/' && !class:
			s.pos++
			s.prev = ')'
			return
		}
	}
}

// text reads a string and gives its value; ok is false when it is no
// constant.
func (s *script) text() (value string, ok bool) {
	quote := s.src[s.pos]
	begin := s.pos
	ok = true
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == '\\':
			s.pos++
			if s.pos < len(s.src) && s.src[s.pos] == '\n' {
				s.line++
			}
		case c == '\n':
			if quote != '`' {
				s.back(begin + 1) // no string: an apostrophe in JSX
				return "", false
			}
			s.line++
		case c == '$' && quote == '`' && s.pos+1 < len(s.src) && s.src[s.pos+1] == '{':
			ok = false
			s.substitution()
		case c == quote:
			s.pos++
			if !ok {
				return "", false
			}
			return unquoted(string(s.src[begin+1 : s.pos-1]))
		}
	}
	s.lost = true
	return "", false
}

// substitution passes over "${…}" in a template.
func (s *script) substitution() {
	s.pos += 2
	for depth := 1; s.pos < len(s.src); {
		switch c := s.src[s.pos]; c {
		case '{':
			depth++
			s.pos++
		case '}':
			if depth--; depth == 0 {
				return
			}
			s.pos++
		case '"', '\'', '`':
			s.text()
		case '\n':
			s.line++
			s.pos++
		default:
			s.pos++
		}
	}
}

// unquoted resolves the escapes that JavaScript shares with Go.
func unquoted(text string) (string, bool) {
	if !strings.Contains(text, `\`) {
		return text, true
	}
	text = strings.NewReplacer(`\'`, `'`, "\\`", "`", `\"`, `\"`, `\\`, `\\`, `"`, `\"`).Replace(text)
	value, err := strconv.Unquote(`"` + text + `"`)
	return value, err == nil
}

func identifier(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// identifier reads a name; behind a dot it is joined to the one before.
func (s *script) identifier() {
	begin := s.pos
	for s.pos < len(s.src) && identifier(s.src[s.pos]) {
		s.pos++
	}
	name := string(s.src[begin:s.pos])
	if s.prev == '.' {
		s.word += "." + name
	} else {
		s.word = name
	}
	s.prev = 'a'
}

func (s *script) punctuation(c byte) {
	s.pos++
	switch c {
	case '(':
		s.depth++
		if s.prev == 'a' {
			s.call()
		}
		s.word = ""
	case '[', '{':
		s.depth++
		s.word = ""
	case ')', ']', '}':
		s.depth--
		for len(s.suites) > 0 && s.suites[len(s.suites)-1].depth > s.depth {
			s.suites = s.suites[:len(s.suites)-1]
		}
		s.word = ""
	case '.':
	default:
		s.word = ""
	}
	s.prev = c
}

// call handles the parenthesis behind a name: of a suite or of a test.
func (s *script) call() {
	base, modifier, _ := strings.Cut(s.word, ".")
	isSuite := slices.Contains([]string{"describe", "context", "suite", "xdescribe", "fdescribe"}, base)
	isTest := slices.Contains([]string{"it", "test", "specify", "xit", "fit", "xtest"}, base)
	if modifier == "describe" && isTest {
		isSuite, isTest = true, false
	}
	if !isSuite && !isTest || modifier != "" && modifier != "describe" && !known(modifier) {
		return
	}
	line := s.line
	title, constant := s.title()
	if isSuite {
		if len(s.suites) < 100 {
			s.suites = append(s.suites, suite{title, constant, s.depth})
		}
		return
	}
	if !constant {
		return
	}
	var titles []string
	for _, outer := range s.suites {
		if !outer.constant {
			return
		}
		titles = append(titles, outer.title)
	}
	s.tests = append(s.tests, scriptTest{append(titles, title), line})
}

// known are the modifiers of test and describe that leave the titles as they
// are; test.each makes others of them.
func known(modifier string) bool {
	for m := range strings.SplitSeq(modifier, ".") {
		if !slices.Contains([]string{"only", "skip", "concurrent", "sequential", "failing", "fails", "todo", "parallel", "serial", "describe"}, m) {
			return false
		}
	}
	return true
}

// title reads the string that is a call's first argument, if it is one alone.
func (s *script) title() (string, bool) {
	for s.pos < len(s.src) && (s.src[s.pos] == ' ' || s.src[s.pos] == '\t' || s.src[s.pos] == '\r' || s.src[s.pos] == '\n') {
		if s.src[s.pos] == '\n' {
			s.line++
		}
		s.pos++
	}
	if s.pos >= len(s.src) || bytes.IndexByte([]byte("\"'`"), s.src[s.pos]) < 0 {
		return "", false
	}
	value, ok := s.text()
	s.prev, s.pos = '"', min(s.pos, len(s.src))
	rest := bytes.TrimLeft(s.src[s.pos:], " \t\r\n")
	return value, ok && len(rest) > 0 && (rest[0] == ',' || rest[0] == ')')
}
