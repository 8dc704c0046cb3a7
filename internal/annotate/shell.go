package annotate

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/org/oom143-action/internal/diagnose"
)

// tryAtHome is the command that runs the likeliest test again under the same
// limit, in an image of the reader's (the record does not tell which); "" where memory is not what the verdict is about, or where there is
// nothing to run again.
func tryAtHome(rep *Report) string {
	if !rep.aboutMemory() || rep.Command == nil || len(rep.Command.Argv) == 0 || rep.Memory == nil || rep.Memory.Limit == 0 {
		return ""
	}
	words := rerun(rep.likeliest(), rep.Command.Argv)
	if words == nil {
		return ""
	}
	line := quoteAll(words)
	if rep.extra.script {
		line = quote(strings.Join(words, " "))
	}
	if rep.Cause == string(diagnose.HeapLimit) { // whose limit is not the one of the run
		if rep.extra.script {
			return "oom143 run --script " + line
		}
		return "oom143 run -- " + line
	}
	if rep.extra.script {
		line = "sh -ec " + line
	}
	size := diagnose.DockerSize(rep.Memory.Limit)
	return fmt.Sprintf(`docker run --rm --memory=%s --memory-swap=%[1]s -v "$PWD:$PWD" -w "$PWD" IMAGE %s`, size, line)
}

// maxArgument bounds a test's id in a command that people copy.
const maxArgument = 400

// rerun gives the framework's own command for one test, and the whole command
// where it has none that is known. It is nil where words of the command were
// left out of the record or cannot be shown as they are.
func rerun(t *RunningTest, argv []string) []string {
	if t != nil && len(t.ID) <= maxArgument && t.ID == oneLine(t.ID) {
		if words := oneTest(t, argv[0]); words != nil {
			return words
		}
	}
	for _, w := range argv {
		if w != oneLine(w) || strings.ContainsRune(w, '…') || strings.Contains(w, "***") {
			return nil
		}
	}
	return argv
}

func oneTest(t *RunningTest, program string) []string {
	switch strings.ToLower(t.framework) {
	case "pytest":
		return []string{"pytest", t.ID}
	case "unittest":
		return []string{"python3", "-m", "unittest", t.ID}
	case "go test":
		return goTest(t.ID, program)
	case "jest":
		return byFile(t.ID, "npx", "jest")
	case "vitest":
		return byFile(t.ID, "npx", "vitest", "run")
	case "rspec":
		return []string{"bundle", "exec", "rspec", t.ID}
	}
	return nil
}

// goName finds where the function's name begins in example.com/pkg.TestX/sub.
var goName = pattern(`^(?:(.+?)\.)?((?:Test|Fuzz|Example|Benchmark)[^./]*(?:/.*)?)$`)

// goTest anchors each part of a test's name (go help testflag, -run).
func goTest(id, program string) []string {
	m := goName().FindStringSubmatch(id)
	if m == nil {
		return nil
	}
	parts := strings.Split(m[2], "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	pattern := strings.Join(parts, "/")
	switch {
	case strings.HasSuffix(program, ".test"):
		return []string{program, "-test.run", pattern}
	case m[1] != "":
		return []string{"go", "test", "-count=1", "-run", pattern, m[1]}
	}
	return []string{"go", "test", "-count=1", "-run", pattern, "./..."}
}

// byFile runs "src/a.test.js > suite > name" by its file and a pattern for its
// full name, in which the parts are joined by blanks.
func byFile(id string, words ...string) []string {
	parts := strings.Split(id, " > ")
	words = append(words, parts[0])
	if len(parts) > 1 {
		words = append(words, "-t", regexp.QuoteMeta(strings.Join(parts[1:], " "))+"$")
	}
	return words
}

// plainWord are the words that a POSIX shell takes as they are.
var plainWord = pattern(`^[A-Za-z0-9_@%+=:,./^-]+$`)

// quote writes a word for a POSIX shell.
func quote(word string) string {
	if plainWord().MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return strings.Join(quoted, " ")
}
