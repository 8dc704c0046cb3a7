package annotate

import (
	"path/filepath"
	"testing"
)

func TestReadEvent(t *testing.T) {
	const sha = "1111111111111111111111111111111111111111"
	const head = "2222222222222222222222222222222222222222"
	dir := t.TempDir()
	for _, c := range []struct {
		name, content string
		want          Event
		bad           bool
	}{
		{"push", `{"ref": "refs/heads/main", "after": "3"}`, Event{HeadSHA: sha}, false},
		{
			"pull request", `{"number": 7, "pull_request": {"number": 7, "head": {"sha": "` + head + `", "repo": {"full_name": "o/r", "fork": true}}, "base": {"sha": "4", "repo": {"full_name": "o/r"}}}}`,
			Event{HeadSHA: head, Number: 7}, false,
		},
		{
			"fork", `{"pull_request": {"number": 8, "head": {"sha": "` + head + `", "repo": {"full_name": "x/r"}}, "base": {"repo": {"full_name": "o/r"}}}}`,
			Event{HeadSHA: head, Number: 8, Fork: true}, false,
		},
		{"a fork that is gone", `{"pull_request": {"number": 9, "head": {"sha": "` + head + `", "repo": null}, "base": {"repo": {"full_name": "o/r"}}}}`, Event{HeadSHA: head, Number: 9, Fork: true}, false},
		{"workflow run", `{"workflow_run": {"head_sha": "` + head + `"}}`, Event{HeadSHA: head}, false},
		{"no head", `{"pull_request": {"number": 1, "head": {"repo": {"full_name": "o/r"}}, "base": {"repo": {"full_name": "o/r"}}}}`, Event{HeadSHA: sha, Number: 1}, false},
		{"null", `null`, Event{HeadSHA: sha}, false},
		{"no JSON", `hello`, Event{HeadSHA: sha}, true},
		{"another shape", `{"pull_request": "x"}`, Event{HeadSHA: sha}, true},
		{"empty", ``, Event{HeadSHA: sha}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadEvent(write(t, filepath.Join(dir, "event.json"), c.content), sha)
			if got != c.want || (err != nil) != c.bad {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
	for _, path := range []string{"", filepath.Join(dir, "none")} {
		if got, err := ReadEvent(path, sha); err != nil || got != (Event{HeadSHA: sha}) {
			t.Errorf("%q: %+v, %v", path, got, err)
		}
	}
	if got, err := ReadEvent(dir, sha); err == nil || got.HeadSHA != sha {
		t.Errorf("a folder: %+v, %v", got, err)
	}
}

func FuzzReadEvent(f *testing.F) {
	f.Add([]byte(`{"pull_request": {"number": 7, "head": {"sha": "2", "repo": null}}}`))
	f.Add([]byte(`[1]`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := ReadEvent(write(t, filepath.Join(dir, "event.json"), string(content)), "1")
		if got.HeadSHA == "" || err != nil && got != (Event{HeadSHA: "1"}) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}
