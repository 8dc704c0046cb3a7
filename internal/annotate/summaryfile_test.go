package annotate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSummaryFile(t *testing.T) {
	newFile := func(t *testing.T, content string) (*SummaryFile, string) {
		path := write(t, filepath.Join(t.TempDir(), "summary"), content)
		return NewSummaryFile(path), path
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(t *testing.T, path, content string) {
		t.Helper()
		if got := read(t, path); got != content {
			t.Errorf("got %q, want %q", got, content)
		}
	}
	t.Run("replaced in its place", func(t *testing.T) {
		s, path := newFile(t, "before\n")
		must(t, s.Write("# early, and longer\n"))
		must(t, s.Add([]byte("after\n")))
		want(t, path, "before\n\n# early, and longer\n\nafter\n")
		must(t, s.Write("# final\n"))
		want(t, path, "before\n\n# final\n\nafter\n")
		must(t, s.Write("# final, longer than before\n"))
		want(t, path, "before\n\n# final, longer than before\n\nafter\n")
	})
	t.Run("what others append in between survives", func(t *testing.T) {
		s, path := newFile(t, "")
		must(t, s.Write("# early\n"))
		write(t, path, read(t, path)+"from a step that runs on")
		must(t, s.Write("# final\n"))
		must(t, s.Add([]byte("after\n")))
		want(t, path, "# final\n\nfrom a step that runs on\nafter\n")
	})
	t.Run("others wrote before it", func(t *testing.T) {
		s, path := newFile(t, "")
		must(t, s.Write("# early\n"))
		write(t, path, "new\n"+read(t, path))
		must(t, s.Write("# final\n"))
		want(t, path, "new\n\n# final\n")
	})
	t.Run("others wrote it anew", func(t *testing.T) {
		s, path := newFile(t, "")
		must(t, s.Write("# early\n"))
		write(t, path, "anew")
		must(t, s.Write("# final\n"))
		want(t, path, "anew\n\n# final\n")
	})
	t.Run("gone", func(t *testing.T) {
		s, path := newFile(t, "")
		must(t, s.Write("# early\n"))
		must(t, os.Remove(path))
		must(t, s.Write("# final\n"))
		want(t, path, "# final\n")
	})
	t.Run("handed over", func(t *testing.T) {
		s, path := newFile(t, "")
		must(t, s.Write("# final\n"))
		must(t, s.HandOver(write(t, filepath.Join(t.TempDir(), "own"), "```\ncut of")))
		want(t, path, "# final\n\n```\ncut of\n```\n")
		must(t, s.HandOver(filepath.Join(t.TempDir(), "none")))
		if err := s.HandOver(t.TempDir()); err == nil {
			t.Error("a folder is no error")
		}
	})
	t.Run("nothing to add", func(t *testing.T) {
		s, path := newFile(t, "x")
		must(t, s.Add(nil))
		want(t, path, "x")
	})

	section := strings.Repeat(strings.Repeat("word ", 200)+"\n\n", 60)
	t.Run("cut to what is left", func(t *testing.T) {
		s, path := newFile(t, strings.Repeat("b\n", (maxSummary-5000)/2))
		must(t, s.Write(section))
		got := read(t, path)
		if len(got) > maxSummary || len(got) < maxSummary-1200 || !strings.Contains(got, cutNote) {
			t.Errorf("%d bytes, note: %v", len(got), strings.Contains(got, cutNote))
		}
		must(t, s.Write("# short\n"))
		if got := read(t, path); strings.Contains(got, cutNote) || !strings.HasSuffix(got, "# short\n") {
			t.Error("the cut section was not replaced")
		}
	})
	t.Run("gives way to the command's own", func(t *testing.T) {
		s, path := newFile(t, "")
		must(t, s.Write(section))
		theirs := WellFormed("GITHUB_STEP_SUMMARY", []byte(strings.Repeat("c\n", maxSummary/2-5000)), false)
		must(t, s.Add(theirs))
		got := read(t, path)
		if len(got) > maxSummary || !strings.HasSuffix(got, string(theirs)) || !strings.HasPrefix(got, "word ") {
			t.Errorf("%d bytes, the command's own whole: %v", len(got), strings.HasSuffix(got, string(theirs)))
		}
		must(t, s.Write("# final\n"))
		if got := read(t, path); got != "# final\n\n"+string(theirs) {
			t.Errorf("%d bytes after the final one", len(got))
		}
	})
	t.Run("the command's own takes all", func(t *testing.T) {
		s, path := newFile(t, "")
		must(t, s.Write("# early\n"))
		theirs := WellFormed("GITHUB_STEP_SUMMARY", []byte(strings.Repeat("c\n", maxSummary)), false)
		if err := s.Add(append(theirs, strings.Repeat("c", maxSummary-len(theirs))...)); err == nil || !strings.Contains(err.Error(), "no room") {
			t.Errorf("%v", err)
		}
		if got := read(t, path); len(got) != maxSummary {
			t.Errorf("%d bytes", len(got))
		}
	})
	t.Run("no room", func(t *testing.T) {
		full := strings.Repeat("x", maxSummary-3)
		s, path := newFile(t, full)
		if err := s.Write("# final\n"); err == nil || !strings.Contains(err.Error(), "no room") {
			t.Errorf("%v", err)
		}
		want(t, path, full)
	})
	t.Run("over the limit already", func(t *testing.T) {
		full := strings.Repeat("x", maxSummary+1)
		s, path := newFile(t, full)
		if err := s.Write("# final\n"); err == nil || !strings.Contains(err.Error(), "more than the runner takes") {
			t.Errorf("%v", err)
		}
		want(t, path, full)
	})
	t.Run("not writable", func(t *testing.T) {
		for _, path := range []string{"", t.TempDir(), filepath.Join(t.TempDir(), "a", "b"), "/dev/null"} {
			if err := NewSummaryFile(path).Write("x"); err == nil || strings.Count(err.Error(), "the job summary") != 1 {
				t.Errorf("%q: %v", path, err)
			}
		}
	})
}

// TestCutSection: whatever the room, a section that was cut is not too long and
// has no block of code open.
func TestCutSection(t *testing.T) {
	section := Summary(cgroupOOM().report())
	whole := 0
	for max := range len(section) + 10 {
		cut := cutSection(section, max)
		if len(cut) > max {
			t.Fatalf("%d bytes for %d", len(cut), max)
		}
		if strings.Count(cut, "\n```")%2 != 0 {
			t.Fatalf("a block is open at %d:\n%s", max, cut)
		}
		if cut == section {
			whole++
		} else if cut != "" && !strings.HasSuffix(cut, cutNote+"\n") {
			t.Fatalf("no note at %d", max)
		}
	}
	if whole != 10 {
		t.Errorf("whole %d times", whole)
	}
}
