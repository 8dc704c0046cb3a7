package annotate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"
)

// CommandFiles are the variables that name a file through which a step speaks
// to the runner. The command gets a file of its own for each.
var CommandFiles = []string{"GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"}

// maxHandover bounds what is read of a file that the command wrote, in bytes:
// the outputs of a job may be 1 MB, and a step's summary 1 MiB.
const maxHandover = 2 << 20

// WellFormed gives the entries of a file that the command wrote which the
// runner takes, in their order, each ended by a newline. Kind is the variable
// that names the file. Killed says that the command did not end by itself: then
// a last line without a newline was cut off, and is left out.
//
// The runner gives up a whole file at the first line that it cannot read
// (Runner.Worker/FileCommandManager.cs). So these are left out: lines that are
// neither NAME=VALUE nor NAME<<DELIMITER, entries without a name, a value whose
// delimiter never comes, bytes that are no UTF-8 in a name, and outputs that
// have a name of oom143's own. What the runner refuses alone, with words of its
// own, is passed on to it (NODE_OPTIONS). A summary passes as it is, within the
// runner's limit, and a code block or a comment that it leaves open is closed.
func WellFormed(kind string, content []byte, killed bool) []byte {
	whole, _ := wellFormed(kind, content, killed)
	return whole
}

func wellFormed(kind string, content []byte, killed bool) (whole []byte, left string) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	switch kind {
	case "GITHUB_STEP_SUMMARY":
		return wellFormedSummary(content), ""
	case "GITHUB_PATH":
		return wellFormedPath(content, killed)
	}
	return wellFormedPairs(kind, content, killed)
}

func wellFormedPairs(kind string, content []byte, killed bool) (whole []byte, left string) {
	leave := func(line []byte) {
		if left == "" {
			left = short(string(line), 80)
		}
	}
	for len(content) > 0 {
		line, rest, ended := bytes.Cut(content, []byte{'\n'})
		name, end, heredoc := splitEntry(line)
		entry := line
		bad := !ended && killed || !goodName(kind, name)
		if heredoc {
			var found bool
			if entry, rest, found = heredocEntry(content, end); !found {
				leave(line) // all that follows is part of the value
				return whole, left
			}
			bad = !goodName(kind, name)
		}
		switch {
		case len(line) == 0:
		case bad:
			leave(line)
		default:
			whole = append(append(whole, entry...), '\n')
		}
		content = rest
	}
	return whole, left
}

// splitEntry reads the first line of an entry: what comes first of "=" and
// "<<" decides.
func splitEntry(line []byte) (name, end []byte, heredoc bool) {
	equals, here := bytes.IndexByte(line, '='), bytes.Index(line, []byte("<<"))
	switch {
	case here >= 0 && (equals < 0 || here < equals):
		if name, end = line[:here], line[here+2:]; len(end) == 0 {
			return nil, nil, false
		}
		return name, end, true
	case equals >= 0:
		return line[:equals], nil, false
	}
	return nil, nil, false
}

// heredocEntry gives the entry that content begins with, up to the line that
// is the delimiter, without a newline behind it.
func heredocEntry(content, end []byte) (entry, rest []byte, found bool) {
	at := bytes.IndexByte(content, '\n')
	for at >= 0 {
		line, after, more := bytes.Cut(content[at+1:], []byte{'\n'})
		if bytes.Equal(line, end) {
			return content[:at+1+len(line)], after, true
		}
		if !more {
			break
		}
		at += 1 + len(line)
	}
	return nil, nil, false
}

func goodName(kind string, name []byte) bool {
	if len(name) == 0 || !utf8.Valid(name) || bytes.HasPrefix(name, []byte("\ufeff")) {
		return false
	}
	return kind != "GITHUB_OUTPUT" || !slices.ContainsFunc(outputNames, func(own string) bool {
		return strings.EqualFold(own, string(name))
	})
}

// wellFormedPath reads a file of one path a line, as .NET's File.ReadAllLines
// splits it.
func wellFormedPath(content []byte, killed bool) (whole []byte, left string) {
	for len(content) > 0 {
		end := lineEnd(content)
		if end < 0 && killed {
			return whole, short(string(content), 80)
		}
		line := content
		if content = nil; end >= 0 {
			line, content = line[:end], line[end+1:]
		}
		switch {
		case len(line) == 0:
		case !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0:
			if left == "" {
				left = short(string(line), 80)
			}
		default:
			whole = append(append(whole, line...), '\n')
		}
	}
	return whole, left
}

func wellFormedSummary(content []byte) []byte {
	if len(bytes.TrimSpace(content)) == 0 {
		return nil
	}
	const room = 64 // for what closes an open block
	whole := content
	if len(whole) > maxSummary-room {
		whole = whole[:maxSummary-room]
		for len(whole) > 0 && !utf8.RuneStart(content[len(whole)]) {
			whole = whole[:len(whole)-1]
		}
	}
	whole = append(slices.Clone(whole), closing(whole)...)
	if whole[len(whole)-1] != '\n' {
		whole = append(whole, '\n')
	}
	return whole
}

// closing is what ends a fenced code block or an HTML comment that is still
// open at the end of a Markdown text
// (https://spec.commonmark.org/0.31.2/#fenced-code-blocks, #html-blocks).
func closing(text []byte) string {
	fence, comment := "", false
	for line := range bytes.Lines(text) {
		indent := len(line) - len(bytes.TrimLeft(line, " "))
		mark := fenceOf(line[indent:])
		switch {
		case comment:
			comment = !bytes.Contains(line, []byte("-->"))
		case fence != "":
			if indent < 4 && len(mark) >= len(fence) && mark[0] == fence[0] && len(bytes.TrimSpace(line[indent+len(mark):])) == 0 {
				fence = ""
			}
		case indent < 4 && mark != "":
			fence = mark
		default:
			_, after, open := bytes.Cut(line, []byte("<!--"))
			comment = open && !bytes.Contains(after, []byte("-->"))
		}
	}
	switch {
	case comment:
		return "\n-->\n"
	case fence != "":
		return "\n" + fence[:min(len(fence), 40)] + "\n"
	}
	return ""
}

// fenceOf is the run of three or more backticks or tildes at the beginning of
// a line, "" when there is none that opens or closes a block.
func fenceOf(line []byte) string {
	if len(line) == 0 || line[0] != '`' && line[0] != '~' {
		return ""
	}
	n := len(line) - len(bytes.TrimLeft(line, string(line[:1])))
	if n < 3 || line[0] == '`' && bytes.IndexByte(line[n:], '`') >= 0 {
		return ""
	}
	return string(line[:n])
}

// HandOver appends what is well formed in the file from, which the command
// wrote, to the runner's own file to. Kind is the variable that names them;
// killed is as in [WellFormed]. The error also says when something was left
// out. A summary is handed over by [SummaryFile.HandOver] instead.
func HandOver(kind, from, to string, killed bool) error {
	content, err := readSome(from)
	if err != nil {
		return fmt.Errorf("what the command wrote to %s could not be read: %w", kind, err)
	}
	if len(content) > maxHandover {
		content, killed = content[:maxHandover], true
	}
	whole, left := wellFormed(kind, content, killed)
	if len(whole) > 0 {
		if err := appendTo(kind, to, whole); err != nil {
			return fmt.Errorf("what the command wrote to %s could not be handed on: %w", kind, err)
		}
	}
	if left != "" {
		return fmt.Errorf("%q, which the command wrote to %s, was left out: %s", left, kind, expected(kind))
	}
	return nil
}

func expected(kind string) string {
	switch kind {
	case "GITHUB_PATH":
		return "each whole line is a path"
	case "GITHUB_OUTPUT":
		return "an entry is a whole line NAME=VALUE, or NAME<<DELIMITER and lines up to that delimiter, with a name that is not one of oom143's outputs"
	}
	return "an entry is a whole line NAME=VALUE, or NAME<<DELIMITER and lines up to that delimiter"
}

// readSome reads a file up to one byte more than maxHandover; a file that is
// gone is empty. The command may have put anything in the file's place: what is
// no regular file is neither followed nor waited for.
func readSome(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is not a regular file", path))
	}
	return io.ReadAll(io.LimitReader(f, maxHandover+1))
}
