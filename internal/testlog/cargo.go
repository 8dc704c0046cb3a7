package testlog

import (
	"path"
	"slices"
	"strings"
)

const cargoName = "cargo test"

// The lines of Rust's libtest (library/test/src/formatters/pretty.rs), "test
// a::b ... ok", with one thread in two steps; and what cargo says of a process
// that failed.
func init() {
	register(framework{
		name:   cargoName,
		starts: []string{"test ", "Compiling ", "running "},
		parser: func(s *Scanner) parser { return &cargo{base: base{s}} },
	})
	message(rule{"process didn't exit successfully: `", Message{Kind: workerKilled, Runtime: "cargo"}, cargoProcess})
}

type cargo struct {
	base
	builds bool
	awake  bool // a test binary runs: "running 4 tests"
}

func (c *cargo) line(l line) bool {
	text := strings.TrimLeft(l.text, " ")
	if strings.HasPrefix(text, "Compiling ") {
		if rest := text[len("Compiling "):]; !c.builds && strings.Contains(rest, " v") && l.text != text {
			c.builds = true
			c.s.phase(cargoName, build)
		}
		return false
	}
	if rest, ok := strings.CutPrefix(l.text, "running "); ok {
		_, isNumber := number(rest)
		c.awake = c.awake || isNumber && strings.Contains(rest, " test")
	}
	id, rest, ok := libtest(l.text)
	if !ok || !c.awake {
		return false
	}
	e := Event{ID: id, Framework: cargoName}
	switch {
	case rest == "ok" || strings.HasPrefix(rest, "ok <"):
		e.Outcome = passed
	case rest == "FAILED" || strings.HasPrefix(rest, "FAILED <"):
		e.Outcome = failed
	case rest == "ignored" || strings.HasPrefix(rest, "ignored, "):
		e.Outcome = skipped
	default:
		c.s.start(e)
		return false
	}
	c.s.finish(e)
	return false
}

func (c *cargo) partial(l line) {
	if id, _, ok := libtest(l.text); ok && c.awake {
		c.s.start(Event{ID: id, Framework: cargoName})
	}
}

// libtest reads "test a::b ... ", and "test a::b has been running for over 60
// seconds".
func libtest(text string) (id, rest string, ok bool) {
	name, ok := strings.CutPrefix(text, "test ")
	if !ok {
		return "", "", false
	}
	if slow, ok := strings.CutSuffix(name, " has been running for over 60 seconds"); ok && rustPath(slow) {
		return slow, "", true
	}
	name, rest, ok = strings.Cut(name, " ... ")
	name = strings.TrimSuffix(name, " - should panic")
	if !ok || !rustPath(name) && !rustDoc(name) {
		return "", "", false
	}
	return name, rest, true
}

// rustPath tells whether a name is identifiers joined by "::".
func rustPath(name string) bool {
	return !strings.Contains(name, ".") && dotted(strings.ReplaceAll(name, "::", "_"))
}

// rustDoc tells whether a name is that of an example in the documentation:
// "src/lib.rs - add (line 3)".
func rustDoc(name string) bool {
	file, rest, ok := strings.Cut(name, " - ")
	return ok && path.Ext(file) == ".rs" && strings.Contains(rest, "(line ") && strings.HasSuffix(rest, ")")
}

// cargoProcess reads "process didn't exit successfully: `BINARY ARGS`
// (signal: 9, SIGKILL: kill)". A compiler's end belongs to the build.
func cargoProcess(s *Scanner, text string, m *Message) bool {
	command, _ := between(text, "successfully: `", "`")
	number, ok := after(text, "` (signal: ")
	n, ok2 := small(number)
	if !ok || !ok2 || !m.numbered(n) {
		return false
	}
	program, _, _ := strings.Cut(command, " ")
	if path.Base(program) == "rustc" {
		s.phase(cargoName, build)
		return true
	}
	if running := s.running.of(cargoName, ""); len(running) == 1 {
		m.Test = running[0].ID
	}
	return true
}

// comm is the room for a thread's name: 15 bytes (prctl(2), PR_SET_NAME).
const comm = 15

// maxThreads bounds the tests of one process.
const maxThreads = 256

// process names the test that runs in a thread of a test binary: libtest
// gives the thread the test's name. A name that was cut, or could be another
// thread's, is not used.
func (c *cargo) process(p Proc) (sighting, bool) {
	if len(p.Argv) == 0 || !strings.Contains(p.Argv[0], "/deps/") || p.Env["NEXTEST"] != "" {
		return sighting{}, false
	}
	var found []Event
	for _, name := range p.Threads {
		if len(name) >= comm || !strings.Contains(name, "::") || !rustPath(name) || name == p.Comm {
			continue
		}
		if !slices.ContainsFunc(found, func(e Event) bool { return e.ID == name }) && len(found) < maxThreads {
			found = append(found, threadTest(p, name))
		}
	}
	if len(found) == 0 {
		return sighting{}, false
	}
	return sighting{Event: found[0], more: found[1:]}, true
}

func threadTest(p Proc, name string) Event {
	return Event{ID: name, Framework: cargoName, PID: p.PID, Certainty: likely}
}
