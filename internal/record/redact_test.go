package record

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRedact(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"pytest -q tests/", "pytest -q tests/"},
		{"curl --token=abc123 x", "curl --token=*** x"},
		{"curl --token abc123 x", "curl --token *** x"},
		{"API_KEY=abc pytest", "API_KEY=*** pytest"},
		{"AWS_SECRET_ACCESS_KEY=a/b+c pytest", "AWS_SECRET_ACCESS_KEY=*** pytest"},
		{`{"password": "a b"}`, `{"password": ***}`},
		{`password='a b' x`, `password=*** x`},
		{`password="a b`, `password=***`},
		{`--client-secret "a b" x`, `--client-secret *** x`},
		{"Password : hunter2", "Password : ***"},
		{"postgres://me:hunter2@db/x", "postgres://me:***@db/x"},
		{"redis://:hunter2@db/x", "redis://:***@db/x"},
		{"GITHUB_TOKEN=a SECRET=b", "GITHUB_TOKEN=*** SECRET=***"},
		{"git clone git@github.com:org/repo", "git clone git@github.com:org/repo"},
		{"pytest tests/test_keys.py -k monkey", "pytest tests/test_keys.py -k monkey"},
		{"pytest tests/test_token.py::test_secret", "pytest tests/test_token.py::test_secret"},
	} {
		if got := Redact(c.in); got != c.want {
			t.Errorf("Redact(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestArgv(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{[]string{"pytest", "-q"}, []string{"pytest", "-q"}},
		{[]string{"x", "--token", "abc", "y"}, []string{"x", "--token", "***", "y"}},
		{[]string{"x", "--token=abc", "y"}, []string{"x", "--token=***", "y"}},
		{[]string{"x", "--password"}, []string{"x", "--password"}},
		{[]string{"sh", "-c", "TOKEN=abc\npytest"}, []string{"sh", "-c", "TOKEN=*** pytest"}},
		{nil, []string{}},
	} {
		if got := Argv(c.in); strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("Argv(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestArgvIsCut(t *testing.T) {
	many := make([]string, 10_000)
	for i := range many {
		many[i] = "word"
	}
	for _, argv := range [][]string{many, {strings.Repeat("ä", 5000), "x"}, {strings.Repeat("a", MaxCommandLine), "x"}} {
		total := 0
		for _, word := range Argv(argv) {
			total += utf8.RuneCountInString(word) + 1
		}
		if total > MaxCommandLine+1 {
			t.Errorf("%d words of %d: %d characters", len(Argv(argv)), len(argv), total)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		max  int
		want string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"äöüß", 3, "äö…"}, {"abc", 1, "…"}, {"abc", 0, ""}, {"abc", -1, ""}, {"", 3, ""},
		{"a\nb\tc\x1b[0m", 20, "a b c [0m"}, {"a\u0085b\u2028c", 20, "a b c"}, {"a\xffb", 20, "a\uFFFDb"},
	} {
		if got := Cut(c.in, c.max); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.max, got, c.want)
		}
	}
}

func FuzzCommandLine(f *testing.F) {
	f.Add("pytest --token=abc", 10)
	f.Add("a:b@c \xff\x00", 3)
	f.Fuzz(func(t *testing.T, s string, max int) {
		line := CommandLine(strings.Split(s, "\x00"))
		if utf8.RuneCountInString(line) > MaxCommandLine || !utf8.ValidString(line) || strings.ContainsAny(line, "\n\r\x1b") {
			t.Errorf("CommandLine(%q) = %q", s, line)
		}
		if cut := Cut(s, max%1000); utf8.RuneCountInString(cut) > 1000 {
			t.Errorf("Cut gives %d characters", utf8.RuneCountInString(cut))
		}
		if password := "hunter2hunter2"; strings.Contains(Redact("--password="+password+" "+s), password) && !strings.Contains(s, password) {
			t.Errorf("the password is still there with %q", s)
		}
	})
}
