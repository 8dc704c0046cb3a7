package annotate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/org/oom143-action/internal/diagnose"
)

// checkBody is the body of "Create a check run" as GitHub's REST API
// description (api.github.com.2022-11-28, operation checks/create) has it.
type checkBody struct {
	Name        string    `json:"name"`
	HeadSHA     string    `json:"head_sha"`
	DetailsURL  string    `json:"details_url"`
	ExternalID  string    `json:"external_id"`
	Status      string    `json:"status"`
	StartedAt   time.Time `json:"started_at"`
	Conclusion  string    `json:"conclusion"`
	CompletedAt time.Time `json:"completed_at"`
	Output      *struct {
		Title       string `json:"title"`
		Summary     string `json:"summary"`
		Text        string `json:"text"`
		Annotations []struct {
			Path        string `json:"path"`
			StartLine   int    `json:"start_line"`
			EndLine     int    `json:"end_line"`
			StartColumn *int   `json:"start_column"`
			EndColumn   *int   `json:"end_column"`
			Level       string `json:"annotation_level"`
			Message     string `json:"message"`
			Title       string `json:"title"`
			RawDetails  string `json:"raw_details"`
		} `json:"annotations"`
	} `json:"output"`
}

// faults are what the description does not allow.
func (b checkBody) faults() []string {
	var list []string
	check := func(ok bool, what string, args ...any) {
		if !ok {
			list = append(list, fmt.Sprintf(what, args...))
		}
	}
	check(b.Name != "", "name is required")
	check(b.HeadSHA != "", "head_sha is required")
	check(slices.Contains([]string{"", "queued", "in_progress", "completed", "waiting", "requested", "pending"}, b.Status), "status %q", b.Status)
	check(slices.Contains([]string{"", "action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out"}, b.Conclusion), "conclusion %q", b.Conclusion)
	check(b.Status != "completed" || b.Conclusion != "", "a completed run needs a conclusion")
	check(!b.CompletedAt.IsZero(), "no completed_at")
	check(b.StartedAt.IsZero() || !b.CompletedAt.Before(b.StartedAt), "completed at %v, started at %v", b.CompletedAt, b.StartedAt)
	if b.Output == nil {
		return append(list, "no output")
	}
	check(b.Output.Title != "" && b.Output.Summary != "", "title and summary are required")
	check(utf8.RuneCountInString(b.Output.Summary) <= 65535, "summary has %d characters", utf8.RuneCountInString(b.Output.Summary))
	check(utf8.RuneCountInString(b.Output.Text) <= 65535, "text has %d characters", utf8.RuneCountInString(b.Output.Text))
	check(len(b.Output.Annotations) <= 50, "%d annotations", len(b.Output.Annotations))
	for _, a := range b.Output.Annotations {
		check(a.Path != "" && !strings.HasPrefix(a.Path, "/"), "path %q", a.Path)
		check(a.StartLine >= 1 && a.EndLine >= a.StartLine, "lines %d to %d", a.StartLine, a.EndLine)
		check(slices.Contains([]string{"notice", "warning", "failure"}, a.Level), "annotation_level %q", a.Level)
		check(a.Message != "" && len(a.Message) <= 64<<10, "message of %d bytes", len(a.Message))
		check(utf8.RuneCountInString(a.Title) <= 255, "title of %d characters", utf8.RuneCountInString(a.Title))
	}
	return list
}

// checksAPI is a server that takes check runs as GitHub does.
func checksAPI(t *testing.T, got *checkBody) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v3/repos/octo/hello/check-runs", func(w http.ResponseWriter, r *http.Request) {
		if auth := r.Header.Get("Authorization"); auth != "Bearer s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"message": "Bad credentials"}`)
			return
		}
		if accept := r.Header.Get("Accept"); !strings.Contains(accept, "application/vnd.github") {
			t.Errorf("Accept: %s", accept)
		}
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		*got = checkBody{}
		if err := d.Decode(got); err != nil {
			t.Error(err)
		}
		if faults := got.faults(); len(faults) > 0 {
			t.Errorf("the API does not allow: %s", strings.Join(faults, "; "))
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"id": 4, "head_sha": "ce587453ced02b1526dfb4cb910479d431683101", "name": "oom143", "status": "completed"}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func optionsFor(server *httptest.Server) CheckRunOptions {
	return CheckRunOptions{
		APIURL: server.URL + "/api/v3", Repository: "octo/hello", Token: "s3cret",
		Event: Event{HeadSHA: "ce587453ced02b1526dfb4cb910479d431683101"}, DetailsURL: "https://github.com/octo/hello/actions/runs/1",
	}
}

func TestCheckRun(t *testing.T) {
	var got checkBody
	opts := optionsFor(checksAPI(t, &got))
	for _, c := range []struct {
		scene      scene
		conclusion string
		places     int
	}{
		{cgroupOOM(), "failure", 1}, {kernelOOM(), "failure", 1}, {cancelled(), "cancelled", 1}, {passed(), "success", 0},
		{passedNear(), "success", 0}, {notStarted(), "failure", 0}, {hostile(), "failure", 0},
		{scene{"timeout", newRecord(), diagnose.Verdict{Cause: diagnose.Timeout, Headline: "Time is up."}}, "timed_out", 0},
		{scene{"unknown", newRecord(), diagnose.Verdict{Headline: "Nothing is known."}}, "neutral", 0},
	} {
		if err := CheckRun(context.Background(), opts, c.scene.report()); err != nil {
			t.Errorf("%s: %v", c.scene.name, err)
			continue
		}
		if got.Conclusion != c.conclusion || got.Status != "completed" || got.Name != "oom143" || got.HeadSHA != opts.Event.HeadSHA || got.DetailsURL != opts.DetailsURL {
			t.Errorf("%s: %+v", c.scene.name, got)
		}
		if len(got.Output.Annotations) != c.places {
			t.Errorf("%s: %+v", c.scene.name, got.Output.Annotations)
		}
	}
	opts.Name = "oom143 (test, 3.12)"
	if err := CheckRun(context.Background(), opts, cgroupOOM().report()); err != nil || got.Name != opts.Name {
		t.Errorf("name %q, %v", got.Name, err)
	}
	if a := got.Output.Annotations[0]; a.Path != "tests/test_cache.py" || a.StartLine != 12 || a.Level != "failure" {
		t.Errorf("%+v", a)
	}

	s := cgroupOOM()
	for range maxEvidenceShown {
		s.verdict.Evidence = append(s.verdict.Evidence, diagnose.Evidence{Detail: strings.Repeat("ä|", 300)})
	}
	for range 100 {
		s.verdict.Running = append(s.verdict.Running, diagnose.RunningTest{ID: strings.Repeat("|`", 5000)})
	}
	for range maxProcessesShown {
		s.verdict.Victims = append(s.verdict.Victims, diagnose.Victim{PID: 9, Command: strings.Repeat("|", 999)})
	}
	if err := CheckRun(context.Background(), opts, s.report()); err != nil {
		t.Error(err)
	}
}

func TestCheckRunRefused(t *testing.T) {
	var answer http.HandlerFunc
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	defer server.Close()
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	limited := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-RateLimit-Limit", "60")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", "9999999999")
		w.WriteHeader(403)
		fmt.Fprint(w, `{"message": "API rate limit exceeded"}`)
	}
	const noAccess = `{"message": "Resource not accessible by integration"}`
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		fork   bool
		want   string
	}{
		{"no permission", status(403, noAccess), false, "add `checks: write` to the job's `permissions:`"},
		{"fork", status(403, noAccess), true, "the token of a pull request from a fork can only read"},
		{"not found", status(404, `{"message": "Not Found"}`), false, "`checks: write`"},
		{"bad token", status(401, `{"message": "Bad credentials"}`), false, "github-token was not accepted"},
		{"content", status(422, `{"message": "No commit found for SHA: 1\u001b[31m"}`), false, "refused its content: No commit found for SHA: 1 [31m"},
		{"rate limit", limited, false, "used up its requests"},
		{"broken", status(502, "<html>"), false, "status 502"},
		{"another place", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, false, "status 307"},
		{"hung up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, "could not be reached"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer = c.answer
			opts := optionsFor(server)
			opts.Event.Fork = c.fork
			err := CheckRun(context.Background(), opts, cgroupOOM().report())
			if err == nil || !strings.HasPrefix(err.Error(), "no check run was created: ") || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if text := err.Error(); strings.ContainsAny(text, "\n\x1b") || strings.Contains(text, opts.Token) || len(text) > 300 {
				t.Errorf("not one plain line: %q", text)
			}
		})
	}
}

func TestCheckRunIsInTime(t *testing.T) {
	var asked atomic.Int32
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		<-over
	}))
	defer server.Close()
	defer close(over)
	start := time.Now()
	err := CheckRun(context.Background(), optionsFor(server), cgroupOOM().report())
	if took := time.Since(start); took > checkRunTime+500*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	if err == nil || !strings.Contains(err.Error(), "did not answer within 2 s") || asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := CheckRun(ctx, optionsFor(server), cgroupOOM().report()); err == nil {
		t.Error("a cancelled context is no error")
	}
}

func TestCheckRunWithoutGitHub(t *testing.T) {
	for name, opts := range map[string]CheckRunOptions{
		"github-token is empty": {Repository: "a/b", Event: Event{HeadSHA: "1"}},
		"GITHUB_REPOSITORY":     {Token: "t", Repository: "a", Event: Event{HeadSHA: "1"}},
		"GITHUB_SHA":            {Token: "t", Repository: "a/b"},
		"GITHUB_API_URL":        {Token: "t", Repository: "a/b", Event: Event{HeadSHA: "1"}, APIURL: ":"},
	} {
		if err := CheckRun(context.Background(), opts, passed().report()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
