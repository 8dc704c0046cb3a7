package annotate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestWellFormed(t *testing.T) {
	const output, env, path, summary = "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"
	for _, c := range []struct {
		name, kind, content string
		killed              bool
		want, left          string
	}{
		{"nothing", output, "", false, "", ""},
		{"values", output, "a=1\nb=x=y\nc=\n", false, "a=1\nb=x=y\nc=\n", ""},
		{"no newline at the end", output, "a=1\nb=2", false, "a=1\nb=2\n", ""},
		{"cut off by a kill", output, "a=1\nb=2", true, "a=1\n", "b=2"},
		{"lines", output, "a<<E\n1\n\n2\nE\nb=2\n", true, "a<<E\n1\n\n2\nE\nb=2\n", ""},
		{"an empty value of lines", output, "a<<E\nE\n", true, "a<<E\nE\n", ""},
		{"the delimiter is the last word", output, "a<<E\n1\nE", true, "a<<E\n1\nE\n", ""},
		{"lines cut off", output, "z=1\na<<EOF\nb=2\nc=3\n", true, "z=1\n", "a<<EOF"},
		{"lines cut off in the delimiter", output, "z=1\na<<EOF\nb=2\nEO", true, "z=1\n", "a<<EOF"},
		{"lines without a delimiter", env, "a<<EOF\nb=2\n", false, "", "a<<EOF"},
		{"a delimiter with a blank is another", output, "a<<E\nE \nE\n", false, "a<<E\nE \nE\n", ""},
		{"an entry in lines", output, "a<<E\nb=1\nc<<F\nE\nd=1\n", false, "a<<E\nb=1\nc<<F\nE\nd=1\n", ""},
		{"<< in a value", output, "a=1<<E\nb=2\n", false, "a=1<<E\nb=2\n", ""},
		{"= in a delimiter", output, "a<<E=F\n1\nE=F\n", false, "a<<E=F\n1\nE=F\n", ""},
		{"no name", output, "=1\na=1\n<<E\nx\nE\nb=2\n", false, "a=1\nb=2\n", "=1"},
		{"no delimiter", output, "a<<\nb=1\n", false, "b=1\n", "a<<"},
		{"no entry", output, "hello\na=1\n", false, "a=1\n", "hello"},
		{"empty lines", output, "\n\na=1\n\n", false, "a=1\n", ""},
		{"carriage returns stay", output, "a=1\r\nb<<E\r\nx\r\nE\r\n", false, "a=1\r\nb<<E\r\nx\r\nE\r\n", ""},
		{"a byte order mark", output, "\ufeffa=1\n", false, "a=1\n", ""},
		{"another byte order mark", output, "\xff\xfea=1\nb=1\n", false, "b=1\n", "\ufffda=1"},
		{"invalid UTF-8 in a value", output, "a=\xff\n", false, "a=\xff\n", ""},
		{"oom143's own names", output, "cause=passed\nREPORT<<E\nx\nE\nmine=1\n", false, "mine=1\n", "cause=passed"},
		{"not its own in the environment", env, "cause=passed\n", false, "cause=passed\n", ""},
		{"what the runner refuses alone", env, "NODE_OPTIONS=-x\nGITHUB_SHA=1\na=1\n", false, "NODE_OPTIONS=-x\nGITHUB_SHA=1\na=1\n", ""},
		{"state", "GITHUB_STATE", "a=1\nb", true, "a=1\n", "b"},
		{"paths", path, "/a\n\n/b c\r\n/d", false, "/a\n/b c\n/d\n", ""},
		{"a path cut off", path, "/a\n/usr/lo", true, "/a\n", "/usr/lo"},
		{"a path that is none", path, "/a\x00\n/b\n\xff\n", false, "/b\n", "/a "},
		{"summary", summary, "# x\ntext", true, "# x\ntext\n", ""},
		{"an empty summary", summary, " \n", false, "", ""},
		{"an open block of code", summary, "```sh\nls", false, "```sh\nls\n```\n", ""},
		{"an open block of tildes", summary, "~~~~\n```\n~~~\n", false, "~~~~\n```\n~~~\n\n~~~~\n", ""},
		{"a closed block", summary, "```sh\nls\n````\n", false, "```sh\nls\n````\n", ""},
		{"backticks that are no block", summary, "```a`\n    ```\n`` `\n", false, "```a`\n    ```\n`` `\n", ""},
		{"an open comment", summary, "a <!-- b\n```\n", false, "a <!-- b\n```\n\n-->\n", ""},
		{"a closed comment", summary, "<!-- b -->\n", false, "<!-- b -->\n", ""},
		{"a comment in code", summary, "```\n<!--\n```\n", false, "```\n<!--\n```\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, left := wellFormed(c.kind, []byte(c.content), c.killed)
			if string(got) != c.want || left != c.left {
				t.Errorf("got %q, left out %q; want %q, %q", got, left, c.want, c.left)
			}
		})
	}
}

func TestLargeSummaryIsCut(t *testing.T) {
	got := WellFormed("GITHUB_STEP_SUMMARY", []byte("```\n"+strings.Repeat("ä", maxSummary)), false)
	if len(got) > maxSummary || len(got) < maxSummary-100 || !strings.HasSuffix(string(got), "ä\n```\n") {
		t.Errorf("%d bytes, ends %q", len(got), got[len(got)-10:])
	}
}

// FuzzWellFormed: the runner takes all that is handed on, and all that it would
// have taken is handed on.
func FuzzWellFormed(f *testing.F) {
	for _, s := range []string{"a=1\nb<<E\nx\nE\n", "a<<E\n", "=\n<<\n", "a<<E\r\nE\r\n", "\ufeffa=1", "a=b<<c\n", "\xff\xfea=1\n", "x\n"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, content []byte, killed bool) {
		for _, kind := range []string{"GITHUB_ENV", "GITHUB_OUTPUT"} {
			whole := WellFormed(kind, content, killed)
			pairs, err := readPairs(string(whole))
			if err != nil {
				t.Fatalf("the runner refuses %q: %v", whole, err)
			}
			if again := WellFormed(kind, whole, true); string(again) != string(whole) {
				t.Fatalf("%q becomes %q", whole, again)
			}
			given, err := readPairs(string(content))
			if err != nil || kind == "GITHUB_OUTPUT" || killed || strings.ContainsRune(string(content), '\ufeff') {
				continue
			}
			i := 0
			for _, p := range given {
				if !goodName(kind, []byte(p.name)) {
					continue
				}
				if i >= len(pairs) || pairs[i] != p {
					t.Fatalf("of %q the runner takes %q, handed on is %q", content, given, pairs)
				}
				i++
			}
			if i != len(pairs) {
				t.Fatalf("%q has %d entries more than %q", whole, len(pairs)-i, content)
			}
		}
		for line := range strings.Lines(string(WellFormed("GITHUB_PATH", content, killed))) {
			if strings.TrimSuffix(line, "\n") == "" || strings.ContainsAny(line, "\x00\r") {
				t.Fatalf("a path of %q is %q", content, line)
			}
		}
		summary := WellFormed("GITHUB_STEP_SUMMARY", content, killed)
		if len(summary) > maxSummary || closing(summary) != "" {
			t.Fatalf("%q leaves something open", summary)
		}
	})
}

func TestHandOver(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	write(t, from, "a=1\nb<<E\n2\n")
	write(t, to, "z=0")
	err := HandOver("GITHUB_OUTPUT", from, to, true)
	if err == nil || !strings.Contains(err.Error(), `"b<<E"`) || !strings.Contains(err.Error(), "GITHUB_OUTPUT") {
		t.Errorf("%v", err)
	}
	if got := read(t, to); got != "z=0\na=1\n" {
		t.Errorf("got %q", got)
	}

	if err := HandOver("GITHUB_OUTPUT", filepath.Join(dir, "none"), to, true); err != nil {
		t.Errorf("a file that the command removed: %v", err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("/etc/passwd", link); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{fifo, link, dir} {
		if err := HandOver("GITHUB_ENV", bad, to, false); err == nil || !strings.Contains(err.Error(), "could not be read") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	write(t, from, strings.Repeat("x", maxHandover)+"=1\n")
	if err := HandOver("GITHUB_ENV", from, to, false); err == nil {
		t.Error("a file without end is no error")
	}
	write(t, from, "a=1\n")
	if err := HandOver("GITHUB_ENV", from, dir, false); err == nil || !strings.Contains(err.Error(), "could not be handed on") {
		t.Errorf("%v", err)
	}
	if got := read(t, to); got != "z=0\na=1\n" {
		t.Errorf("got %q", got)
	}
}

// BenchmarkWellFormed shows whether any content takes long for its size.
func BenchmarkWellFormed(b *testing.B) {
	for _, unit := range []string{"\n", "\r", "=", "x", "a=1\n", "a<<E\n", "a<<E\nE\n", "<!--\n", "```\n", "~~~~`\n"} {
		content := []byte(strings.Repeat(unit, maxHandover/len(unit)))
		for _, kind := range []string{"GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"} {
			b.Run(fmt.Sprintf("%s/%q", kind, unit), func(b *testing.B) {
				b.SetBytes(int64(len(content)))
				for b.Loop() {
					WellFormed(kind, content, true)
				}
			})
		}
	}
}
