package testlog

import (
	"encoding/hex"
	"path"
	"strings"
)

// bats prints TAP when its output is no terminal; each test is a process of
// its own (libexec/bats-core/bats-exec-test).
func init() {
	register(framework{
		name:   batsName,
		parser: func(s *Scanner) parser { return &bats{base{s}} },
	})
	message(rule{"# bats warning: Executed ", Message{Kind: workerKilled, Runtime: batsName, Statuses: []int{1}}, batsMissing})
}

type bats struct{ base }

// process reads "bash …/bats-exec-test FLAGS FILE FUNCTION NUMBERS". The
// function's name holds the test's.
func (b *bats) process(p Proc) (sighting, bool) {
	runs := false
	for i, word := range p.Argv {
		runs = runs || path.Base(word) == "bats-exec-test"
		if !runs || path.Ext(word) != ".bats" || i+1 >= len(p.Argv) {
			continue
		}
		name, ok := batsTest(p.Argv[i+1])
		return sighting{Event: Event{
			ID: name, Framework: batsName, File: b.s.relative(word), PID: p.PID, Certainty: certain,
		}}, ok
	}
	return sighting{}, false
}

// batsTest undoes the encoding of a test's name: "_" is a blank, "-2d" the
// byte 0x2d (lib/bats-core/test_functions.bash, bats_encode_test_name).
func batsTest(function string) (string, bool) {
	name, ok := strings.CutPrefix(function, "test_")
	if !ok || name == "" {
		return "", false
	}
	var out []byte
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '_':
			out = append(out, ' ')
		case c == '-' && i+2 < len(name):
			b, err := hex.DecodeString(name[i+1 : i+3])
			if err != nil {
				return "", false
			}
			out = append(out, b...)
			i += 2
		default:
			out = append(out, c)
		}
	}
	return string(out), true
}

// batsMissing reads "# bats warning: Executed 3 instead of expected 4 tests".
func batsMissing(_ *Scanner, text string, _ *Message) bool {
	return strings.Contains(text, " instead of expected ")
}
