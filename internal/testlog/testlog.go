// Package testlog tells from a command's output and from its processes which
// tests are running, and finds the words in the output that tell of a death.
//
// A [Scanner] reads the output in chunks of any size, keeps at most the first
// [MaxLine] bytes of a line, and gives events. There is one file for each
// framework, and each registers itself in one table. What a framework's
// output does not show is not guessed: where it names only a file or a package,
// so does the event.
//
// Tests can print anything, the lines of any framework included. An event says
// what the output says, no more.
package testlog

// Event is something that happened to a test, or words that tell of a death.
type Event struct {
	// Action is "start", "finish", "pause", "resume", "phase" or "message".
	Action    string
	ID        string // the framework's own way to name the test
	Framework string
	File      string // as the framework writes it: relative to its own directory, or absolute
	Line      int
	PID       int    // of the process that runs the test, where it is known
	Source    string // "output" or "process"
	// Certainty is "certain", "likely" or "possible": that this very test is
	// meant. A file or a package that stands for its tests is "possible".
	Certainty string
	Outcome   string // of a finish: "passed", "failed", "skipped"; empty when it is not known
	Phase     string // of a phase: "collection", "setup", "teardown", "build"
	Message   *Message
}

// The actions of an [Event].
const (
	Start   = "start"
	Finish  = "finish"
	Pause   = "pause"
	Resume  = "resume"
	Phase   = "phase"
	Spoken  = "message"
	passed  = "passed"
	failed  = "failed"
	skipped = "skipped"
)

// The certainties of an [Event].
const (
	certain  = "certain"
	likely   = "likely"
	possible = "possible"
)

// The phases of an [Event].
const (
	collection = "collection"
	setup      = "setup"
	build      = "build"
)

// Message is a line of the output that tells of a death. A test can print the
// same words, so a message never stands alone.
type Message struct {
	Kind    string // "heap-limit", "worker-killed" or "timeout"
	Runtime string // who says it: "V8", "JVM", "pytest-xdist", "bash"
	Text    string // the line, cut at 200 characters
	Limit   uint64 // bytes; the ceiling, where the words tell it
	PID     int    // of the process that the words speak of
	Signal  string // "SIGKILL": what it is said to have died of
	Code    int    // the exit status that it is said to have ended with
	Test    string // the id of the test that was running in it
	// Statuses are the exit statuses of the speaking process (128+N for a
	// signal N) that go with the words; none when any failure does.
	Statuses []int
}

// The kinds of a [Message].
const (
	heapLimit    = "heap-limit"
	workerKilled = "worker-killed"
	timedOut     = "timeout"
)

// Stream is one of the command's two output streams.
type Stream int

// The streams.
const (
	Stdout Stream = iota
	Stderr
	streams
)

// Hint is the command, as a hint at what its output may hold. Nothing is
// concluded from it alone.
type Hint struct {
	Argv   []string
	Script string // the text of a shell script, where the command is one
	Dir    string // absolute; where the command runs
}
