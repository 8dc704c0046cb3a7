package annotate

import (
	"errors"
	"fmt"
	"strings"
)

// What the runner does with what it is given, for the tests: written from the
// grammar in Runner.Worker/FileCommandManager.cs and
// Runner.Common/ActionCommand.cs.

type pair struct{ name, value string }

// readPairs reads a file of outputs, environment or state. Like the runner it
// stops at the first mistake.
func readPairs(text string) ([]pair, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	var pairs []pair
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if line == "" {
			continue
		}
		equals, here := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case equals >= 0 && (here < 0 || equals < here):
			name, value, _ := strings.Cut(line, "=")
			if name == "" {
				return pairs, errors.New("empty name")
			}
			pairs = append(pairs, pair{name, value})
		case here >= 0:
			name, end, _ := strings.Cut(line, "<<")
			if name == "" || end == "" {
				return pairs, fmt.Errorf("bad format %q", line)
			}
			var lines []string
			for {
				if text == "" {
					return pairs, fmt.Errorf("no delimiter %q", end)
				}
				var part string
				part, text, _ = strings.Cut(text, "\n")
				if part == end {
					break
				}
				lines = append(lines, part)
			}
			pairs = append(pairs, pair{name, strings.Join(lines, "\n")})
		default:
			return pairs, fmt.Errorf("bad format %q", line)
		}
	}
	return pairs, nil
}

// runnerState takes the lines of a step's output.
type runnerState struct {
	token    string
	commands []runnerCommand
}

type runnerCommand struct {
	name, data string
	properties map[string]string
}

func (s *runnerState) takes(text string) {
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		s.line(line)
	}
}

func (s *runnerState) line(line string) {
	registered := func(name string) bool {
		name = strings.ToLower(name)
		for _, n := range strings.Fields("stop-commands set-env set-output save-state add-mask add-path add-matcher remove-matcher debug warning error notice group endgroup echo") {
			if n == name {
				return true
			}
		}
		return s.token != "" && strings.EqualFold(name, s.token)
	}
	var c runnerCommand
	found := false
	if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "::") {
		start := strings.Index(line, "::")
		if end := strings.Index(line[start+2:], "::"); end >= 0 {
			info := line[start+2 : start+2+end]
			name, properties, _ := strings.Cut(info, " ")
			if registered(name) {
				found = true
				c = runnerCommand{name, undo(line[start+2+end+2:], "%0D", "\r", "%0A", "\n", "%25", "%"), map[string]string{}}
				for _, p := range strings.Split(properties, ",") {
					if k, v, ok := strings.Cut(p, "="); ok && k != "" && v != "" {
						c.properties[k] = undo(v, "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
					}
				}
			}
		}
	}
	if start := strings.Index(line, "##["); !found && start >= 0 {
		if end := strings.Index(line[start:], "]"); end >= 0 {
			name, _, _ := strings.Cut(line[start+3:start+end], " ")
			if registered(name) {
				found = true
				c = runnerCommand{name: name, data: undo(line[start+end+1:], "%3B", ";", "%0D", "\r", "%0A", "\n", "%5D", "]", "%25", "%")}
			}
		}
	}
	switch {
	case !found:
	case s.token != "":
		if strings.EqualFold(c.name, s.token) {
			s.token = ""
		}
	case strings.EqualFold(c.name, "stop-commands"):
		if c.data != "" && !registered(c.data) && !strings.EqualFold(c.data, "pause-logging") {
			s.token = c.data
		}
	default:
		s.commands = append(s.commands, c)
	}
}

// undo replaces one after the other, as the runner does.
func undo(s string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, pairs[i], pairs[i+1])
	}
	return s
}
