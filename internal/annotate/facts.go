package annotate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/oom143-action/internal/diagnose"
	"github.com/org/oom143-action/internal/record"
)

// fact is one line of what a verdict comes to, told alike in the log and in
// the summary. Of data, code is what stands as code where there is such a thing.
type fact struct {
	name string
	code string
	text string
}

// facts are the lines under the headline; those that are not known are left
// out.
func facts(rep *Report) []fact {
	var list []fact
	add := func(name, code, text string) {
		if code != "" || text != "" {
			list = append(list, fact{name, code, text})
		}
	}
	cause := rep.Cause
	if cause == "" {
		cause = "not known"
	}
	add("cause", "", join(", ", cause, rep.Certainty))
	add("exit status", "", exitText(rep.Command))
	if t := rep.likeliest(); t != nil {
		add("test", t.ID, testText(*t))
		for _, o := range rep.Tests.Running[1:min(len(rep.Tests.Running), maxRunningShown)] {
			add("also running", o.ID, testText(o))
		}
		if more := len(rep.Tests.Running) - maxRunningShown; more > 0 {
			add("also running", "", fmt.Sprintf("%d more tests", more))
		}
	} else if rep.Tests != nil {
		add("phase", "", oneLine(rep.Tests.Phase))
	}
	add("tests", "", talliesText(rep))
	add("memory", "", memoryText(rep.Memory))
	add("elsewhere", "", othersText(rep.Memory))
	add("runner size", "", rep.extra.fit)
	return list
}

// maxRunningShown bounds the running tests that are shown to people.
const maxRunningShown = 4

func exitText(c *Command) string {
	if c == nil || c.ExitCode == nil {
		return ""
	}
	text := strconv.Itoa(*c.ExitCode)
	if c.Signal != "" {
		text += " (" + c.Signal + ")"
	}
	if c.DurationMS != nil {
		text += " after " + spanMS(*c.DurationMS)
	}
	return text
}

func testText(t RunningTest) string {
	where := t.File
	if where != "" && t.Line > 0 {
		where += ":" + strconv.Itoa(t.Line)
	}
	running, growth := "", ""
	if t.RunningMS > 0 {
		running = "running for " + spanMS(t.RunningMS)
	}
	switch diagnose.Certainty(t.Certainty) {
	case diagnose.Likely:
		running = join(", ", "likely", running)
	case diagnose.Possible:
		running = join(", ", "possibly", running)
	}
	if t.Growth != 0 {
		growth = "memory " + gained(t.Growth)
	}
	return join(", ", oneLine(where), running, growth)
}

func talliesText(rep *Report) string {
	if rep.Tests == nil || rep.Tests.Started == 0 && rep.Tests.Finished == 0 {
		return ""
	}
	return fmt.Sprintf("%d started, %d finished", rep.Tests.Started, rep.Tests.Finished)
}

func memoryText(m *Memory) string {
	if m == nil || m.Peak == 0 {
		return ""
	}
	if m.Limit == 0 {
		return "peak " + size(m.Peak)
	}
	of := map[string]string{
		"cgroup":  "the cgroup's limit of ",
		"machine": "the machine's ",
		"option":  "the limit given, ",
		"default": "an assumed ",
	}[m.LimitSource]
	limit := size(m.Limit)
	if m.LimitSource != string(record.MachineLevel) {
		limit = limitSize(m.Limit)
	}
	text := fmt.Sprintf("peak %s, %s of %s%s", size(m.Peak), percent(m.PeakPercent), of, limit)
	if m.SwapPeak > 0 {
		text += ", and " + size(m.SwapPeak) + " of swap"
	}
	return text
}

// othersText tells of memory that is not the command's, where the machine's
// memory is what counts and it is a tenth of it or more.
func othersText(m *Memory) string {
	if m == nil || m.LimitSource != string(record.MachineLevel) || m.Others == 0 || m.Others < m.Peak/10 {
		return ""
	}
	return size(m.Others) + " of the machine's memory were used by others at the peak"
}

// processRow is one of the processes at the peak.
type processRow struct {
	record.Process
	role string
}

// maxProcessesShown are the largest processes at the peak that are shown.
const maxProcessesShown = 3

// processRows are the largest processes at the peak, and the victims wherever
// they stand.
func processRows(rep *Report) []processRow {
	var rows []processRow
	killed := func(pid int) bool { return pid != 0 && slices.Contains(rep.extra.killed, pid) }
	for i, p := range rep.extra.processes {
		if i >= maxProcessesShown && !killed(p.PID) {
			continue
		}
		p.Command = commandLine(p.Command)
		p.RSS = max(p.RSS, p.Peak)
		rows = append(rows, processRow{p, role(i == 0, killed(p.PID), p.Ours)})
	}
	for _, v := range rep.Victims {
		if v.PID != 0 && !slices.ContainsFunc(rows, func(r processRow) bool { return r.PID == v.PID }) {
			rows = append(rows, processRow{record.Process{PID: v.PID, Command: v.Command, RSS: v.RSS}, role(false, true, v.Ours)})
		}
	}
	return rows
}

func role(largest, killed, ours bool) string {
	l, k, o := "", "", ""
	if largest {
		l = "the largest"
	}
	if killed {
		k = "killed"
	}
	if !ours {
		o = "not of the command"
	}
	return join(", ", k, l, o)
}

// grewBy is how much a process grew while it was watched, "" when it is not
// known or nothing.
func grewBy(p record.Process) string {
	if p.First == 0 || p.RSS <= p.First {
		return ""
	}
	return gained(int64(p.RSS - p.First))
}

// join joins what is not empty.
func join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}
