package annotate

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/org/oom143-action/internal/diagnose"
	"github.com/sethvargo/go-githubactions"
)

// Limits of an annotation: the runner cuts messages at 4,096 characters
// (Runner.Worker/ExecutionContext.cs, _maxIssueMessageLength), the Checks API
// titles at 255.
const (
	maxMessage = 4096 // bytes
	maxTitle   = 255  // bytes
)

// annotation is one workflow command, and one annotation of a check run.
type annotation struct {
	level   string // "error" or "warning"
	file    string // relative to the workspace
	line    int
	title   string
	message string
}

// annotations are those of a report: at most an error with the verdict at the
// likeliest test, and a warning. A run that passed far from its limit has
// none. What the report before it said already is left out; before is nil for
// the first.
func annotations(rep, before *Report) []annotation {
	var list []annotation
	passed := rep.Cause == string(diagnose.Passed)
	if rep.Cause != "" && !passed && (before == nil || before.Cause != rep.Cause) {
		list = append(list, verdictAnnotation(rep))
	}
	if warning := rep.extra.warning; warning != "" && (before == nil || before.extra.warning != warning) {
		a := annotation{level: "warning", title: "oom143: close to the memory limit", message: oneLine(warning)}
		if rep.OOM {
			a.title = "oom143: a process was killed for memory"
		}
		if passed {
			a.message += firstAdvice(rep)
		}
		list = append(list, a)
	}
	return list
}

func verdictAnnotation(rep *Report) annotation {
	a := annotation{level: "error", title: "oom143: " + causeTitle(rep)}
	var b strings.Builder
	b.WriteString(oneLine(rep.Headline))
	if t := rep.likeliest(); t != nil {
		a.file, a.line = t.File, t.Line
		if others := rep.Tests.Running[1:]; len(others) > 0 {
			fmt.Fprintf(&b, "\nAlso running: %s.", joinTests(others, 5))
		}
	}
	if advice := firstAdvice(rep); advice != "" {
		b.WriteString("\n" + advice[1:])
	}
	a.message = b.String()
	return a
}

// firstAdvice is the first advice after a blank, "" when there is none.
func firstAdvice(rep *Report) string {
	if len(rep.Advice) == 0 {
		return ""
	}
	return " " + sentence(rep.Advice[0])
}

// joinTests names at most max tests.
func joinTests(tests []RunningTest, max int) string {
	var names []string
	for _, t := range tests[:min(len(tests), max)] {
		names = append(names, short(t.ID, 200))
	}
	if more := len(tests) - len(names); more > 0 {
		names = append(names, strconv.Itoa(more)+" more")
	}
	return strings.Join(names, ", ")
}

// WriteCommands writes the annotations of a report as workflow commands for
// the runner, in one write. Before is the report that was told before, nil at
// the first: only what changed is told again. Where a test has stopped
// commands with ::stop-commands::, they are resumed for these lines alone;
// stops may be nil.
func WriteCommands(w io.Writer, rep, before *Report, stops *StopCommands) error {
	list := annotations(rep, before)
	if len(list) == 0 {
		return nil
	}
	// The library panics when a write fails; a buffer never does.
	var b bytes.Buffer
	b.WriteString(stops.Resume())
	actions := githubactions.New(githubactions.WithWriter(&b))
	for _, a := range list {
		issue := actions.WithFieldsMap(a.fields()).Errorf
		if a.level == "warning" {
			issue = actions.WithFieldsMap(a.fields()).Warningf
		}
		issue("%s", cutBytes(a.message, maxMessage))
	}
	b.WriteString(stops.Restore())
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("the annotations could not be written: %w", err)
	}
	return nil
}

func (a annotation) fields() map[string]string {
	fields := map[string]string{"title": cutBytes(a.title, maxTitle)}
	if a.file != "" {
		fields["file"] = a.file
		if a.line > 0 {
			fields["line"] = strconv.Itoa(a.line)
		}
	}
	return fields
}

// causeTitles say a cause in a few words, for the head of an annotation.
var causeTitles = map[diagnose.Cause]string{
	diagnose.Passed:         "passed",
	diagnose.TestsFailed:    "the command failed",
	diagnose.CgroupOOM:      "out of memory, container limit reached",
	diagnose.KernelOOM:      "out of memory, machine exhausted",
	diagnose.OOMDaemon:      "out of memory, killed by a daemon",
	diagnose.HeapLimit:      "heap limit reached",
	diagnose.Timeout:        "time limit reached",
	diagnose.Cancelled:      "cancelled",
	diagnose.MemoryPressure: "memory exhausted",
	diagnose.RunnerShutdown: "the runner was shut down",
	diagnose.Killed:         "killed by a signal",
	diagnose.Crashed:        "crashed",
	diagnose.NotStarted:     "the command could not be started",
}

func causeTitle(rep *Report) string {
	if t, ok := causeTitles[diagnose.Cause(rep.Cause)]; ok {
		return t
	}
	return "how the command ended is not known"
}

// sentence writes an advice as running text.
func sentence(a Advice) string {
	title, detail := strings.TrimRight(oneLine(a.Title), ".:"), oneLine(a.Detail)
	switch {
	case title == "":
		return detail
	case detail == "":
		return title + "."
	}
	return title + ". " + detail
}
