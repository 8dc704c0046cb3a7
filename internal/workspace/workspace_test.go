package workspace

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// tree writes an archive's files below a new directory.
func tree(t testing.TB, archive *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	if err := txtar.Write(archive, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestLocate reads the tables at the head of testdata/*.txtar.
func TestLocate(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no trees: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		root := tree(t, archive)
		w := Open(root)
		for _, row := range strings.Split(strings.TrimSpace(string(archive.Comment)), "\n")[1:] {
			c := strings.Split(row, "|")
			if len(c) != 5 {
				t.Fatalf("%s: %q has %d columns, want 5", file, row, len(c))
			}
			for i := range c {
				c[i] = strings.TrimSpace(c[i])
			}
			line, _ := strconv.Atoi(c[3])
			if got := located(w, c[0], c[1], c[2], line); got != c[4] {
				t.Errorf("%s: %s %q: got %s, want %s", file, c[0], c[1], got, c[4])
			}
			if c[2] == "" {
				continue
			}
			if got := located(w, c[0], c[1], filepath.Join(root, c[2]), line); got != c[4] {
				t.Errorf("%s: %s %q with an absolute path: got %s, want %s", file, c[0], c[1], got, c[4])
			}
		}
	}
}

func located(w *Workspace, framework, id, file string, line int) string {
	f, n, ok := w.Locate(context.Background(), framework, id, file, line)
	switch {
	case !ok:
		return "none"
	case n == 0:
		return f
	}
	return fmt.Sprintf("%s:%d", f, n)
}

func TestOutside(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "test_secret.py")
	if err := os.WriteFile(secret, []byte("def test_x(): pass\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := tree(t, txtar.Parse([]byte("-- test_in.py --\ndef test_x(): pass\n")))
	for link, target := range map[string]string{"test_link.py": secret, "linked": outside, "test_inner.py": "test_in.py"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	w := Open(root)
	for id, want := range map[string]string{
		"test_link.py::test_x":          "none",
		"linked/test_secret.py::test_x": "none",
		"test_secret.py::test_x":        "none",
		"test_inner.py::test_x":         "test_inner.py:1",
		"test_in.py::test_x":            "test_in.py:1",
	} {
		if got := located(w, "pytest", id, "", 0); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
	if got := located(w, "pytest", "x", secret, 1); got != "none" {
		t.Errorf("an absolute path outside: got %s", got)
	}
}

func TestRootByLink(t *testing.T) {
	root := tree(t, txtar.Parse([]byte("-- test_in.py --\ndef test_x(): pass\n")))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(link, "test_in.py"), filepath.Join(root, "test_in.py")} {
		if got := located(Open(link), "pytest", "test_in.py::test_x", file, 0); got != "test_in.py:1" {
			t.Errorf("%s: got %s", file, got)
		}
	}
}

func TestNoWorkspace(t *testing.T) {
	for _, root := range []string{"", "/does/not/exist", "/proc/self/mem", "\x00"} {
		if got := located(Open(root), "pytest", "missing_test.py::test_x", "", 0); got != "none" {
			t.Errorf("Open(%q): got %s", root, got)
		}
	}
}

func TestUnreadable(t *testing.T) {
	root := tree(t, txtar.Parse([]byte("-- a/test_a.py --\ndef test_x(): pass\n-- b/test_b.py --\ndef test_x(): pass\n")))
	large := append([]byte("def test_x(): pass\n"), make([]byte, maxFile)...)
	if err := os.WriteFile(filepath.Join(root, "test_large.py"), large, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "test_dir.py"), 0o700); err != nil {
		t.Fatal(err)
	}
	w := Open(root)
	if got := located(w, "pytest", "test_large.py::test_x", "", 0); got != "test_large.py" {
		t.Errorf("a file over the limit: got %s", got)
	}
	if got := located(w, "pytest", "test_dir.py::test_x", "", 0); got != "none" {
		t.Errorf("a directory: got %s", got)
	}
}

// TestDeadline gives up within the time that it has.
func TestDeadline(t *testing.T) {
	root := t.TempDir()
	for i := range 100 {
		dir := filepath.Join(root, fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for j := range 30 {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(j, "_test.go")), []byte("package x\n\nfunc TestX(t *testing.T) {}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := Open(root)
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if file, _, ok := w.Locate(done, "go test", "TestX", "", 0); ok {
		t.Errorf("found %s with no time left", file)
	}
	short, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	begin := time.Now()
	w.Locate(short, "go test", "TestX", "", 0)
	if took := time.Since(begin); took > 500*time.Millisecond {
		t.Errorf("took %v with 5 ms", took)
	}
	if got := located(w, "go test", "TestX", "", 0); got != "none" {
		t.Errorf("3,000 candidates: got %s", got)
	}
}

// FuzzLocate demands that a line, if any, is one of the file's, and that
// nothing panics whatever the source and the id are.
func FuzzLocate(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		rows := strings.Split(strings.TrimSpace(string(archive.Comment)), "\n")
		for i, part := range archive.Files {
			c := strings.Split(rows[1+i%(len(rows)-1)], "|")
			f.Add(strings.TrimSpace(c[0]), strings.TrimSpace(c[1]), filepath.Base(part.Name), part.Data)
		}
	}
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, framework, id, name string, src []byte) {
		name = filepath.Base(filepath.Clean("/" + name))
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if os.WriteFile(filepath.Join(dir, name), src, 0o600) != nil {
			t.Skip("no file name")
		}
		for _, file := range []string{"", name} {
			got, line, ok := Open(dir).Locate(context.Background(), framework, id, file, 0)
			if !ok && (got != "" || line != 0) {
				t.Fatalf("not found at %s:%d", got, line)
			}
			if ok && (got != name || line < 0 || line > lines(src)) {
				t.Fatalf("%s:%d in %q of %d lines", got, line, name, lines(src))
			}
		}
	})
}

func FuzzScript(f *testing.F) {
	f.Add([]byte("describe('a', () => { it(`b${1}`, () => /x/); test('c', 1) })"))
	f.Add([]byte("it('a\\"))
	f.Fuzz(func(t *testing.T, src []byte) {
		tests, _ := scriptTests(src)
		for _, test := range tests {
			if test.line < 1 || test.line > lines(src)+1 {
				t.Fatalf("line %d of %d", test.line, lines(src))
			}
		}
	})
}
