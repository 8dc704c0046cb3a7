package testlog

import "strings"

const vitestName = "vitest"

// The lines of Vitest's default and verbose reporters: files and tests when
// they are over. "stdout | FILE > …" says that a file runs, not that the test
// which printed still does.
func init() {
	register(framework{
		name:   vitestName,
		starts: []string{"Test Files ", "✓ ", "❯ ", "× ", "stdout | ", "stderr | "},
		parser: func(s *Scanner) parser { return &vitest{base{s}} },
	})
	message(
		rule{"Error: Worker exited unexpectedly", Message{Kind: workerKilled, Runtime: vitestName}, nil},
		rule{"Error: Channel closed", Message{Kind: workerKilled, Runtime: vitestName}, nil},
		rule{"emitted error.", Message{Kind: workerKilled, Runtime: vitestName}, vitestPool},
		rule{"Error: Test timed out in ", Message{Kind: timedOut, Runtime: vitestName, Statuses: []int{1}}, nil},
	)
}

type vitest struct{ base }

func (v *vitest) line(l line) bool {
	if rest, ok := strings.CutPrefix(strings.TrimLeft(l.text, " "), "Test Files "); ok {
		v.summary(rest)
		return false
	}
	mark, rest, _ := strings.Cut(strings.TrimLeft(l.text, " "), " ")
	switch mark {
	case "stdout", "stderr":
		rest = strings.TrimPrefix(rest, "| ")
	case "✓", "❯", "×":
	default:
		return false
	}
	rest = projectless(strings.TrimLeft(rest, " "))
	file, names, isTest := strings.Cut(rest, " > ")
	file, _, _ = strings.Cut(file, " ")
	if !script(file) {
		return false
	}
	e := Event{ID: file, Framework: vitestName, File: file}
	if mark == "stdout" || mark == "stderr" {
		e.Certainty = possible
		v.s.start(e)
		return false
	}
	if mark == "❯" && !strings.Contains(rest, " failed") && !strings.Contains(rest, "ms") {
		return false // a stack frame, or a file that is still running
	}
	if isTest {
		e.ID = file + " > " + untimed(names)
	}
	e.Outcome = passed
	if mark != "✓" {
		e.Outcome = failed
	}
	v.s.finish(e)
	return false
}

// summary reads "Test Files  1 failed | 1 passed (2)". When fewer files have
// an outcome than there are, those left were lost with their worker.
func (v *vitest) summary(text string) {
	counts, total, ok := strings.Cut(text, " (")
	all, ok2 := small(total)
	sum := 0
	for part := range strings.SplitSeq(counts, "|") {
		n, _ := small(strings.TrimSpace(part))
		sum += n
	}
	if !ok || !ok2 || sum != all {
		return
	}
	for _, e := range v.s.running.of(vitestName, "") {
		v.s.finish(e)
	}
}

// projectless cuts "|project| ".
func projectless(text string) string {
	if rest, ok := strings.CutPrefix(text, "|"); ok {
		if _, path, ok := strings.Cut(rest, "| "); ok {
			return path
		}
	}
	return text
}

// untimed cuts the duration behind a name: " 301ms", " 2.1s".
func untimed(text string) string {
	text = strings.TrimRight(text, " ")
	i := strings.LastIndexByte(text, ' ')
	if i < 0 {
		return text
	}
	took := strings.TrimSuffix(strings.TrimSuffix(text[i+1:], "s"), "m")
	if took != text[i+1:] && took != "" && strings.Trim(took, "0123456789.") == "" {
		return strings.TrimRight(text[:i], " ")
	}
	return text
}

func vitestPool(_ *Scanner, text string, _ *Message) bool {
	return strings.Contains(text, "[vitest-pool")
}
