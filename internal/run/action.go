package run

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sethvargo/go-githubactions"
)

// runAction is `oom143 action`, the entry point of the container action.
func runAction(args []string, s Streams) int {
	if len(args) > 0 {
		return complain(s.Err, usageError("action takes no arguments: it reads the inputs from INPUT_*"))
	}
	secrets, err := takeSecrets()
	if err != nil {
		return complain(s.Err, err)
	}
	o, err := readInputs(secrets)
	if err != nil {
		return complain(s.Err, err)
	}
	o.alwaysReport = true
	return start(o, nil, s, secrets)
}

// readInputs gives the options that the action's inputs ask for.
func readInputs(secrets map[string]string) (*options, error) {
	action := githubactions.New(githubactions.WithGetenv(func(name string) string { return secrets[name] }))
	o := defaultOptions()
	// The text of a script is taken as it is: what it begins and ends with
	// is the user's.
	o.script = secrets["INPUT_RUN"]
	if strings.TrimSpace(o.script) == "" {
		return nil, fmt.Errorf("the input run is empty: expected a command or a shell script")
	}
	o.shell = action.GetInput("shell")
	o.dir = action.GetInput("working-directory")
	o.token = action.GetInput("github-token")
	for name, set := range map[string]func(string) error{
		"memory-limit":    o.setLimit,
		"warn-at":         o.setWarnAt,
		"hooks":           o.setHooks,
		"timeout-minutes": o.setTimeoutMinutes,
		"annotations":     boolean(&o.annotations),
		"summary":         boolean(&o.summary),
		"check-run":       boolean(&o.checkRun),
	} {
		value := action.GetInput(name)
		if value == "" {
			continue
		}
		if err := set(value); err != nil {
			return nil, fmt.Errorf("the input %s is %q: %w", name, value, err)
		}
	}
	if o.dir != "" && !filepath.IsAbs(o.dir) {
		o.dir = filepath.Join(getenv("GITHUB_WORKSPACE"), o.dir)
	}
	return o, nil
}

func boolean(to *bool) func(string) error {
	return func(s string) error {
		switch s {
		case "true", "false":
			*to = s == "true"
			return nil
		}
		return fmt.Errorf("allowed are true and false")
	}
}

func (o *options) setTimeoutMinutes(s string) error {
	minutes, err := strconv.ParseFloat(s, 64)
	if err != nil || !(minutes > 1e-4 && minutes < 1e6) {
		return fmt.Errorf("allowed is a number of minutes above 0")
	}
	o.timeout = time.Duration(minutes * float64(time.Minute))
	return nil
}
