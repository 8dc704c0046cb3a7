package testlog

import (
	"path"
	"strings"
)

const jestName = "jest"

// The lines of Jest, as its DefaultReporter and ChildProcessWorker.js print
// them: a file when it is over; on a terminal also the files that run.
func init() {
	register(framework{
		name:   jestName,
		starts: []string{"PASS ", "FAIL ", "RUNS "},
		parser: func(s *Scanner) parser {
			j := &jest{base: base{s}}
			s.talk.jestFile = &j.failed
			return j
		},
	})
	message(
		rule{"A jest worker process (pid=", Message{Kind: workerKilled, Runtime: jestName}, jestWorker},
		rule{"Jest worker ran out of memory and crashed", Message{Kind: heapLimit, Runtime: "V8", Statuses: []int{134, 133, 1}}, nil},
		rule{"Jest worker encountered ", Message{Kind: workerKilled, Runtime: jestName}, jestRetries},
		rule{"Exceeded timeout of ", Message{Kind: timedOut, Runtime: jestName, Statuses: []int{1}}, nil},
	)
}

// jest reads Jest's lines.
type jest struct {
	base
	failed string // the file whose failures are being told
}

func (j *jest) line(l line) bool {
	text := strings.TrimLeft(l.text, " ")
	verb, rest, _ := strings.Cut(text, " ")
	file := jestFile(rest)
	if file == "" {
		return false
	}
	e := Event{ID: file, Framework: jestName, File: file}
	switch verb {
	case "RUNS":
		j.s.start(e)
	case "PASS":
		j.failed = ""
		e.Outcome = passed
		j.s.finish(e)
	case "FAIL":
		j.failed = strings.Clone(file)
		e.Outcome = failed
		j.s.finish(e)
	}
	return false
}

// jestFile reads "[project] path (5.1 s)"; empty when it is no test file's
// path.
func jestFile(text string) string {
	text = strings.TrimSpace(text)
	for strings.HasSuffix(text, ")") {
		i := strings.LastIndex(text, " (")
		if i < 0 {
			return ""
		}
		text = strings.TrimSpace(text[:i])
	}
	if i := strings.LastIndexByte(text, ' '); i >= 0 {
		text = text[i+1:]
	}
	if !script(text) {
		return ""
	}
	return text
}

// script tells whether a path is one of a JavaScript or TypeScript file.
func script(file string) bool {
	switch path.Ext(file) {
	case ".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx", ".vue", ".svelte":
		return !strings.ContainsAny(file, "'\"`()<>,*") && len(path.Base(file)) > len(path.Ext(file))
	}
	return false
}

// jestWorker reads "A jest worker process (pid=N) was terminated by another
// process: signal=SIGKILL, exitCode=null.". It stands below the file that the
// worker had.
func jestWorker(s *Scanner, text string, m *Message) bool {
	rest, _ := after(text, "(pid=")
	m.PID, _ = small(rest)
	if signal, ok := between(text, "signal=", ","); ok && strings.HasPrefix(signal, "SIG") {
		m.Signal = signal
	}
	if code, ok := after(text, "exitCode="); ok {
		m.Code, _ = small(code)
	}
	if m.Signal == "SIGTERM" && m.PID > 0 && m.PID == s.talk.gcPID {
		// Jest itself ends a worker whose V8 says that its heap is full.
		m.Kind, m.Runtime, m.Statuses = heapLimit, "V8", []int{1}
	}
	s.blameFile(m)
	return true
}

// jestRetries reads "Jest worker encountered 4 child process exceptions,
// exceeding retry limit".
func jestRetries(s *Scanner, text string, m *Message) bool {
	if !strings.Contains(text, "child process exceptions, exceeding retry limit") {
		return false
	}
	s.blameFile(m)
	return true
}

// blameFile names the file that Jest tells failures of: it was running when
// its worker died.
func (s *Scanner) blameFile(m *Message) {
	file := *s.talk.jestFile
	if file == "" {
		return
	}
	m.Test = file
	s.start(Event{ID: file, Framework: jestName, File: file, PID: m.PID})
}
