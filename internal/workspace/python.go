package workspace

import (
	"bytes"
	"path"
	"strings"
)

// pytest finds "tests/test_a.py::TestC::test_x[1]", or the file alone.
func pytest(l *lookup) place {
	file, names, _ := strings.Cut(l.id, "::")
	found := l.file
	if found == "" {
		found, _ = l.resolve(file)
	}
	if found == "" {
		return place{}
	}
	names, _, _ = strings.Cut(names, "[")
	if names == "" || path.Ext(found) != ".py" {
		return place{file: found}
	}
	return place{found, pythonLine(l.read(found), strings.Split(names, "::"))}
}

// unittest finds "package.module.Class.test_x". The module's file is the only
// one that ends with its path.
func unittest(l *lookup) place {
	parts := strings.Split(l.id, ".")
	if len(parts) < 3 {
		return place{}
	}
	names := parts[len(parts)-2:]
	file := l.file
	if file == "" {
		file, _ = l.resolve(strings.Join(parts[:len(parts)-2], "/") + ".py")
	}
	if file == "" {
		return place{}
	}
	return place{file, pythonLine(l.read(file), names)}
}

// pythonLine finds the only definition of a function in the classes around
// it; 0 when there is none or more than one.
func pythonLine(src []byte, names []string) int {
	var classes []pythonBlock
	found, n := 0, 0
	code := pythonCode{src: src}
	for code.next() {
		for len(classes) > 0 && classes[len(classes)-1].indent >= code.indent {
			classes = classes[:len(classes)-1]
		}
		kind, name := pythonDef(code.text)
		if kind == "" {
			continue
		}
		if kind == "def" && within(classes, name, names) {
			found, n = code.line, n+1
		}
		classes = append(classes, pythonBlock{kind, name, code.indent})
	}
	if n != 1 {
		return 0
	}
	return found
}

// pythonBlock is a class or function that is open.
type pythonBlock struct {
	kind, name string
	indent     int
}

// within tells whether the open blocks and the function's name are the names.
func within(open []pythonBlock, name string, names []string) bool {
	if len(names) != len(open)+1 || names[len(open)] != name {
		return false
	}
	for i, b := range open {
		if b.kind != "class" || b.name != names[i] {
			return false
		}
	}
	return true
}

// pythonDef reads "def name(", "async def name(" and "class Name".
func pythonDef(text string) (kind, name string) {
	text = strings.TrimPrefix(text, "async ")
	for _, kind := range []string{"def", "class"} {
		rest, ok := strings.CutPrefix(text, kind+" ")
		if !ok {
			continue
		}
		rest = strings.TrimLeft(rest, " ")
		if end := strings.IndexAny(rest, "(:[ "); end > 0 {
			return kind, rest[:end]
		}
	}
	return "", ""
}

// pythonCode goes through the logical beginnings of lines: not through the
// inside of strings in three quotes, which may hold code.
type pythonCode struct {
	src    []byte
	line   int
	indent int
	text   string
	quotes string // the three quotes that are open
}

func (c *pythonCode) next() bool {
	for len(c.src) > 0 {
		raw, rest, _ := bytes.Cut(c.src, []byte{'\n'})
		c.src = rest
		c.line++
		inside := c.quotes != ""
		c.scan(string(raw))
		if inside {
			continue
		}
		trimmed := bytes.TrimLeft(raw, " \t")
		if len(trimmed) == 0 || trimmed[0] == '#' || trimmed[0] == '\r' {
			continue
		}
		c.indent = indentation(raw[:len(raw)-len(trimmed)])
		c.text = string(trimmed)
		return true
	}
	return false
}

// indentation counts columns with tabs at every eighth
// (https://docs.python.org/3/reference/lexical_analysis.html#indentation).
func indentation(blanks []byte) int {
	n := 0
	for _, c := range blanks {
		if c == '\t' {
			n += 8 - n%8
		} else {
			n++
		}
	}
	return n
}

// scan follows the quotes of a line.
func (c *pythonCode) scan(line string) {
	for i := 0; i < len(line); i++ {
		switch {
		case c.quotes != "":
			if line[i] == '\\' {
				i++
			} else if strings.HasPrefix(line[i:], c.quotes) {
				i += 2
				c.quotes = ""
			}
		case line[i] == '#':
			return
		case strings.HasPrefix(line[i:], `"""`), strings.HasPrefix(line[i:], "'''"):
			c.quotes = line[i : i+3]
			i += 2
		case line[i] == '"' || line[i] == '\'':
			i = quoted(line, i)
		}
	}
}

// quoted is the index of the quote that closes the one at i, or of the line's
// end.
func quoted(line string, i int) int {
	for j := i + 1; j < len(line); j++ {
		switch line[j] {
		case '\\':
			j++
		case line[i]:
			return j
		}
	}
	return len(line)
}
