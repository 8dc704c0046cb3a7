package workspace

import (
	"path"
	"strconv"
	"strings"
)

// named finds tests whose id is their place: "./spec/a_spec.rb:12",
// "test/a_test.exs:5", "t/a.spec.js:4:2 › group › name", "[project] ›
// t/a.spec.js:4:2 › name", "t/a.t". A line is believed when the file has it.
func named(l *lookup) place {
	id := l.id
	if rest, ok := strings.CutPrefix(id, "["); ok {
		_, id, _ = strings.Cut(rest, "] › ")
	}
	id, _, _ = strings.Cut(id, " › ")
	file, rest, _ := strings.Cut(id, ":")
	if bracket := strings.IndexByte(file, '['); bracket > 0 {
		file, rest = file[:bracket], ""
	}
	found := l.file
	if found == "" {
		found, _ = l.resolve(file)
	}
	if found == "" || path.Ext(found) == "" {
		return place{}
	}
	number, _, _ := strings.Cut(rest, ":")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > lines(l.read(found)) {
		return place{file: found}
	}
	return place{found, n}
}

// lines counts lines; the last may have no newline.
func lines(src []byte) int {
	n := 0
	for i, c := range src {
		if c == '\n' || i == len(src)-1 {
			n++
		}
	}
	return n
}
