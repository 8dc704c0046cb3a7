package annotate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Event is what a report needs to know of the event that started the workflow.
type Event struct {
	// HeadSHA is the commit that people look at: the head of the pull
	// request, where GITHUB_SHA is a merge that nobody pushed; else
	// GITHUB_SHA itself.
	HeadSHA string
	Number  int  // of the pull request; 0 when there is none
	Fork    bool // the pull request comes from another repository
}

// maxEvent bounds the event file; GitHub's payloads have at most 25 MB
// (https://docs.github.com/en/webhooks/webhook-events-and-payloads).
const maxEvent = 25 << 20

// eventFile is the part of a webhook's payload that is read.
type eventFile struct {
	PullRequest *struct {
		Number int  `json:"number"`
		Head   side `json:"head"`
		Base   side `json:"base"`
	} `json:"pull_request"`
	WorkflowRun *struct {
		HeadSHA string `json:"head_sha"`
	} `json:"workflow_run"`
}

type side struct {
	SHA  string `json:"sha"`
	Repo *struct {
		FullName string `json:"full_name"`
	} `json:"repo"` // null once a fork has been deleted
}

// ReadEvent reads the file that GITHUB_EVENT_PATH names; sha is GITHUB_SHA. The
// event is usable whatever the error: without the file it is that commit. No
// path and no file are no error.
func ReadEvent(path, sha string) (Event, error) {
	event := Event{HeadSHA: sha}
	if path == "" {
		return event, nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return event, nil
	}
	if err != nil {
		return event, fmt.Errorf("GITHUB_EVENT_PATH: %w", err)
	}
	defer f.Close()
	var file eventFile
	if err := json.NewDecoder(io.LimitReader(f, maxEvent)).Decode(&file); err != nil {
		return event, fmt.Errorf("GITHUB_EVENT_PATH: %s is not an event: %w", path, err)
	}
	if run := file.WorkflowRun; run != nil && run.HeadSHA != "" {
		event.HeadSHA = run.HeadSHA
	}
	if pr := file.PullRequest; pr != nil {
		event.Number = pr.Number
		event.Fork = pr.Head.Repo == nil || pr.Base.Repo != nil && pr.Head.Repo.FullName != pr.Base.Repo.FullName
		if pr.Head.SHA != "" {
			event.HeadSHA = pr.Head.SHA
		}
	}
	return event, nil
}
