package hooks

import (
	"embed"
	"regexp"
)

// The plugins for jest, vitest, mocha, node:test and Playwright Test.
//
//go:embed node/*.cjs
var nodeFiles embed.FS

func init() { register(language{files: nodeFiles, environ: nodeEnviron}) }

// nodeDenies finds options under which node may not read files that were not
// allowed (nodejs.org/api/permissions.html): there a preloaded module ends the
// process instead of being loaded.
var nodeDenies = regexp.MustCompile(`(^|[\s"])--(experimental-)?permission\b`)

// nodeEnviron preloads a module into every node process
// (nodejs.org/api/cli.html, NODE_OPTIONS; options before the user's, in the
// order of the command line), and gives Playwright Test one more reporter for
// where that is overridden.
func nodeEnviron(s *Session, e *environ) {
	if nodeDenies.MatchString(e.get("NODE_OPTIONS")) {
		return
	}
	e.prepend("NODE_OPTIONS", "--require="+s.Path("node/preload.cjs"), " ")
	e.setDefault("PW_TEST_REPORTER", s.Path("node/playwright-reporter.cjs"))
}
