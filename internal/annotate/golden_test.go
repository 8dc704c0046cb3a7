package annotate

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (- want, + got; go test -update writes it anew):\n%s", path, diff)
	}
}

func TestGolden(t *testing.T) {
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			rep := s.report()
			data, err := rep.JSON()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, s.name+"/report.json", data)
			golden(t, s.name+"/summary.md", []byte(Summary(rep)))
			golden(t, s.name+"/terminal80.txt", []byte(Terminal(rep, 80, false)))
			golden(t, s.name+"/terminal50.txt", []byte(Terminal(rep, 50, false)))
			golden(t, s.name+"/coloured.txt", []byte(Terminal(rep, 80, true)))
			var commands bytes.Buffer
			if err := WriteCommands(&commands, rep, nil, nil); err != nil {
				t.Fatal(err)
			}
			golden(t, s.name+"/commands.txt", commands.Bytes())
		})
	}
}
