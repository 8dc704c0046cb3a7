package annotate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/org/oom143-action/internal/diagnose"
)

// Bounds of what the summary shows, so that it stays readable; all of it is in
// the report.
const (
	maxEvidenceShown = 20
	maxAdviceShown   = 5
	maxGrowthShown   = 5
	maxSentence      = 1000 // characters
	maxIDShown       = 200  // characters
	maxDetail        = 300  // characters of a piece of evidence
	maxCommandShown  = 80   // characters
)

// Summary is the report as GitHub-flavoured Markdown for the job summary. A
// run that passed far from its limit is one line, one whose tests failed far
// from it has no more than the facts. There is an empty line between any two
// paragraphs and none within.
func Summary(rep *Report) string {
	if rep.quiet() {
		return prose(passedLine(rep)) + "\n"
	}
	title, warning := headline(rep)
	parts := []string{"### " + withCode(title, rep.likeliest()) + "\n", paragraph(warning), factTable(rep)}
	if rep.Cause == string(diagnose.TestsFailed) && rep.extra.warning == "" && !rep.OOM {
		return strings.Join(nonEmpty(parts), "\n")
	}
	parts = append(parts,
		chartWithLegend(rep),
		adviceList(rep),
		tryAtHomeBlock(rep),
		evidenceList(rep),
		processTable(rep),
		leakSection(rep.Leak),
		growthTable(rep),
	)
	return strings.Join(nonEmpty(parts), "\n")
}

// passedLine is all that is said of a run that passed far from its limit.
func passedLine(rep *Report) string {
	text := "oom143: passed"
	if d := rep.lasted(); d > 0 {
		text += " in " + span(d)
	}
	if m := memoryText(rep.Memory); m != "" {
		text += "; " + m
	}
	return join(" ", text+".", rep.extra.fit)
}

// headline is the headline and the warning beside it. The warning of a run that
// passed says all that its headline does.
func headline(rep *Report) (title, warning string) {
	title, warning = short(rep.Headline, maxSentence), short(rep.extra.warning, maxSentence)
	if rep.Cause == string(diagnose.Passed) && warning != "" {
		return warning, ""
	}
	return title, warning
}

func paragraph(text string) string {
	if text == "" {
		return ""
	}
	return proseWithCode(text) + "\n"
}

// withCode escapes a sentence in which a test's name is to stand as code.
func withCode(text string, t *RunningTest) string {
	if t == nil || t.ID == "" {
		return prose(text)
	}
	before, after, found := strings.Cut(text, t.ID)
	if !found {
		return prose(text)
	}
	return prose(before) + code(t.ID, maxIDShown) + prose(after)
}

// factTable has the first fact for its head.
func factTable(rep *Report) string {
	var rows [][]string
	for _, f := range facts(rep) {
		rows = append(rows, []string{f.name, join(", ", code(f.code, maxIDShown), prose(f.text))})
	}
	return table(rows[0], rows[1:])
}

func chartWithLegend(rep *Report) string {
	c := chart(rep)
	if c == "" {
		return ""
	}
	m := rep.Memory
	legend := "Blue: used memory, without page cache. Grey: its peak, " + size(m.Peak)
	if at := peakAt(rep); at != "" {
		legend += " " + at
	}
	legend += "."
	if m.Limit > 0 {
		legend += " Red: the limit, " + size(m.Limit) + "."
	}
	if t := rep.likeliest(); t != nil && t.RunningMS > 0 {
		legend += " Orange: while " + code(t.ID, maxIDShown) + " ran."
	}
	return c + "\n" + legend + "\n"
}

// peakAt tells when the peak was, counted from the start.
func peakAt(rep *Report) string {
	if rep.Command == nil || rep.Command.StartedAt.IsZero() || rep.Memory.PeakAt.IsZero() {
		return ""
	}
	return "after " + span(max(0, rep.Memory.PeakAt.Sub(rep.Command.StartedAt.Time)))
}

func adviceList(rep *Report) string {
	if len(rep.Advice) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("#### What to change\n\n")
	for _, a := range rep.Advice[:min(len(rep.Advice), maxAdviceShown)] {
		title := prose(strings.TrimRight(short(a.Title, maxIDShown), ".: "))
		if title != "" {
			title = "**" + title + ".** "
		}
		b.WriteString("- " + title + proseWithCode(short(a.Detail, maxSentence)) + "\n")
	}
	return b.String()
}

func tryAtHomeBlock(rep *Report) string {
	line := tryAtHome(rep)
	if line == "" {
		return ""
	}
	return "To try it at home:\n\n" + block("sh", line)
}

func evidenceList(rep *Report) string {
	if len(rep.Evidence) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("#### How that is known\n\n")
	for _, e := range rep.Evidence[:min(len(rep.Evidence), maxEvidenceShown)] {
		at := ""
		if !e.Time.IsZero() {
			at = "`" + clock(e.Time) + "` "
		}
		b.WriteString("- " + at + join(": ", prose(short(e.Source, maxIDShown)), prose(short(e.Detail, maxDetail))) + "\n")
	}
	if more := len(rep.Evidence) - maxEvidenceShown; more > 0 {
		fmt.Fprintf(&b, "- %d more in the report\n", more)
	}
	return b.String()
}

func processTable(rep *Report) string {
	rows := processRows(rep)
	if len(rows) == 0 {
		return ""
	}
	var cells [][]string
	for _, r := range rows {
		cells = append(cells, []string{code(r.Command, maxCommandShown), strconv.Itoa(r.PID), sizeOr(r.RSS), grewBy(r.Process), r.role})
	}
	return "#### Largest processes at the peak\n\n" + table([]string{"process", "pid", "memory", "growth", "note"}, cells)
}

func sizeOr(n uint64) string {
	if n == 0 {
		return ""
	}
	return size(n)
}

func growthTable(rep *Report) string {
	if rep.Tests == nil || len(rep.Tests.MostGrowth) == 0 {
		return ""
	}
	var cells [][]string
	for _, g := range rep.Tests.MostGrowth[:min(len(rep.Tests.MostGrowth), maxGrowthShown)] {
		overlap := ""
		if g.Overlapped {
			overlap = "other tests ran at the same time"
		}
		cells = append(cells, []string{code(g.ID, maxIDShown), gained(g.Growth), sizeOr(g.Peak), overlap})
	}
	return "#### Finished tests after which memory was higher\n\n" + table([]string{"test", "growth", "peak", "note"}, cells)
}

func leakSection(l *Leak) string {
	if l == nil || !l.Suspected {
		return ""
	}
	var b strings.Builder
	b.WriteString("#### A leak is " + leakWord(l.Certainty) + "\n\n")
	if l.PerTest > 0 {
		b.WriteString("Each test left about " + size(l.PerTest) + " behind")
		if l.TestsLeft != nil {
			fmt.Fprintf(&b, "; at that pace the limit is %d tests away", *l.TestsLeft)
		}
		b.WriteString(".\n")
	}
	if len(l.Grew) > 0 {
		b.WriteString("\n")
	}
	for _, g := range l.Grew[:min(len(l.Grew), maxGrowthShown)] {
		fmt.Fprintf(&b, "- %s %s: %d to %d\n", prose(g.Kind), code(g.What, maxIDShown), g.From, g.To)
	}
	return b.String()
}

func leakWord(certainty string) string {
	if certainty == "" {
		return "suspected"
	}
	return certainty
}

func nonEmpty(parts []string) []string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}
