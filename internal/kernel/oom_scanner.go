package kernel

import (
	"slices"
	"strings"
)

// OOMScanner finds the processes that the kernel killed for memory in its log,
// fed line by line. It knows the messages of Linux 3.7 and later. Its zero
// value is ready. It holds at most maxPending situations of which the kill has
// not been read yet, whatever it is fed.
//
// It tells a kill only when the kernel says that it killed ("Killed process").
// One without the message that memory ran out counts only after the line of
// Linux up to 5.0 that announces it.
type OOMScanner struct {
	invoker  string    // "X invoked oom-killer", not yet summed up
	invokers int       // how many such; above one, who invoked what is not known
	pending  []OOMKill // summed up or announced, not yet killed
	// limit and task are from "Task in X killed as a result of limit of Y"
	// (Linux up to 4.20).
	limit, task string
	// group is what the kills that follow have in common, after "Tasks in X
	// are going to be killed due to memory.oom.group set".
	group   OOMKill
	grouped bool
	last    OOMKill
	begun   string // a line whose rest comes in fragments
	begunBy string // its caller
}

const (
	maxPending = 16
	// maxBegun bounds a line put together from fragments.
	maxBegun = 8 << 10
)

// Record feeds one record of /dev/kmsg. Records that the kernel itself did not
// write are left out: user space can write what it likes to the log.
func (s *OOMScanner) Record(r KmsgRecord) (OOMKill, bool) {
	if r.Facility != facilityKern {
		return OOMKill{}, false
	}
	text := r.Text
	if r.Fragment && s.begun != "" && s.begunBy == r.Caller && len(s.begun)+len(text) <= maxBegun {
		text = s.begun + text
		s.forgetBegun()
	}
	s.begun, s.begunBy = "", ""
	if unfinished(text) {
		s.begun, s.begunBy = text, r.Caller
	}
	return s.scan(text)
}

// forgetBegun takes back what a line told of which the rest has come.
func (s *OOMScanner) forgetBegun() {
	n := len(s.pending)
	if n == 0 || s.pending[n-1].PID != 0 {
		return
	}
	if invoker := s.pending[n-1].Invoker; invoker != "" {
		s.invoker, s.invokers = invoker, 1
	}
	s.pending = s.pending[:n-1]
}

// Line feeds one line as dmesg(1) or journalctl(1) prints it. Lines that name
// another origin than the kernel are left out. But plain dmesg does not tell
// what user space wrote to the log, and a file can be forged: trust the source.
func (s *OOMScanner) Line(line string) (OOMKill, bool) {
	text, ok := kernelText(strings.TrimRight(line, "\r\n"))
	if !ok {
		return OOMKill{}, false
	}
	return s.scan(text)
}

// Lost tells the scanner that a part of the log is missing: what was begun
// before it must not be finished with what comes after it.
func (s *OOMScanner) Lost() { *s = OOMScanner{} }

// unfinished tells whether the rest of a line is missing that the kernel
// prints in several parts.
func unfinished(text string) bool {
	if _, complete, ok := parseSummary(text); ok {
		return !complete
	}
	_, _, ok := parseTaskIn(text)
	return !ok && strings.HasPrefix(text, taskIn)
}

// scan looks at one whole line.
func (s *OOMScanner) scan(text string) (OOMKill, bool) {
	if k, ok := parseKillLine(text); ok {
		return s.kill(k)
	}
	if comm, ok := parseInvoker(text); ok {
		s.invoked(comm)
		return OOMKill{}, false
	}
	if k, _, ok := parseSummary(text); ok {
		s.summed(k)
		return OOMKill{}, false
	}
	if task, limit, ok := parseTaskIn(text); ok {
		s.task, s.limit = task, limit
		return OOMKill{}, false
	}
	if path, ok := parseGroup(text); ok && s.last.PID > 0 {
		s.grouped = true
		s.group = OOMKill{
			Constraint: s.last.Constraint, Global: s.last.Global, Invoker: s.last.Invoker,
			LimitCgroup: s.last.LimitCgroup, TaskCgroup: path,
		}
	}
	return OOMKill{}, false
}

func (s *OOMScanner) invoked(comm string) {
	s.invokers++
	s.invoker = comm
	s.grouped = false
}

// takeInvoker gives the one process that can have invoked what is summed up.
func (s *OOMScanner) takeInvoker() string {
	if s.invokers != 1 {
		return ""
	}
	s.invokers = 0
	return s.invoker
}

// summed notes a situation of which the kill is to follow.
func (s *OOMScanner) summed(k OOMKill) {
	s.grouped = false
	k.Invoker = s.takeInvoker()
	s.push(k)
}

func (s *OOMScanner) push(k OOMKill) {
	if len(s.pending) == maxPending {
		s.pending = append(s.pending[:0], s.pending[1:]...)
	}
	s.pending = append(s.pending, k)
}

// kill handles the lines about one process.
func (s *OOMScanner) kill(k killLine) (OOMKill, bool) {
	switch {
	case k.skipped:
		s.take(func(p OOMKill) bool { return p.PID == k.PID })
		return OOMKill{}, false
	case k.announced:
		if s.has(k.PID) {
			return OOMKill{}, false // Linux 5.0 sums up and announces
		}
		k.Invoker = s.takeInvoker()
		if k.Constraint == ConstraintMemcg {
			k.LimitCgroup, k.TaskCgroup = s.limit, s.task
		}
		s.limit, s.task = "", ""
		s.push(k.OOMKill)
		return OOMKill{}, false
	}
	known, ok := s.situation(k)
	if !ok && k.bare {
		return OOMKill{}, false
	}
	if s.grouped && k.PID == s.last.PID {
		return OOMKill{}, false // the first victim is killed once more with its group
	}
	out := k.OOMKill
	if ok {
		out.Constraint, out.Global = known.Constraint, known.Global
		out.LimitCgroup, out.TaskCgroup = known.LimitCgroup, known.TaskCgroup
		out.Invoker = known.Invoker
		if out.UID < 0 {
			out.UID = known.UID
		}
		if out.Comm == "" && known.PID == out.PID {
			out.Comm = known.Comm
		}
	}
	if len(s.pending) == 0 {
		s.invokers = 0
	}
	if !s.grouped {
		s.last = out
	}
	return out, true
}

// situation finds what was said before about a kill: by the process; else in
// the cut-off summary, when no other can be meant; else its group. Linux up to
// 5.0 announces one process and may then kill a child of it.
func (s *OOMScanner) situation(k killLine) (OOMKill, bool) {
	if known, ok := s.take(func(p OOMKill) bool { return p.PID == k.PID }); ok {
		return known, true
	}
	if s.grouped && sameKind(s.group, k) {
		known := s.group
		known.UID = -1
		return known, true
	}
	if len(s.pending) == 1 && (k.bare || s.pending[0].PID == 0 && sameKind(s.pending[0], k)) {
		return s.take(func(OOMKill) bool { return true })
	}
	if k.bare && len(s.pending) > 1 {
		// One of them was killed, or a child of one: that memory ran out is
		// sure, whose is not.
		return OOMKill{UID: -1}, true
	}
	return OOMKill{}, false
}

// sameKind tells whether both are of a memory cgroup, or neither.
func sameKind(known OOMKill, k killLine) bool {
	return (known.Constraint == ConstraintMemcg) == (k.Constraint == ConstraintMemcg)
}

func (s *OOMScanner) has(pid int) bool {
	return slices.ContainsFunc(s.pending, func(p OOMKill) bool { return p.PID == pid })
}

// take gives the first pending situation that matches, and forgets it.
func (s *OOMScanner) take(match func(OOMKill) bool) (OOMKill, bool) {
	for i, p := range s.pending {
		if match(p) {
			s.pending = append(s.pending[:i], s.pending[i+1:]...)
			return p, true
		}
	}
	return OOMKill{}, false
}

// parseInvoker parses "comm invoked oom-killer: gfp_mask=…".
func parseInvoker(text string) (string, bool) {
	comm, _, ok := cutLast(text, " invoked oom-killer: gfp_mask=")
	if !ok || escapedLen(comm) > maxComm {
		return "", false
	}
	return unescapeHex(comm), true
}

const taskIn = "Task in "

// parseTaskIn parses "Task in X killed as a result of limit of Y" (Linux 3.7
// to 4.20, mm/memcontrol.c, mem_cgroup_print_oom_info).
func parseTaskIn(text string) (task, limit string, ok bool) {
	rest, ok := strings.CutPrefix(text, taskIn)
	if !ok {
		return "", "", false
	}
	task, limit, ok = strings.Cut(rest, " killed as a result of limit of ")
	if !ok || !strings.HasPrefix(task, "/") || !strings.HasPrefix(limit, "/") {
		return "", "", false
	}
	return unescapeHex(task), unescapeHex(limit), true
}

// parseGroup parses "Tasks in X are going to be killed due to
// memory.oom.group set" (mm/memcontrol.c, mem_cgroup_print_oom_group).
func parseGroup(text string) (string, bool) {
	rest, ok := strings.CutPrefix(text, "Tasks in ")
	if !ok {
		return "", false
	}
	path, ok := strings.CutSuffix(rest, " are going to be killed due to memory.oom.group set")
	return unescapeHex(path), ok
}

// kernelText takes off what dmesg and journalctl put before a line of the
// kernel: "kern  :info  : [ 12.345] ", "[ 12.345] ", "[12.345][T1] ", and
// "Nov 24 01:02:03 host kernel: ". ok is false for lines of others.
func kernelText(line string) (text string, ok bool) {
	if head, rest, found := strings.Cut(line, ": "); found && !strings.HasPrefix(line, "[") {
		fields := strings.Fields(head)
		switch {
		case len(fields) == 2 && strings.HasPrefix(fields[1], ":"):
			// dmesg --decode; two colons, the first before the priority.
			if fields[0] != "kern" {
				return "", false
			}
			line = rest
		case len(fields) >= 3 && startsWithTime(fields):
			if fields[len(fields)-1] != "kernel" {
				return "", false
			}
			line = rest
		}
	}
	for strings.HasPrefix(line, "[") {
		stamp, rest, found := strings.Cut(line[1:], "]")
		if !found || !isStamp(stamp) {
			break
		}
		line = strings.TrimLeft(rest, " ")
	}
	return line, true
}

// startsWithTime tells whether the words before an origin are those of
// journalctl: a date and a time with colons, in one word or in three.
func startsWithTime(fields []string) bool {
	when := fields[0]
	if !strings.Contains(when, ":") && len(fields) > 2 {
		when = fields[2]
	}
	return strings.Count(when, ":") >= 2
}

// isStamp tells whether what stands in brackets is dmesg's time or caller.
func isStamp(s string) bool {
	s = strings.TrimSpace(s)
	return s != "" && (strings.ContainsAny(s[:1], "0123456789") || strings.ContainsAny(s, ":") ||
		(s[0] == 'T' || s[0] == 'C') && strings.Trim(s[1:], "0123456789") == "")
}
