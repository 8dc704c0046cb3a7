package annotate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
	"github.com/org/oom143-action/internal/diagnose"
)

// Limits of a check run
// (https://docs.github.com/en/rest/checks/runs#create-a-check-run).
const (
	checkRunTime        = 2 * time.Second // for all of it; a job that is being stopped has no more
	maxCheckSummary     = 65535           // characters
	maxCheckAnnotations = 50
)

// CheckRunOptions say where a check run goes.
type CheckRunOptions struct {
	APIURL     string // GITHUB_API_URL: https://api.github.com, or https://HOST/api/v3
	Repository string // GITHUB_REPOSITORY: OWNER/NAME
	Token      string // with checks: write
	Event      Event
	Name       string // shown in the list of checks; "oom143" when empty
	DetailsURL string // the page of the workflow run; may be empty
}

// CheckRun creates a completed check run with the verdict. It takes at most 2 s
// and tries once. The error is one sentence that says what to do.
func CheckRun(ctx context.Context, opts CheckRunOptions, rep *Report) error {
	ctx, cancel := context.WithTimeout(ctx, checkRunTime)
	defer cancel()
	owner, name, found := strings.Cut(opts.Repository, "/")
	switch {
	case opts.Token == "":
		return errors.New("no check run was created: github-token is empty")
	case !found || owner == "" || name == "" || opts.Event.HeadSHA == "":
		return errors.New("no check run was created: GITHUB_REPOSITORY and GITHUB_SHA are not set, as they are in a workflow")
	}
	client, err := checkClient(opts)
	if err != nil {
		return fmt.Errorf("no check run was created: GITHUB_API_URL: %w", err)
	}
	if _, _, err := client.Checks.CreateCheckRun(ctx, owner, name, checkRun(opts, rep)); err != nil {
		return errors.New("no check run was created: " + refusal(err, opts.Event.Fork))
	}
	return nil
}

// checkClient sends the token to the API's own host and to no other: it does
// not follow redirects.
func checkClient(opts CheckRunOptions) (*github.Client, error) {
	client := github.NewClient(&http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).WithAuthToken(opts.Token)
	if opts.APIURL == "" {
		return client, nil
	}
	return client.WithEnterpriseURLs(opts.APIURL, opts.APIURL)
}

func checkRun(opts CheckRunOptions, rep *Report) github.CreateCheckRunOptions {
	run := github.CreateCheckRunOptions{
		Name:        "oom143",
		HeadSHA:     opts.Event.HeadSHA,
		Status:      github.String("completed"),
		Conclusion:  github.String(conclusion(rep)),
		CompletedAt: &github.Timestamp{Time: time.Now()},
		Output: &github.CheckRunOutput{
			Title:       github.String(cutBytes(capital(causeTitle(rep)), maxTitle)),
			Summary:     github.String(cutSection(Summary(rep), maxCheckSummary)),
			Annotations: checkAnnotations(rep),
		},
	}
	if opts.Name != "" {
		run.Name = opts.Name
	}
	if opts.DetailsURL != "" {
		run.DetailsURL = github.String(opts.DetailsURL)
	}
	if c := rep.Command; c != nil && !c.StartedAt.IsZero() {
		run.StartedAt = &github.Timestamp{Time: c.StartedAt.Time}
		if !c.EndedAt.IsZero() {
			run.CompletedAt = &github.Timestamp{Time: c.EndedAt.Time}
		}
	}
	return run
}

func conclusion(rep *Report) string {
	switch diagnose.Cause(rep.Cause) {
	case diagnose.Passed:
		return "success"
	case diagnose.Cancelled:
		return "cancelled"
	case diagnose.Timeout:
		return "timed_out"
	case diagnose.Unknown:
		return "neutral"
	}
	return "failure"
}

// checkAnnotations are those of the report that have a place; the API takes no
// others.
func checkAnnotations(rep *Report) []*github.CheckRunAnnotation {
	levels := map[string]string{"error": "failure", "warning": "warning"}
	var list []*github.CheckRunAnnotation
	for _, a := range annotations(rep, nil) {
		if a.file == "" || len(list) == maxCheckAnnotations {
			continue
		}
		line := max(1, a.line)
		list = append(list, &github.CheckRunAnnotation{
			Path: github.String(a.file), StartLine: &line, EndLine: &line,
			AnnotationLevel: github.String(levels[a.level]),
			Title:           github.String(cutBytes(a.title, maxTitle)),
			Message:         github.String(cutBytes(a.message, maxMessage)),
		})
	}
	return list
}

// refusal says why GitHub did not take the check run and what to do about it.
func refusal(err error, fork bool) string {
	var answer *github.ErrorResponse
	var limited *github.RateLimitError
	var abused *github.AbuseRateLimitError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fmt.Sprintf("GitHub did not answer within %d s; the verdict is in the job summary", checkRunTime/time.Second)
	case errors.As(err, &limited), errors.As(err, &abused):
		return "the token has used up its requests for now; the verdict is in the job summary"
	case !errors.As(err, &answer) || answer.Response == nil:
		return "GitHub could not be reached; the verdict is in the job summary"
	}
	status := answer.Response.StatusCode
	switch {
	case (status == http.StatusForbidden || status == http.StatusNotFound) && fork:
		return "the token of a pull request from a fork can only read; the verdict is in the job summary"
	case status == http.StatusForbidden || status == http.StatusNotFound:
		return "the token may not write checks; add `checks: write` to the job's `permissions:`"
	case status == http.StatusUnauthorized:
		return "github-token was not accepted; leave it out, or give a token that has not expired"
	case status == http.StatusUnprocessableEntity:
		return "GitHub refused its content: " + short(answer.Message, 200)
	}
	return fmt.Sprintf("GitHub answered with status %d; the verdict is in the job summary", status)
}

// capital begins a title.
func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
