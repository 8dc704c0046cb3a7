package record

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// MaxCommandLine is the length in characters at which command lines are cut.
const MaxCommandLine = 200

// The patterns are compiled when first used: most runs that end well start a
// process for each test file and never need them in the first millisecond.
var (
	// assigned finds "--token=x", "password: x", "API_KEY=x".
	assigned = pattern(`(?i)([a-z0-9_.-]*(?:password|passwd|token|secret|key)["']?\s*[=:]\s*)("[^"]*"?|'[^']*'?|[^\s"']+)`)
	// flagged finds "--secret x".
	flagged = pattern(`(?i)((?:^|\s)-[a-z0-9_.-]*(?:password|passwd|token|secret|key)\s+)("[^"]*"?|'[^']*'?|[^\s"']+)`)
	// userPass finds the "user:pass@" of an address; the user may be empty.
	userPass = pattern(`([^\s/:@]*):([^\s/@]+)@`)
	// secretFlag is a flag whose value is the next word.
	secretFlag = pattern(`(?i)^-[a-z0-9_.-]*(?:password|passwd|token|secret|key)$`)
)

func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// CommandLine gives the command line argv as oom143 may write it down: on one
// line, with secrets blanked and cut at [MaxCommandLine] characters.
func CommandLine(argv []string) string {
	return Cut(Redact(strings.Join(argv, " ")), MaxCommandLine)
}

// Redact blanks in s what follows password, token, key or secret, and the
// password in "user:pass@".
func Redact(s string) string {
	s = assigned().ReplaceAllString(s, "${1}***")
	s = flagged().ReplaceAllString(s, "${1}***")
	return userPass().ReplaceAllString(s, "${1}:***@")
}

// Argv gives argv word by word as oom143 may write it down, with secrets
// blanked, also where the secret is the word after its name. It is cut where
// the words together pass [MaxCommandLine] characters.
func Argv(argv []string) []string {
	out := make([]string, 0, len(argv))
	left := MaxCommandLine
	secret := false
	for _, word := range argv {
		clean := Redact(word)
		if secret {
			clean = "***"
		}
		secret = secretFlag().MatchString(word)
		clean = Cut(clean, left)
		out = append(out, clean)
		if left -= utf8.RuneCountInString(clean) + 1; left <= 0 {
			break
		}
	}
	return out
}

// Cut gives s on one line of valid UTF-8 without control characters, cut at
// max characters; the last one is then "…".
func Cut(s string, max int) string {
	if max <= 0 {
		return ""
	}
	var b strings.Builder
	n, beforeLast := 0, 0
	for _, r := range s { // a byte that is no UTF-8 comes as U+FFFD
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			r = ' '
		}
		if n == max {
			return b.String()[:beforeLast] + "…"
		}
		if n == max-1 {
			beforeLast = b.Len()
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
