package testlog

import "strings"

// sbt logs a suite when it is over, without a form that names a test; of a
// forked JVM it says how it ended: "sbt.ForkMain 42361 failed with exit code 137".
func init() {
	message(rule{"sbt.ForkMain ", Message{Kind: workerKilled, Runtime: "sbt", Statuses: []int{1}}, sbtFork})
	register(framework{
		name:   "sbt",
		starts: []string{"[info] compiling ", "[info] Compiling "},
		parser: func(s *Scanner) parser { return &sbt{base: base{s}} },
	})
}

type sbt struct {
	base
	builds bool
}

func (b *sbt) line(l line) bool {
	if !b.builds && (strings.HasPrefix(l.text, "[info] compiling ") || strings.HasPrefix(l.text, "[info] Compiling ")) {
		b.builds = true
		b.s.phase("sbt", build)
	}
	return false
}

func sbtFork(_ *Scanner, text string, m *Message) bool {
	rest, ok := after(text, " failed with exit code ")
	code, ok2 := small(rest)
	return ok && ok2 && m.coded(code)
}
