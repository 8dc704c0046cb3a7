package annotate

import "strings"

// prose escapes data for running text in Markdown: no markup, HTML, link,
// table cell, formula or mention comes of it. A zero-width space behind "@"
// keeps GitHub from making a mention of what follows.
func prose(s string) string {
	s = oneLine(s)
	var b strings.Builder
	for i, r := range s {
		switch r {
		case '_':
			// Between letters it is no markup (CommonMark 0.31.2, 6.2).
			if !wordAt(s, i-1) || !wordAt(s, i+1) {
				b.WriteByte('\\')
			}
		case '\\', '`', '*', '[', ']', '~', '|', '#', '>':
			b.WriteByte('\\')
		case '<', '&', '$':
			b.WriteString(entity[r])
			continue
		case ':', '.':
			if strings.HasPrefix(s[i:], "://") || i >= 3 && strings.EqualFold(s[i-3:i], "www") {
				b.WriteString(entity[r])
				continue
			}
		case '@':
			b.WriteString("@\u200b")
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

var entity = map[rune]string{'<': "&lt;", '&': "&amp;", '$': "&#36;", ':': "&#58;", '.': "&#46;"}

// wordAt tells whether an ASCII letter or digit stands at i.
func wordAt(s string, i int) bool {
	return i >= 0 && i < len(s) && (s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || s[i] >= '0' && s[i] <= '9')
}

// proseWithCode is prose in which what stands between backticks is code. It is
// safe for data too: both parts are escaped.
func proseWithCode(s string) string {
	parts := strings.Split(oneLine(s), "`")
	if len(parts)%2 == 0 {
		return prose(s)
	}
	var b strings.Builder
	for i, part := range parts {
		if i%2 == 0 {
			b.WriteString(prose(part))
		} else {
			b.WriteString(code(part, maxIDShown))
		}
	}
	return b.String()
}

// code gives data as code within a line, also in a table. It is cut at max
// characters.
func code(s string, max int) string {
	s = strings.TrimSpace(short(s, max))
	switch {
	case s == "":
		return ""
	case strings.ContainsAny(s, "`|"):
		// A table splits at "|" even within backticks, hence HTML.
		return "<code>" + codeEscapes.Replace(s) + "</code>"
	}
	return "`" + s + "`"
}

var codeEscapes = strings.NewReplacer(
	"`", "&#96;", "|", "&#124;", `\`, "&#92;", "*", "&#42;", "_", "&#95;", "[", "&#91;", "]", "&#93;", "~", "&#126;",
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "$", "&#36;", "@", "&#64;", "://", "&#58;//", "www.", "www&#46;",
)

// block gives one line as a block of code.
func block(language, line string) string {
	fence := "```"
	for strings.Contains(line, fence) {
		fence += "`"
	}
	return fence + language + "\n" + oneLine(line) + "\n" + fence + "\n"
}

// table writes rows of cells that are Markdown already. Cells that are empty
// in every row have no column.
func table(head []string, rows [][]string) string {
	var b strings.Builder
	used := make([]bool, len(head))
	for i := range head {
		for _, row := range rows {
			used[i] = used[i] || row[i] != ""
		}
	}
	line := func(cells []string) {
		b.WriteString("|")
		for i, cell := range cells {
			if used[i] {
				b.WriteString(" " + cell + " |")
			}
		}
		b.WriteString("\n")
	}
	line(head)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = ":---"
	}
	line(rule)
	for _, row := range rows {
		line(row)
	}
	return b.String()
}
