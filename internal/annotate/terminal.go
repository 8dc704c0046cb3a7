package annotate

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/org/oom143-action/internal/diagnose"
	"github.com/org/oom143-action/internal/record"
)

// The rules of what oom143 says in a log or a terminal:
//
//   - Every line begins with "oom143: ", so that it can be told from the
//     command's output, and is whole: a line is never written in two parts.
//   - The first line is the headline. What is under it goes from what is
//     certain to what can be done; labels are lower case, and there is one
//     fact a line.
//   - Lines are wrapped at blanks to the width given. What people copy, a
//     test's name or a command, is never broken.
//   - Colour only marks the headline and the labels. Nothing is said by colour
//     alone. The caller decides: colour needs a terminal and no NO_COLOR
//     (https://no-color.org).
//   - Data is shown on one line without control characters, and "##[", which
//     the runner takes for a command anywhere in a line, is broken up.
//   - A run that passed far from its limit is one line.

// Prefix begins every line that oom143 says itself.
const Prefix = "oom143: "

// Width is where lines are wrapped when the width of the terminal is not known.
const Width = 80

// SGR sequences (ECMA-48, 8.3.117).
const (
	strong = "\x1b[1m"
	bad    = "\x1b[1;31m"
	good   = "\x1b[1;32m"
	faint  = "\x1b[2m"
	plain  = "\x1b[0m"
)

// Terminal is the report as lines of text, wrapped at width columns where that
// can be, coloured on demand.
func Terminal(rep *Report, width int, colour bool) string {
	t := &screen{width: max(width-len(Prefix), 20), colour: colour}
	if rep.quiet() {
		t.line("", good, strings.TrimPrefix(passedLine(rep), Prefix))
		return t.String()
	}
	title, warning := headline(rep)
	style := bad
	if rep.Cause == string(diagnose.Passed) {
		style = strong
	}
	t.line("", style, title)
	t.line("", strong, warning)
	for _, f := range facts(rep) {
		t.fact(f.name, join(", ", short(f.code, maxIDShown), f.text))
	}
	for _, r := range processRows(rep) {
		grown := grewBy(r.Process)
		if grown != "" {
			grown = "grew by " + grown[1:]
		}
		t.fact("processes", join(", ", short(r.Command, maxCommandShown), fmt.Sprintf("pid %d", r.PID), sizeOr(r.RSS), grown, r.role))
	}
	for _, e := range rep.Evidence[:min(len(rep.Evidence), maxEvidenceShown)] {
		at := ""
		if !e.Time.IsZero() {
			at = clock(e.Time) + " "
		}
		t.fact("evidence", at+join(": ", short(e.Source, maxIDShown), short(e.Detail, maxDetail)))
	}
	for _, a := range rep.Advice[:min(len(rep.Advice), maxAdviceShown)] {
		t.fact("advice", short(sentence(a), maxSentence))
	}
	// A command that had to be changed to be shown would be another one.
	if line := tryAtHome(rep); line == harmless(line) && line != "" {
		t.copied("try it", line)
	}
	return t.String()
}

// screen puts lines together.
type screen struct {
	b      strings.Builder
	width  int // without the prefix
	colour bool
	label  string // the last one
}

func (t *screen) String() string { return t.b.String() }

// labelWidth is the room for the longest label with two blanks on each side.
const labelWidth = 2 + len("also running") + 2

// fact writes a label and a text beside it. Of equal labels in a row only the
// first is shown.
func (t *screen) fact(label, text string) {
	show := label
	if label == t.label {
		show = ""
	}
	t.label = label
	t.line(fmt.Sprintf("  %-*s", labelWidth-2, show), "", text)
}

// copied writes a label and, on a line of its own, what is to be copied.
func (t *screen) copied(label, text string) {
	t.put("  "+label, "", "")
	t.put("", "", "    "+text)
}

// line writes text behind a label, wrapped and indented by the label's width.
func (t *screen) line(label, style, text string) {
	if text == "" {
		return
	}
	indent := strings.Repeat(" ", len(label))
	for _, part := range wrap(harmless(text), t.width-len(label)) {
		t.put(label, style, part)
		label = indent
	}
}

func (t *screen) put(label, style, text string) {
	if t.colour {
		if strings.TrimSpace(label) != "" {
			label = faint + label + plain
		}
		if style != "" {
			text = style + text + plain
		}
	}
	t.b.WriteString(Prefix + strings.TrimRight(label+text, " ") + "\n")
}

// harmless gives data as a log and a terminal can take it.
func harmless(s string) string { return strings.ReplaceAll(oneLine(s), "##[", "## [") }

// wrap breaks text at blanks into lines of at most width characters; a longer
// word has a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	var line strings.Builder
	used := 0
	for _, word := range words(text) {
		n := utf8.RuneCountInString(word)
		if used > 0 && used+1+n > width {
			lines = append(lines, line.String())
			line.Reset()
			used = 0
		}
		if used > 0 {
			line.WriteByte(' ')
			used++
		}
		line.WriteString(word)
		used += n
	}
	if used > 0 {
		lines = append(lines, line.String())
	}
	return lines
}

// words splits at blanks, but not between a number and its unit.
func words(text string) []string {
	var out []string
	for _, word := range strings.Fields(text) {
		if last := len(out) - 1; last >= 0 && unit().MatchString(word) && number().MatchString(out[last]) {
			out[last] += " " + word
			continue
		}
		out = append(out, word)
	}
	return out
}

var (
	unit   = pattern(`^(?:bytes|kB|MB|GB|MiB|GiB|%|s|min|h)\W*$`)
	number = pattern(`^\W*[0-9.]+$`)
)

// DangerLine is the warning above the danger line, in one line with its
// newline: memory, growth, time left, running tests, largest process. Level is
// the one that the danger is about.
func DangerLine(d record.Danger, level record.Level, running []string) string {
	parts := []string{"memory " + size(d.Used)}
	if level.Limit > 0 {
		parts[0] += fmt.Sprintf(" of %s (%s)", size(level.Limit), percent(math.Floor(float64(d.Used)/float64(level.Limit)*100)))
	}
	if d.Growth > 0 {
		parts = append(parts, "growing by "+size(uint64(d.Growth))+" a second")
	}
	if d.LeftMS > 0 {
		parts = append(parts, "full in "+spanMS(d.LeftMS))
	}
	switch {
	case len(running) == 1:
		parts = append(parts, "running "+short(running[0], maxIDShown))
	case len(running) > 1:
		parts = append(parts, fmt.Sprintf("running %s and %d more", short(running[0], maxIDShown), len(running)-1))
	}
	if d.Largest != "" {
		parts = append(parts, "largest process "+short(d.Largest, maxIDShown))
	}
	return Prefix + harmless(strings.Join(parts, ", ")) + "\n"
}
