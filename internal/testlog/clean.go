package testlog

import (
	"bytes"
	"strings"
)

// split gives the lines that a raw line shows on a screen: cut at carriage
// returns, without escape sequences, control characters and log prefixes.
// Empty ones are left out.
func split(raw []byte) []string {
	raw = bytes.TrimRight(raw, "\r")
	var lines []string
	for {
		part, rest, more := bytes.Cut(raw, []byte{'\r'})
		if text := clean(part); text != "" {
			lines = append(lines, text)
		}
		if !more {
			return lines
		}
		raw = rest
	}
}

func clean(raw []byte) string {
	for _, c := range raw {
		if control(c) {
			raw = printable(raw)
			break
		}
	}
	return string(prefixless(raw))
}

func control(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }

// printable leaves out control characters and the escape sequences of
// ECMA-48: CSI (ESC [ … final byte), OSC (ESC ] … BEL or ST) and the two-byte
// ones.
func printable(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '\x1b':
			i += escape(raw[i:])
		case control(c):
			i++
		default:
			out = append(out, c)
			i++
		}
	}
	return out
}

// escape is the length of the escape sequence that seq begins with.
func escape(seq []byte) int {
	if len(seq) < 2 {
		return len(seq)
	}
	switch seq[1] {
	case '[':
		for i := 2; i < len(seq); i++ {
			if seq[i] >= 0x40 && seq[i] <= 0x7e {
				return i + 1
			}
		}
		return len(seq)
	case ']':
		for i := 2; i < len(seq); i++ {
			if seq[i] == '\a' {
				return i + 1
			}
			if seq[i] == '\x1b' {
				return i
			}
		}
		return len(seq)
	}
	return 2
}

// prefixless cuts off what collectors put before a line: the time in a log of
// GitHub Actions ("2022-12-01T10:11:12.1234567Z "), the service in that of
// Docker Compose ("web-1  | ").
func prefixless(b []byte) []byte {
	if len(b) > 20 && b[4] == '-' && b[10] == 'T' && digit(b[0]) && digit(b[3]) {
		if i := bytes.IndexByte(b[:min(len(b), 36)], ' '); i > 0 && b[i-1] == 'Z' {
			b = b[i+1:]
		}
	}
	bar := bytes.IndexByte(b[:min(len(b), 48)], '|')
	if bar < 2 || b[bar-1] != ' ' || bar+1 < len(b) && b[bar+1] != ' ' {
		return b
	}
	name := bytes.TrimRight(b[:bar], " ")
	if len(name) == 0 || bytes.ContainsAny(name, " \t:.") || string(name) == "stdout" || string(name) == "stderr" {
		return b
	}
	return b[min(bar+2, len(b)):]
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// deaths are the words that a shell prints when a process of its was ended by
// a signal (strsignal(3)), with that signal.
var deaths = []struct{ words, signal string }{
	{"Killed", "SIGKILL"},
	{"Terminated", "SIGTERM"},
	{"Aborted", "SIGABRT"},
}

// unglued cuts a shell's last words from the end of a line that had not ended
// when they came: "name bash: line 1: 17596 Killed   cmd" is "name ".
func unglued(text string) string {
	for _, d := range deaths {
		i := strings.LastIndex(text, d.words)
		if i < 0 {
			continue
		}
		if rest := text[i+len(d.words):]; rest == "" || rest == " (core dumped)" {
			if before, ok := beforeShell(text[:i]); ok {
				return before
			}
			return text[:i]
		}
		if before, ok := beforeShell(text[:i]); ok {
			return before
		}
	}
	return text
}

// beforeShell cuts "FILE: line N: PID " from the end.
func beforeShell(text string) (string, bool) {
	t := strings.TrimRight(text, " ")
	t = strings.TrimRight(t, "0123456789")
	t = strings.TrimRight(t, " ")
	t, ok := strings.CutSuffix(t, ":")
	if !ok {
		return text, false
	}
	t = strings.TrimRight(t, "0123456789")
	t, ok = strings.CutSuffix(t, ": line ")
	if !ok {
		return text, false
	}
	return t[:strings.LastIndexByte(t, ' ')+1], true
}
