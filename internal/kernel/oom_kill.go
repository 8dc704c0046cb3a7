package kernel

import (
	"strconv"
	"strings"
)

// The constraints of the kernel (mm/oom_kill.c, oom_constraint_text): what ran
// out of memory.
const (
	ConstraintNone         = "CONSTRAINT_NONE"          // the whole machine
	ConstraintCpuset       = "CONSTRAINT_CPUSET"        // the memory nodes of a cpuset
	ConstraintMemoryPolicy = "CONSTRAINT_MEMORY_POLICY" // the memory nodes of a policy
	ConstraintMemcg        = "CONSTRAINT_MEMCG"         // a memory cgroup
)

// OOMKill is a process that the kernel killed for memory, as its log tells it.
// Sizes are bytes; what the log does not tell is 0 or "".
type OOMKill struct {
	// PID is the process's number in the initial PID namespace: inside a
	// container it has another one.
	PID int
	// Comm is its name, cut at 15 bytes. It can hold anything.
	Comm string
	UID  int // -1 where it is not told

	TotalVM  uint64
	AnonRSS  uint64
	FileRSS  uint64
	ShmemRSS uint64
	RSS      uint64 // the three together

	// Constraint is the kernel's word for what ran out, one of the
	// Constraint constants. The kernel prints it at most ten times in five
	// seconds; for other kills, and before Linux 5.0, it follows from the
	// message, and a kill for memory nodes then looks like ConstraintNone.
	Constraint string
	// Global is true when the whole machine was out of memory.
	Global bool
	// LimitCgroup is the cgroup whose limit was reached, TaskCgroup the
	// victim's own; for one that was killed along with others
	// (memory.oom.group) it is the cgroup that was killed. Both are paths
	// from the root of the machine's hierarchy.
	LimitCgroup string
	TaskCgroup  string
	// Invoker is the name of the process whose allocation failed.
	Invoker string

	// Detail is the line "Killed process …" as it stood there, cut at
	// maxDetail bytes.
	Detail string
}

// maxDetail bounds OOMKill.Detail.
const maxDetail = 512

// How the kernel's messages begin (mm/oom_kill.c).
const (
	memcgMessage  = "Memory cgroup out of memory"
	globalMessage = "Out of memory"
)

// killLine is "…: Killed process N (comm) total-vm:…", or the line before it
// in Linux up to 5.0, "…: Kill process N (comm) score S or sacrifice child".
type killLine struct {
	OOMKill
	announced bool // "Kill": nobody was killed yet
	bare      bool // without a message before it: Linux up to 5.0
	skipped   bool // "OOM victim N (comm) is already exiting"
}

// parseKillLine parses it. The name can hold anything, so what comes after it
// is looked for from the end.
func parseKillLine(text string) (killLine, bool) {
	k := killLine{OOMKill: OOMKill{UID: -1}}
	rest := text
	switch {
	case strings.HasPrefix(text, memcgMessage):
		k.Constraint, rest = ConstraintMemcg, text[len(memcgMessage):]
	case strings.HasPrefix(text, globalMessage):
		k.Constraint, rest = ConstraintNone, text[len(globalMessage):]
		rest = strings.TrimPrefix(rest, " (oom_kill_allocating_task)")
	default:
		k.bare = true
	}
	if !k.bare {
		var ok bool
		if rest, ok = strings.CutPrefix(rest, ": "); !ok {
			return killLine{}, false
		}
	}
	var ok bool
	if rest, ok = strings.CutPrefix(rest, "Killed process "); ok {
		k.Detail = text[:min(len(text), maxDetail)]
	} else if k.bare {
		return killLine{}, false
	} else if rest, k.announced = strings.CutPrefix(rest, "Kill process "); !k.announced {
		if rest, k.skipped = strings.CutPrefix(rest, "OOM victim "); !k.skipped {
			return killLine{}, false
		}
	}
	if k.PID, rest, ok = leadingPID(rest); !ok {
		return killLine{}, false
	}
	k.Global = k.Constraint == ConstraintNone
	k.parseVictim(rest)
	return k, true
}

// leadingPID takes a process number off that is followed by a blank or a
// comma: a line may be cut off in the middle of it.
func leadingPID(s string) (pid int, rest string, ok bool) {
	end := strings.IndexAny(s, " ,")
	if end < 0 {
		return 0, "", false
	}
	n, err := strconv.ParseUint(s[:end], 10, 31)
	return int(n), s[end:], err == nil && n > 0
}

// parseVictim parses " (comm) total-vm:1kB, anon-rss:2kB, …, UID:0 …", and the
// older ", UID 0, (comm) total-vm:…".
func (k *killLine) parseVictim(s string) {
	if uid, rest, ok := strings.Cut(s, ", ("); ok && strings.HasPrefix(uid, ", UID ") {
		k.setUID(uid[len(", UID "):])
		s = " (" + rest
	}
	comm, ok := strings.CutPrefix(s, " (")
	if !ok {
		return
	}
	after := ") total-vm:"
	if k.announced {
		after = ") score "
	}
	end := strings.LastIndex(comm, after)
	if end < 0 {
		return // cut off in the middle of the name, or not told
	}
	sizes := comm[end+1:]
	k.Comm = unescapeHex(comm[:end])
	for word := range strings.FieldsSeq(sizes) {
		key, value, _ := strings.Cut(strings.TrimSuffix(word, ","), ":")
		switch key {
		case "total-vm":
			k.TotalVM = sizeInKB(value)
		case "anon-rss":
			k.AnonRSS = sizeInKB(value)
		case "file-rss":
			k.FileRSS = sizeInKB(value)
		case "shmem-rss":
			k.ShmemRSS = sizeInKB(value)
		case "UID":
			k.setUID(value)
		}
	}
	k.RSS = saturated(k.AnonRSS, k.FileRSS, k.ShmemRSS)
}

func (k *OOMKill) setUID(s string) {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		k.UID = int(n)
	}
}

// sizeInKB parses "12kB"; 0 for what is none, or was cut off.
func sizeInKB(s string) uint64 {
	digits, ok := strings.CutSuffix(s, "kB")
	n, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil {
		return 0
	}
	n, _ = kibibytes(n)
	return n
}

// summaryStart is how the line begins in which Linux 5.0 and later sums an
// out-of-memory situation up (mm/oom_kill.c, dump_oom_summary):
//
//	oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,
//	oom_memcg=/a,task_memcg=/a/b,task=comm,pid=1,uid=0
//
// With CONSTRAINT_NONE, "global_oom" stands in the place of oom_memcg.
const summaryStart = "oom-kill:constraint="

// parseSummary parses that line into the parts of an OOMKill that it tells;
// PID is 0 and complete false when the line was cut off before its end. The
// names of cgroups and of the task can hold anything, so each is delimited by
// what must come after it.
func parseSummary(text string) (k OOMKill, complete, ok bool) {
	rest, ok := strings.CutPrefix(text, summaryStart)
	if !ok {
		return OOMKill{}, false, false
	}
	k.UID = -1
	k.Constraint, rest, _ = strings.Cut(rest, ",")
	k.Global = k.Constraint == ConstraintNone
	if head, tail, ok := cutLast(rest, ",uid="); ok {
		if before, pid, ok := cutLast(head, ",pid="); ok {
			n, err := strconv.ParseUint(pid, 10, 31)
			if err == nil && n > 0 {
				k.PID, complete = int(n), true
				k.setUID(tail)
				rest = before
			}
		}
	}
	if complete {
		rest, k.Comm = cutTask(rest)
	}
	if _, group, ok := strings.Cut(rest, ",task_memcg="); ok {
		if !complete {
			group, _, _ = strings.Cut(group, ",task=")
		}
		k.TaskCgroup = unescapeHex(group)
	}
	if _, group, ok := strings.Cut(rest, ",oom_memcg="); ok {
		if limit, _, whole := strings.Cut(group, ",task_memcg="); whole {
			k.LimitCgroup = unescapeHex(limit)
		}
	}
	return k, complete, true
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// maxComm is how long a name can be: TASK_COMM_LEN without its NUL
// (include/linux/sched.h).
const maxComm = 15

// cutTask splits ",task=comm" off the end. A cgroup's name and the comm can
// both hold ",task="; the comm is the longest that a name can be.
func cutTask(s string) (before, comm string) {
	for at := 0; ; {
		i := strings.Index(s[at:], ",task=")
		if i < 0 {
			return s, ""
		}
		at += i
		raw := s[at+len(",task="):]
		// Each byte takes one character, or four as \xNN.
		if len(raw) <= 4*maxComm && escapedLen(raw) <= maxComm {
			return s[:at], unescapeHex(raw)
		}
		at += len(",task=")
	}
}

// escapedLen counts the bytes of a text in which some are written as \xNN.
func escapedLen(s string) int {
	return len(s) - 3*strings.Count(s, `\x`)
}
