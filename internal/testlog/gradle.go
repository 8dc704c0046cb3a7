package testlog

import "strings"

const gradleName = "gradle"

// The lines of Gradle's test logging ("x.ATest > name STARTED", where the
// build asks for it) and of worker processes that died (ForkingTestClassProcessor,
// DefaultExecHandle).
func init() {
	register(framework{
		name:   gradleName,
		starts: []string{"> Task :", ":compile"},
		parser: func(s *Scanner) parser {
			g := &gradle{base: base{s}}
			if s.hinted("gradle") {
				g.wake()
			}
			return g
		},
	})
	message(
		rule{"finished with non-zero exit value ", Message{Kind: workerKilled, Runtime: gradleName, Statuses: []int{1}}, gradleExit},
		rule{"build daemon disappeared unexpectedly", Message{Kind: workerKilled, Runtime: gradleName, Statuses: []int{1}}, gradleDaemon},
		rule{"Timeout has been exceeded", Message{Kind: timedOut, Runtime: gradleName, Statuses: []int{1}}, nil},
	)
}

type gradle struct {
	base
	builds bool
}

// wake makes lines with the names of tests interesting.
func (g *gradle) wake() { g.s.lookFor(" > ") }

func (g *gradle) line(l line) bool {
	if strings.HasPrefix(l.text, "> Task :") || strings.HasPrefix(l.text, ":compile") {
		g.wake()
	}
	if strings.HasPrefix(l.text, "> Task :compile") || strings.HasPrefix(l.text, ":compile") {
		if !g.builds {
			g.builds = true
			g.s.phase(gradleName, build)
		}
		return false
	}
	i := strings.LastIndexByte(l.text, ' ')
	if i < 0 {
		return false
	}
	id, ok := gradleID(l.text[:i])
	if !ok {
		return false
	}
	e := Event{ID: id, Framework: gradleName}
	switch l.text[i+1:] {
	case "STARTED":
		g.s.start(e)
		return false
	case "PASSED":
		e.Outcome = passed
	case "FAILED":
		e.Outcome = failed
	case "SKIPPED":
		e.Outcome = skipped
	default:
		return false
	}
	g.s.finish(e)
	return false
}

// gradleID makes "x.ATest.name", which --tests takes, of "x.ATest > name()".
// What is between is nested classes.
func gradleID(text string) (string, bool) {
	parts := strings.Split(text, " > ")
	for len(parts) > 2 && strings.HasPrefix(parts[0], "Gradle Test ") {
		parts = parts[1:]
	}
	if len(parts) < 2 || !javaClass(parts[0]) {
		return "", false
	}
	name := strings.TrimSuffix(parts[len(parts)-1], "()")
	if len(parts) == 2 && javaClass(name) && !strings.Contains(name, ".") {
		return parts[0] + "." + name, true
	}
	return strings.Join(parts, " > "), true
}

// gradleExit reads "> Process 'Gradle Test Executor 1' finished with non-zero
// exit value 137".
func gradleExit(_ *Scanner, text string, m *Message) bool {
	rest, _ := after(text, "finished with non-zero exit value ")
	code, ok := small(rest)
	return ok && strings.Contains(text, "Process '") && m.coded(code)
}

func gradleDaemon(_ *Scanner, text string, _ *Message) bool {
	return strings.Contains(text, "Gradle build daemon disappeared")
}
