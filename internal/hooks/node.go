package hooks

import (
	"embed"
	"regexp"
	"slices"
)

// The plugins for jest, vitest, mocha, node:test and Playwright Test.
//
//go:embed node/*.cjs
var nodeFiles embed.FS

func init() { register(language{files: nodeFiles, environ: nodeEnviron}) }

// nodePermission finds the options under which node may read only the files
// that were allowed (nodejs.org/api/permissions.html). A preloaded module is
// none of them and would end the process, and NODE_OPTIONS cannot allow it
// without ending every process that runs without the option.
var nodePermission = regexp.MustCompile(`(^|[\s"'])--(experimental-)?permission\b`)

// nodeEnviron preloads a module into every node process (nodejs.org/api/cli.html,
// NODE_OPTIONS), and gives Playwright Test a reporter for where a script
// replaces that variable.
func nodeEnviron(s *Session, e *environ) {
	if nodePermission.MatchString(e.get("NODE_OPTIONS")) || slices.ContainsFunc(e.command.Argv, nodePermission.MatchString) {
		return
	}
	e.prepend("NODE_OPTIONS", "--require="+s.Path("node/preload.cjs"), " ")
	e.setDefault("PW_TEST_REPORTER", s.Path("node/playwright-reporter.cjs"))
}
