// Package annotate tells a verdict: as a JSON report, as text for a log or a
// terminal, and on GitHub as workflow commands, step outputs, job summary and
// check run.
//
// Every form is made from one [Report], so that no two of them disagree. What
// a test is called and what it prints is data: each form escapes it by its own
// rules.
package annotate

import "time"

// Version is the version of the report's JSON.
const Version = 1

// Report is a verdict with all that it rests on. Marshalled, it is the JSON
// report. Sizes are bytes, durations milliseconds. What is not known is
// absent; a list that is known to be empty is there and empty.
type Report struct {
	Version   int        `json:"version"`
	Cause     string     `json:"cause,omitempty"` // absent where the evidence supports none
	OOM       bool       `json:"oom"`
	Certainty string     `json:"certainty,omitempty"` // "certain", "likely" or "possible"
	Headline  string     `json:"headline"`
	Evidence  []Evidence `json:"evidence"`
	Advice    []Advice   `json:"advice"`
	Command   *Command   `json:"command,omitempty"`
	Signals   []Signal   `json:"signals"`
	Victims   []Victim   `json:"victims"`
	Memory    *Memory    `json:"memory,omitempty"`
	Tests     *Tests     `json:"tests,omitempty"`
	Leak      *Leak      `json:"leak,omitempty"`
	Runner    *Runner    `json:"runner,omitempty"`

	// extra is what only people are told. It is empty in a report that was
	// read from JSON.
	extra extra
}

// Evidence is one thing that the verdict rests on.
type Evidence struct {
	Time   Time   `json:"time,omitzero"`
	Source string `json:"source"`
	Detail string `json:"detail"`
}

// Advice is one thing to change.
type Advice struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Command is what was run and how it ended.
type Command struct {
	Argv []string `json:"argv,omitempty"`
	// ExitCode is what oom143 ends with, 0 to 255; nil while the command
	// runs, and where its end was not seen.
	ExitCode   *int   `json:"exit_code,omitempty"`
	Signal     string `json:"signal,omitempty"` // that ended the command: "SIGKILL"
	StartedAt  Time   `json:"started_at,omitzero"`
	EndedAt    Time   `json:"ended_at,omitzero"`
	DurationMS *int64 `json:"duration_ms,omitempty"`
}

// Signal is a signal that oom143 received.
type Signal struct {
	Time   Time    `json:"time,omitzero"`
	Signal string  `json:"signal"`
	To     string  `json:"to"`
	From   *Sender `json:"from,omitempty"`
}

// Sender is the process that sent a signal.
type Sender struct {
	PID     int    `json:"pid,omitempty"`
	Command string `json:"command,omitempty"`
}

// Victim is a process killed for memory.
type Victim struct {
	PID        int    `json:"pid,omitempty"`
	Command    string `json:"command,omitempty"`
	RSS        uint64 `json:"rss_bytes,omitempty"`
	Constraint string `json:"constraint,omitempty"` // "memcg", "none" or "node"
	Ours       bool   `json:"ours"`
	Test       string `json:"test,omitempty"`
}

// Memory is used memory over the run, held against one limit.
type Memory struct {
	Limit       uint64    `json:"limit_bytes,omitempty"`
	LimitSource string    `json:"limit_source,omitempty"` // "cgroup", "machine", "option" or "default"
	Enforced    bool      `json:"enforced"`
	Peak        uint64    `json:"peak_bytes,omitempty"`
	PeakAt      Time      `json:"peak_at,omitzero"`
	PeakPercent float64   `json:"peak_percent,omitempty"` // of the limit, one decimal
	Others      uint64    `json:"others_bytes,omitempty"`
	SwapPeak    uint64    `json:"swap_peak_bytes,omitempty"`
	Samples     int       `json:"samples,omitempty"`
	Timeline    []Point   `json:"timeline,omitempty"`
	Top         []Process `json:"top_processes,omitempty"` // largest first
}

// Point is used memory at a moment of the run.
type Point struct {
	AtMS int64  `json:"at_ms"` // since the start
	Used uint64 `json:"used_bytes"`
}

// Process is one process at the peak.
type Process struct {
	PID     int    `json:"pid"`
	Command string `json:"command"`
	Peak    uint64 `json:"peak_rss_bytes,omitempty"`
}

// Tests are the tests of the run.
type Tests struct {
	Frameworks   []string      `json:"frameworks,omitempty"`
	Started      int           `json:"started"`
	Finished     int           `json:"finished"`
	Running      []RunningTest `json:"running"` // the likeliest culprit first
	Phase        string        `json:"phase,omitempty"`
	LastFinished *TestID       `json:"last_finished,omitempty"`
	MostGrowth   []GrownTest   `json:"most_growth,omitempty"`
}

// TestID names a test as its framework does on the command line.
type TestID struct {
	ID string `json:"id"`
}

// RunningTest is a test that had started and not finished.
type RunningTest struct {
	ID        string `json:"id"`
	File      string `json:"file,omitempty"` // relative to the workspace
	Line      int    `json:"line,omitempty"`
	PID       int    `json:"pid,omitempty"`
	RunningMS int64  `json:"running_ms,omitempty"`
	Growth    int64  `json:"growth_bytes,omitempty"`
	Source    string `json:"source,omitempty"`    // "plugin", "output" or "process"
	Certainty string `json:"certainty,omitempty"` // that this very test is meant

	framework string
}

// GrownTest is a finished test during which memory grew.
type GrownTest struct {
	ID         string `json:"id"`
	Growth     int64  `json:"growth_bytes,omitempty"`
	Peak       uint64 `json:"peak_bytes,omitempty"`
	Overlapped bool   `json:"overlapped"` // other tests ran at the same time
}

// Leak says that memory stayed higher after each test.
type Leak struct {
	Suspected bool    `json:"suspected"`
	Certainty string  `json:"certainty,omitempty"`
	PerTest   uint64  `json:"bytes_per_test,omitempty"`
	Floor     uint64  `json:"floor_bytes,omitempty"`
	TestsLeft *int    `json:"tests_left,omitempty"` // until the limit at that pace
	Grew      []Grown `json:"grew,omitempty"`
}

// Grown is a container or type of the program that held more and more.
type Grown struct {
	What string `json:"what"`
	Kind string `json:"kind"` // "container" or "type"
	From int64  `json:"from"`
	To   int64  `json:"to"`
}

// Runner is the machine under the run.
type Runner struct {
	MemoryTotal   uint64 `json:"memory_total_bytes,omitempty"`
	SwapTotal     uint64 `json:"swap_total_bytes,omitempty"`
	CPUs          int    `json:"cpus,omitempty"`
	CgroupVersion int    `json:"cgroup_version,omitempty"`
}

// Time is a time that is written in RFC 3339 with milliseconds, in UTC.
type Time struct{ time.Time }

const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// MarshalText writes the time.
func (t Time) MarshalText() ([]byte, error) {
	return t.UTC().AppendFormat(nil, timeFormat), nil
}

// MarshalJSON writes the time as a JSON string.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.UTC().AppendFormat(nil, `"`+timeFormat+`"`), nil
}
