package annotate

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// pattern gives an expression that is compiled when it is first used: most runs
// end well and need none.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// oneLine gives s on one line without anything that a screen would not show as
// it stands: control characters, invalid UTF-8, and the marks that change the
// direction of writing (https://trojansource.codes).
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, r), r == '\ufeff':
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// short gives s on one line of at most max characters; the last one is "…"
// where s was longer.
func short(s string, max int) string {
	// A character has at most four bytes: what lies beyond is not looked at.
	if len(s) > 4*(max+1) {
		s = s[:4*(max+1)]
	}
	s = oneLine(s)
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	n := 0
	for i := range s {
		if n == max-1 {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// cutBytes cuts s to at most max bytes at the end of a character; the last one
// is "…" where s was longer.
func cutBytes(s string, max int) string {
	if len(s) <= max {
		return s
	}
	n := max - len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// size writes bytes as the headline does: decimal, as runners are told apart by
// their size.
func size(n uint64) string {
	b := float64(n)
	switch {
	case b >= 999.5e6:
		return fmt.Sprintf("%.1f GB", b/1e9)
	case b >= 999.5e3:
		return fmt.Sprintf("%.0f MB", b/1e6)
	case b >= 1000:
		return fmt.Sprintf("%.0f kB", b/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}

// limitSize adds to a limit how people wrote it, where that is not the same:
// "537 MB (512 MiB)".
func limitSize(n uint64) string {
	if n%(1<<20) == 0 && n%1e6 != 0 {
		return size(n) + " (" + humanize.IBytes(n) + ")"
	}
	return size(n)
}

// gained writes a change of memory with its sign.
func gained(n int64) string {
	if n < 0 {
		return "-" + size(uint64(-n))
	}
	return "+" + size(uint64(n))
}

// percent leaves the decimal out where it says nothing.
func percent(p float64) string {
	if p == math.Trunc(p) || p >= 100 {
		return fmt.Sprintf("%.0f %%", p)
	}
	return fmt.Sprintf("%.1f %%", p)
}

// span writes a duration as people say it: "0.3 s", "42 s", "1 min 21 s",
// "2 h 5 min".
func span(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
}

func spanMS(ms int64) string { return span(time.Duration(ms) * time.Millisecond) }

// clock is the time of day in UTC, as the runner's log has it.
func clock(t Time) string { return t.UTC().Format("15:04:05.000") }
