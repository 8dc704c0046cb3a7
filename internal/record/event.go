// Package record holds the flight record: everything that was observed of one
// run, as events in a JSON Lines file and as the state that they add up to.
//
// The live run and `oom143 explain` fold the same events with the same
// [Record.Apply], so a record on disk gives the verdict that the run itself
// gave. Sizes are bytes, times RFC 3339 with milliseconds, durations
// milliseconds. What is not known is absent.
package record

import "time"

// Version is the version of the record's format. A reader refuses a record
// whose [Start] carries a higher one.
const Version = 1

// Event is one line of the record: a time and exactly one of the other fields.
type Event struct {
	Time time.Time `json:"time"`

	Start      *Start     `json:"start,omitempty"`
	Spawned    *Spawned   `json:"spawned,omitempty"`
	NotStarted *Failure   `json:"not_started,omitempty"`
	Daemon     *Daemon    `json:"daemon,omitempty"` // found after the start
	Sample     *Sample    `json:"sample,omitempty"`
	Counters   *Counters  `json:"counters,omitempty"`
	Processes  *Processes `json:"processes,omitempty"`
	Signal     *Signal    `json:"signal,omitempty"`
	Exit       *Exit      `json:"exit,omitempty"`
	KernelKill *Kill      `json:"kernel_kill,omitempty"`
	DaemonKill *Kill      `json:"daemon_kill,omitempty"`
	Vanished   *Process   `json:"vanished,omitempty"`
	Test       *Test      `json:"test,omitempty"`
	Located    *Located   `json:"located,omitempty"`
	Message    *Message   `json:"message,omitempty"`
	Danger     *Danger    `json:"danger,omitempty"`
	End        *End       `json:"end,omitempty"`
	Trouble    *Failure   `json:"trouble,omitempty"`
}

// normal gives the event as it reads back from a file: its times in UTC, cut
// to the millisecond and without a monotonic clock.
func (e Event) normal() Event {
	e.Time = e.Time.UTC().Truncate(time.Millisecond)
	if e.Start != nil {
		s := *e.Start
		s.StartedAt = s.StartedAt.UTC().Truncate(time.Millisecond)
		e.Start = &s
	}
	return e
}

// Start says what was run, where, and how it was watched. It is the first
// event of every record.
type Start struct {
	Version int    `json:"version"`
	Tool    string `json:"tool"` // "oom143 v1.2.3"

	Argv      []string  `json:"argv"` // the command; each word through [CommandLine]
	Script    bool      `json:"script,omitempty"`
	Dir       string    `json:"dir,omitempty"`
	Workspace string    `json:"workspace,omitempty"`
	StartedAt time.Time `json:"started_at"`

	Machine Machine  `json:"machine"`
	Levels  []Level  `json:"levels"`            // what memory is held against, the command's own cgroup first, the machine last
	Daemons []Daemon `json:"daemons,omitempty"` // userspace OOM killers that are running, as far as known at the start
	Options Options  `json:"options"`

	KernelLog bool `json:"kernel_log,omitempty"` // the kernel log could be read
	// OOMScoreAdj is what the command was given, -1000 to 1000 (proc_pid_oom_score_adj(5)).
	OOMScoreAdj int `json:"oom_score_adj,omitempty"`
}

// Machine is what the run had under it.
type Machine struct {
	MemoryTotal   uint64 `json:"memory_total_bytes,omitempty"`
	SwapTotal     uint64 `json:"swap_total_bytes,omitempty"`
	CPUs          int    `json:"cpus,omitempty"`
	Kernel        string `json:"kernel,omitempty"` // release, as uname(2) gives it
	CgroupVersion int    `json:"cgroup_version,omitempty"`
	// Container is true where oom143 itself runs in a container.
	Container bool `json:"container,omitempty"`
}

// A LevelKind says what a [Level] is.
type LevelKind string

// The kinds of level. Option and Default are limits that nothing enforces.
const (
	CgroupLevel  LevelKind = "cgroup"
	MachineLevel LevelKind = "machine"
	OptionLevel  LevelKind = "option"
	DefaultLevel LevelKind = "default"
)

// Level is one line that memory is held against: a limit and whose memory
// counts towards it.
type Level struct {
	Kind  LevelKind `json:"kind"`
	Path  string    `json:"path,omitempty"` // of the cgroup, as /proc/self/cgroup or the mount shows it
	Limit uint64    `json:"limit_bytes,omitempty"`
	// Exclusive is true when the cgroup held nothing but oom143 and the
	// command when the command was started.
	Exclusive bool `json:"exclusive,omitempty"`
	// Made is true when oom143 (or the action) made this cgroup for the
	// command alone, with this limit.
	Made bool `json:"made,omitempty"`
	// Own is true for the cgroup that the command was started in; false for
	// its ancestors.
	Own bool `json:"own,omitempty"`
}

// Enforced tells whether somebody kills when the level's limit is exceeded.
func (l Level) Enforced() bool {
	return l.Limit > 0 && (l.Kind == CgroupLevel || l.Kind == MachineLevel)
}

// Daemon is a running userspace OOM killer (earlyoom, systemd-oomd, nohang).
type Daemon struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// TermPercent and KillPercent are the shares of the machine's memory
	// below which the daemon sends SIGTERM and SIGKILL; 0 when it does not
	// go by available memory or they are not known.
	TermPercent float64 `json:"term_percent,omitempty"`
	KillPercent float64 `json:"kill_percent,omitempty"`
}

// Options are the settings of the run that the verdict depends on.
type Options struct {
	WarnAt    int    `json:"warn_at,omitempty"` // percent of the limit, 1 to 100
	TimeoutMS int64  `json:"timeout_ms,omitempty"`
	Contain   bool   `json:"contain,omitempty"`
	OnLimit   string `json:"on_limit,omitempty"`
}

// Spawned says that the command runs.
type Spawned struct {
	PID int `json:"pid"`
}

// Failure is something that did not work, in a sentence. As [Event.NotStarted]
// it says why the command could not be started, with the exit status that
// oom143 ends with; as [Event.Trouble] it is a part of oom143 that failed
// while the command went on.
type Failure struct {
	What   string `json:"what"` // "report", "record", "sampling", or the command's name
	Detail string `json:"detail"`
	Status int    `json:"status,omitempty"` // 125, 126 or 127; NotStarted only
}

// Sample is one reading of memory.
type Sample struct {
	// Used is the memory in use at each of the [Start] event's levels, in
	// their order: what the kernel cannot reclaim, without page cache. For a
	// level that nothing enforces it is the command's process tree. 0 where
	// it could not be read.
	Used []uint64 `json:"used"`
	// Available is the machine's MemAvailable (proc_meminfo(5)).
	Available uint64 `json:"available_bytes,omitempty"`
	SwapUsed  uint64 `json:"swap_used_bytes,omitempty"`
	// Tree is the proportional or, where that is not known, the resident
	// memory of the command's process tree.
	Tree uint64 `json:"tree_bytes,omitempty"`
	// SomeStall and FullStall are the time in microseconds that some, or
	// all, tasks stood still for memory since the run began (PSI "total",
	// Documentation/accounting/psi.rst).
	SomeStall uint64 `json:"some_stall_us,omitempty"`
	FullStall uint64 `json:"full_stall_us,omitempty"`
}

// Counters are the kernel's counts of memory events since the run began. An
// event is written when one of them has moved.
type Counters struct {
	// Levels are in the order of [Start.Levels]; the machine's entry has
	// only OOMKill, from /proc/vmstat oom_kill.
	Levels []LevelCounters `json:"levels"`
}

// LevelCounters are one level's counts since the run began: memory.events of
// cgroup v2 (Documentation/admin-guide/cgroup-v2.rst), or memory.oom_control
// and memory.failcnt of v1 (Documentation/admin-guide/cgroup-v1/memory.rst).
type LevelCounters struct {
	OOM          uint64 `json:"oom,omitempty"` // v2: the limit was reached and reclaim failed, here or below
	OOMKill      uint64 `json:"oom_kill,omitempty"`
	OOMGroupKill uint64 `json:"oom_group_kill,omitempty"`
	Max          uint64 `json:"max,omitempty"` // v2 "max", v1 failcnt: the limit was run into, killed or not
	// Peak is the cgroup's highest usage in bytes, page cache included (v2
	// memory.peak, v1 memory.max_usage_in_bytes), as read when OOMKill moved;
	// 0 when it is not known to be of this run.
	Peak uint64 `json:"peak_bytes,omitempty"`
}

// Processes are the largest processes of the machine, as far as they can be
// seen, at a new peak of used memory.
type Processes struct {
	Top   []Process `json:"top"`             // largest first, at most [MaxProcesses]
	Count int       `json:"count,omitempty"` // processes in the command's tree
}

// MaxProcesses bounds the processes kept in the record at a peak.
const MaxProcesses = 10

// Process is one process at a moment. As [Event.Vanished] it is one of the
// machine's largest that was gone when an OOM kill had just been counted: how
// it ended is not known, RSS and PSS are the last that were seen.
type Process struct {
	PID     int    `json:"pid"`
	Parent  int    `json:"parent,omitempty"`
	Command string `json:"command"`               // through [CommandLine]
	RSS     uint64 `json:"rss_bytes,omitempty"`   // resident set
	PSS     uint64 `json:"pss_bytes,omitempty"`   // proportional set, where it was read
	Peak    uint64 `json:"peak_bytes,omitempty"`  // highest RSS seen
	First   uint64 `json:"first_bytes,omitempty"` // RSS when first seen
	Ours    bool   `json:"ours,omitempty"`        // belongs to the command's tree
}

// A SenderKind says who sent a signal.
type SenderKind string

// The senders of signals, as siginfo's si_code and si_pid tell them apart
// (sigaction(2)).
const (
	FromManager  SenderKind = "service manager" // pid 1 on the machine: systemd
	FromRunner   SenderKind = "runner"          // GitHub's Runner.Worker or Runner.Listener
	FromCommand  SenderKind = "command"         // one of the command's own processes
	FromTerminal SenderKind = "terminal"        // the kernel, for a key: Ctrl-C
	FromOutside  SenderKind = "outside"         // si_pid 0: a process of another PID namespace (Docker client, kubelet)
	FromOther    SenderKind = "other"           // a process that is none of these
)

// Signal is a signal that oom143 received.
type Signal struct {
	Signal string  `json:"signal"` // "SIGTERM"
	From   *Sender `json:"from,omitempty"`
}

// Sender is the process that sent a signal.
type Sender struct {
	Kind    SenderKind `json:"kind"`
	PID     int        `json:"pid,omitempty"`
	Command string     `json:"command,omitempty"`
}

// An ExitSource says how the end of a process became known.
type ExitSource string

// The sources of an [Exit], the surest first.
const (
	ByWait   ExitSource = "wait"   // wait(2): our own child, or an orphan that we reaped
	ByPidfd  ExitSource = "pidfd"  // PIDFD_GET_INFO, Linux 6.15 and later
	ByParent ExitSource = "parent" // its parent's words in the output
)

// Exit is the end of a process of the command's tree. Only the command's own
// end and ends by a signal are recorded.
type Exit struct {
	PID     int        `json:"pid,omitempty"`
	Command string     `json:"command,omitempty"`
	Main    bool       `json:"main,omitempty"` // it is the command itself
	Code    int        `json:"code,omitempty"`
	Signal  string     `json:"signal,omitempty"`
	Source  ExitSource `json:"source"`
	RSS     uint64     `json:"rss_bytes,omitempty"` // last seen
	// Leftover is true for a process that oom143 ended itself after the
	// command was gone.
	Leftover bool `json:"leftover,omitempty"`
}

// A Constraint says what ran out when a process was killed for memory.
type Constraint string

// The kernel's constraints (mm/oom_kill.c, oom_constraint_text), shortened.
const (
	MemcgConstraint Constraint = "memcg" // CONSTRAINT_MEMCG: a cgroup's limit
	NoConstraint    Constraint = "none"  // CONSTRAINT_NONE: the whole machine
	NodeConstraint  Constraint = "node"  // CONSTRAINT_CPUSET, CONSTRAINT_MEMORY_POLICY
)

// Kill is a process killed for memory, as the killer itself tells it: the
// kernel in its log, or a daemon in its own.
type Kill struct {
	PID        int        `json:"pid"`
	Command    string     `json:"command"`
	RSS        uint64     `json:"rss_bytes,omitempty"`
	Constraint Constraint `json:"constraint,omitempty"`
	// LimitCgroup is the cgroup whose limit was reached, TaskCgroup the
	// victim's own; both as the kernel names them.
	LimitCgroup string `json:"limit_cgroup,omitempty"`
	TaskCgroup  string `json:"task_cgroup,omitempty"`
	Daemon      string `json:"daemon,omitempty"` // the daemon's name
	// Ours is true when the victim is known to belong to the command's tree.
	Ours bool `json:"ours,omitempty"`
	// Source says where it was read: "kernel log", "journal", "xattr user.oomd_kill".
	Source string `json:"source"`
	// Detail is the line as it stood there.
	Detail string `json:"detail,omitempty"`
}

// A TestAction is what happened to a test.
type TestAction string

// The actions. A paused test is not running; a phase is what a framework does
// between tests.
const (
	TestStart  TestAction = "start"
	TestFinish TestAction = "finish"
	TestPause  TestAction = "pause"
	TestResume TestAction = "resume"
	TestPhase  TestAction = "phase"
	TestLoaded TestAction = "loaded" // a plugin found its framework in a process
)

// Test is an event of a test, from a plugin, the output or a process.
type Test struct {
	Action    TestAction `json:"action"`
	ID        string     `json:"id,omitempty"` // the framework's way to name one test on its command line
	Framework string     `json:"framework,omitempty"`
	File      string     `json:"file,omitempty"` // relative to the workspace, or absolute
	Line      int        `json:"line,omitempty"`
	PID       int        `json:"pid,omitempty"`
	Source    string     `json:"source,omitempty"`    // "plugin", "output" or "process"
	Certainty string     `json:"certainty,omitempty"` // "certain", "likely" or "possible": that this very test is meant
	Outcome   string     `json:"outcome,omitempty"`   // of a finish: "passed", "failed", "skipped"
	Phase     string     `json:"phase,omitempty"`     // of a phase: "collection", "setup", "teardown", "build"
	RSS       uint64     `json:"rss_bytes,omitempty"` // of the test's process, as the plugin measured it
	// Used is the memory in use at the level with the least headroom.
	Used uint64 `json:"used_bytes,omitempty"`
}

// Located says where a test is defined.
type Located struct {
	ID   string `json:"id"`
	File string `json:"file"` // relative to the workspace
	Line int    `json:"line,omitempty"`
}

// A MessageKind says what words in the output mean.
type MessageKind string

// The kinds of message.
const (
	HeapLimit    MessageKind = "heap-limit"    // a runtime says that it reached its own ceiling
	WorkerKilled MessageKind = "worker-killed" // a framework or a shell says that a process of its was killed
	TimedOut     MessageKind = "timeout"       // a framework says that its own time limit ended the run
)

// Message is a line of the output that tells of a death. A test can print the
// same words, so it never stands alone: the verdict asks for the exit status
// that goes with it.
type Message struct {
	Kind    MessageKind `json:"kind"`
	Runtime string      `json:"runtime"`               // "V8", "JVM", "Go", "Python", "pytest-xdist", "bash"
	Text    string      `json:"text"`                  // the line, cut at 200 characters
	Limit   uint64      `json:"limit_bytes,omitempty"` // the ceiling, where the words tell it
	PID     int         `json:"pid,omitempty"`         // of the process they speak of
	Signal  string      `json:"signal,omitempty"`      // "SIGKILL": what it is said to have died of
	Code    int         `json:"code,omitempty"`        // the exit status it is said to have ended with
	Test    string      `json:"test,omitempty"`        // the id of the test they name
	// Statuses are the exit statuses of the speaking process (128+N for a
	// signal N) that go with the words; none when any failure does.
	Statuses []int `json:"statuses,omitempty"`
}

// Danger is a moment above the danger line: less than 10 % headroom, or
// exhaustion within 10 s at the growth of the last 2 s.
type Danger struct {
	Level   int    `json:"level"` // index into Start.Levels
	Used    uint64 `json:"used_bytes"`
	Growth  int64  `json:"growth_bytes_per_s"`
	LeftMS  int64  `json:"left_ms,omitempty"` // until the limit at that growth
	Largest string `json:"largest,omitempty"` // the largest process, as told in the log
}

// End is the end of the command.
type End struct {
	Code      int       `json:"code"`             // what oom143 ends with: 0 to 255, 128+N for a signal N
	Signal    string    `json:"signal,omitempty"` // that ended the command
	Leftovers []Process `json:"leftovers,omitempty"`
	// OutputHeld is true when a process kept the command's output open and
	// oom143 went on without its end.
	OutputHeld bool `json:"output_held,omitempty"`
	// StoppedFor is set when oom143 itself ended the command: "limit".
	StoppedFor string `json:"stopped_for,omitempty"`
}
