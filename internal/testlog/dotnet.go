package testlog

import "strings"

const dotnetName = "dotnet test"

// The lines of dotnet test's console logger (vstest, ConsoleLogger.cs and
// Resources.resx): "  Passed Name [5 ms]" at a test's end, and what it says when
// the test host has died.
func init() {
	register(framework{
		name:   dotnetName,
		starts: []string{"Passed ", "Failed ", "Skipped ", "The test running when the crash occurred", "[Long Running Test] '"},
		parser: func(s *Scanner) parser { return &dotnet{base: base{s}} },
	})
	message(
		rule{"Test host process crashed", Message{Kind: workerKilled, Runtime: dotnetName, Statuses: []int{1}}, nil},
		rule{"because the host process exited unexpectedly", Message{Kind: workerKilled, Runtime: dotnetName, Statuses: []int{1}}, nil},
	)
}

type dotnet struct {
	base
	crashAt int
}

func (d *dotnet) line(l line) bool {
	text := strings.TrimSpace(l.text)
	switch {
	case strings.HasPrefix(text, "The test running when the crash occurred"):
		d.crashAt, d.s.want = l.n, 1
	case d.crashAt > 0 && d.crashAt == l.n-1:
		d.crashed(text, l)
	case strings.HasPrefix(text, "[Long Running Test] '"):
		if id, ok := between(text, "'", "', Elapsed"); ok && dotted(id) {
			d.s.start(Event{ID: id, Framework: dotnetName})
		}
	default:
		d.result(text)
	}
	return false
}

// crashed reads a test that --blame names. "This test may, or may not be the
// source of the crash" follows.
func (d *dotnet) crashed(id string, l line) {
	bare, _, _ := strings.Cut(id, "(")
	if !dotted(bare) {
		return
	}
	d.crashAt, d.s.want = l.n, 1
	d.s.start(Event{ID: id, Framework: dotnetName})
	d.s.say(Message{Kind: workerKilled, Runtime: dotnetName, Text: "The test running when the crash occurred: " + id, Test: id, Statuses: []int{1}})
}

// result reads "Passed Space.Class.Method [5 ms]".
func (d *dotnet) result(text string) {
	word, rest, _ := strings.Cut(text, " ")
	outcome := map[string]string{"Passed": passed, "Failed": failed, "Skipped": skipped}[word]
	i := strings.LastIndex(rest, " [")
	if outcome == "" || i < 0 || !strings.HasSuffix(rest, "s]") {
		return
	}
	if bare, _, _ := strings.Cut(rest[:i], "("); dotted(bare) {
		d.s.finish(Event{ID: rest[:i], Framework: dotnetName, Outcome: outcome})
	}
}
