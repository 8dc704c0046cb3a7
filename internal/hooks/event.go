package hooks

import (
	"bytes"
	"encoding/json"
	"time"
)

// Bounds of the event file's lines, in bytes.
const (
	MaxLine = 4096 // with its newline; a longer line is no event
	MaxID   = 3000 // of a test's id as it stands in the file
)

// An Action is what a plugin reports.
type Action string

// The actions.
const (
	Start  Action = "start"  // a test begins
	Finish Action = "finish" // a test is over
	Pause  Action = "pause"  // a test waits for its turn (Go: t.Parallel)
	Resume Action = "resume" // a paused test goes on
	Phase  Action = "phase"  // what the framework does besides a test's own body
	Loaded Action = "loaded" // the plugin found its framework in a process
)

// Event is one event of a plugin. What the plugin did not tell is zero.
type Event struct {
	Action    Action
	ID        string
	Framework string
	File      string // absolute path
	Line      int    // from 1
	PID       int    // in the PID namespace of the process that wrote it
	Time      time.Time
	RSS       uint64 // bytes
	Phase     string // "collection", "setup", "teardown", "build" or ""
	Outcome   string // "passed", "failed", "skipped" or ""
}

// line is an event as it stands in the file.
type line struct {
	Action    Action  `json:"e"`
	ID        string  `json:"id"`
	Framework string  `json:"fw"`
	File      string  `json:"file"`
	Line      int     `json:"line"`
	PID       int     `json:"pid"`
	Time      float64 `json:"t"`
	RSS       uint64  `json:"rss"`
	Phase     string  `json:"phase"`
	Outcome   string  `json:"outcome"`
}

// maxPID is the kernel's ceiling for a PID (proc_sys_kernel(5), pid_max).
const maxPID = 1 << 22

// maxTime is the end of the year 9999 in Unix milliseconds, the last that RFC
// 3339 can write.
const maxTime = 253402300799999

// parse reads one line, without its newline, that may be anything.
func parse(text []byte) (Event, bool) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || len(text) >= MaxLine || text[0] != '{' {
		return Event{}, false
	}
	var l line
	if json.Unmarshal(text, &l) != nil || !l.valid() {
		return Event{}, false
	}
	e := Event{
		Action: l.Action, ID: l.ID, Framework: l.Framework, File: l.File, Line: l.Line,
		PID: l.PID, RSS: l.RSS, Phase: l.Phase, Outcome: l.Outcome,
	}
	if l.Time > 0 {
		e.Time = time.UnixMicro(int64(l.Time * 1000))
	}
	return e, true
}

func (l line) valid() bool {
	if l.Line < 0 || l.PID < 0 || l.PID > maxPID || l.Time < 0 || l.Time > maxTime {
		return false
	}
	switch l.Outcome {
	case "", "passed", "failed", "skipped":
	default:
		return false
	}
	switch l.Action {
	case Start, Finish, Pause, Resume:
		return l.ID != ""
	case Phase:
		switch l.Phase {
		case "", "collection", "setup", "teardown", "build":
			return true
		}
		return false
	}
	return l.Action == Loaded
}
