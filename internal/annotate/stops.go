package annotate

import (
	"bytes"
	"strings"
	"sync"
	"unicode"
)

// maxStopLine bounds what is kept of a line, in bytes. A longer line is not
// taken for a command.
const maxStopLine = 1024

// StopCommands watches the command's output for ::stop-commands::TOKEN, after
// which the runner takes no workflow command until ::TOKEN:: passes
// (Runner.Worker/ActionCommandManager.cs). The state is one for both streams.
// A nil StopCommands has seen nothing.
type StopCommands struct {
	mu    sync.Mutex
	token string // "" while the runner takes commands
}

// Stream gives the writer that is shown one stream's bytes. It never fails and
// keeps at most 1 KiB.
func (s *StopCommands) Stream() *StopStream { return &StopStream{stops: s} }

// Resume is the line that makes the runner take commands again, with its
// newline; "" when it takes them, or when the token is none that can be said.
func (s *StopCommands) Resume() string {
	token := s.current()
	switch {
	case token == "" || strings.ContainsAny(token, " \r\n"):
		return ""
	case !strings.Contains(token, "::") && !strings.HasSuffix(token, ":"):
		return "::" + token + "::\n"
	case !strings.Contains(token, "]"):
		return "##[" + token + "]\n"
	}
	return ""
}

// Restore is the line that undoes Resume, for as long as the command goes on.
func (s *StopCommands) Restore() string {
	if s.Resume() == "" {
		return ""
	}
	return "::stop-commands::" + escapeData.Replace(s.current()) + "\n"
}

var escapeData = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")

func (s *StopCommands) current() string {
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// StopStream is shown the bytes of one stream.
type StopStream struct {
	stops *StopCommands
	line  []byte // the unfinished line
	skip  bool   // the unfinished line is too long
}

// Write looks at the next bytes. Its error is always nil.
func (s *StopStream) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		// Most output holds no command at all: then only its last,
		// unfinished line counts.
		if len(s.line) == 0 && !mayHold(p) {
			if end := max(bytes.LastIndexByte(p, '\n'), bytes.LastIndexByte(p, '\r')); end >= 0 {
				p, s.skip = p[end+1:], false
			}
			s.keep(p)
			break
		}
		end := lineEnd(p)
		if end < 0 {
			s.keep(p)
			break
		}
		line := p[:end]
		if len(s.line) > 0 || s.skip {
			s.keep(line)
			line = s.line
		}
		if !s.skip && len(line) <= maxStopLine && isCommand(line) {
			s.stops.see(string(line))
		}
		s.line, s.skip = s.line[:0], false
		p = p[end+1:]
	}
	return n, nil
}

// mayHold tells whether a command can begin in p.
func mayHold(p []byte) bool {
	return bytes.Contains(p, []byte("::")) || bytes.Contains(p, []byte("##["))
}

// isCommand tells whether a line can be a command. The names of tests hold "::"
// in many frameworks, so this is asked of nearly every line.
func isCommand(line []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeftFunc(line, unicode.IsSpace), []byte("::")) || bytes.Contains(line, []byte("##["))
}

// lineEnd finds the end of the first line as the runner does, which takes a
// carriage return for one as well; -1 when there is none. It looks at parts that
// become larger, so that one of the two is not searched for far behind the
// other.
func lineEnd(p []byte) int {
	for from, size := 0, 128; from < len(p); from, size = from+size, 2*size {
		part := p[from:min(len(p), from+size)]
		n := bytes.IndexByte(part, '\n')
		if n >= 0 {
			part = part[:n]
		}
		if r := bytes.IndexByte(part, '\r'); r >= 0 {
			n = r
		}
		if n >= 0 {
			return from + n
		}
	}
	return -1
}

func (s *StopStream) keep(part []byte) {
	if s.skip || len(s.line)+len(part) > maxStopLine {
		s.line, s.skip = s.line[:0], true
		return
	}
	s.line = append(s.line, part...)
}

// see changes the state by one line.
func (s *StopCommands) see(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, data, ok := parseCommand(line, s.token)
	switch {
	case !ok:
	case s.token != "":
		if strings.EqualFold(name, s.token) {
			s.token = ""
		}
	case strings.EqualFold(name, "stop-commands"):
		// The runner refuses its own commands and a few words as a token.
		if lower := strings.ToLower(data); !commands[lower] && lower != "pause-logging" {
			s.token = data
		}
	}
}

// commands are the names that the runner knows.
var commands = map[string]bool{
	"stop-commands": true, "set-env": true, "set-output": true, "save-state": true, "add-mask": true, "add-path": true,
	"add-matcher": true, "remove-matcher": true, "debug": true, "warning": true, "error": true, "notice": true,
	"group": true, "endgroup": true, "echo": true,
}

// parseCommand reads "::name properties::data" and, where a line is none,
// "##[name properties]data" anywhere in it, as Runner.Common/ActionCommand.cs
// does. Only a name that the runner knows, or the token, makes a command.
func parseCommand(line, token string) (name, data string, ok bool) {
	known := func(info string) bool {
		name, _, _ = strings.Cut(info, " ")
		return commands[strings.ToLower(name)] || token != "" && strings.EqualFold(name, token)
	}
	if rest, is := strings.CutPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::"); is {
		if info, data, is := strings.Cut(rest, "::"); is && known(info) {
			return name, unescapeData.Replace(data), true
		}
	}
	if _, rest, is := strings.Cut(line, "##["); is {
		if info, data, is := strings.Cut(rest, "]"); is && known(info) {
			return name, unescapeLegacy.Replace(data), true
		}
	}
	return "", "", false
}

var (
	unescapeData   = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%")
	unescapeLegacy = strings.NewReplacer("%3B", ";", "%0D", "\r", "%0A", "\n", "%5D", "]", "%25", "%")
)
