package hooks

import (
	"bufio"
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Go has no door for a plugin, but the go command can be told to read some
// files from elsewhere: GOFLAGS=-overlay=FILE (go help build, Go 1.16). The
// files are those of package testing, copied from each Go distribution that
// the command may use, with a few calls inserted where a test starts, pauses,
// goes on and finishes. Only package testing and the test binaries are
// compiled anew, once; neither the overlay's path nor the event file's enters
// a cache key, so cached results stay valid from run to run.
//
// No line moves in the copies, so stack traces stay as they are. A
// distribution that does not look exactly as expected is left out. So is a
// toolchain in the module cache, which go.mod's toolchain line selects: the go
// command refuses to overlay anything there (since Go 1.25).

//go:embed golang/oom143_linux.go golang/oom143_other.go
var goFiles embed.FS

func init() { register(language{environ: goEnviron}) }

// goEdit is one insertion into a file of package testing. The anchor stands
// there exactly once.
type goEdit struct {
	anchor  *regexp.Regexp
	replace string // as in [regexp.Regexp.ReplaceAll]
}

// edit takes whole lines, from the newline before them to the one behind. A
// pattern that begins with plain text is found a hundred times faster than one
// that begins with an anchor.
func edit(lines, replace string) goEdit {
	return goEdit{regexp.MustCompile("\n" + lines + "\n"), "\n" + replace + "\n"}
}

// require only asks that something is declared as the plugin uses it.
func require(line string) goEdit { return edit("("+line+")", `${1}`) }

// goEdits hold for Go 1.20 to 1.26.
var goEdits = map[string][]goEdit{
	"testing.go": {
		require(`\tname +string +// Name of test or benchmark\.`),
		require(`\tparent +\*common`),
		edit(`(func MainStart\(deps testDeps, .*\) \*M \{)`, `${1} oom143Main(deps.ImportPath())`),
		edit(`(func tRunner\(t \*T, fn func\(t \*T\)\) \{)`, `${1} oom143Start(&t.common, fn)`),
		edit(`(\t\tt\.report\(\) // Report after all subtests have finished\.)`, `oom143Finish(&t.common, fn); ${1}`),
		edit(`(\tt\.signal <- true   // Release calling test\.\n\t<-t\.parent\.barrier // .*\n\tt\.\w+\.waitParallel\(\))`,
			`oom143Event("pause", &t.common); ${1}; oom143Event("resume", &t.common)`),
	},
	"fuzz.go": {
		require(`\tisFuzzWorker +\*bool`),
		edit(`(func fRunner\(f \*F, fn func\(\*F\)\) \{)`, `${1} oom143Start(&f.common, fn)`),
		edit(`(\t\tf\.report\(\))`, `oom143Finish(&f.common, fn); ${1}`),
	},
	"benchmark.go": {
		require(`\tbenchFunc +func\(b \*B\)`),
		edit(`(func \(b \*B\) runN\(n int\) \{)`, `${1} oom143Start(&b.common, b.benchFunc); defer oom143Finish(&b.common, b.benchFunc)`),
	},
	"run_example.go": {
		edit(`(func runExample\(eg InternalExample\) \(ok bool\) \{)`, `${1} oom143StartNamed(eg.Name, eg.F)`),
		edit(`(\teg\.F\(\)\n\tfinished = true)`, `${1}; oom143FinishNamed(eg.Name)`),
	},
}

// errGoUnknown is a distribution that the plugin does not know how to enter.
var errGoUnknown = errors.New("package testing looks different")

// patchGo gives the changed files of package testing by name.
func patchGo(dir string) (map[string][]byte, error) {
	patched := map[string][]byte{}
	for name, edits := range goEdits {
		source, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		for _, e := range edits {
			at := e.anchor.FindAllSubmatchIndex(source, 2)
			if len(at) != 1 {
				return nil, fmt.Errorf("%w: %s has %d of %s", errGoUnknown, name, len(at), e.anchor)
			}
			inserted := e.anchor.Expand(nil, []byte(e.replace), source, at[0])
			source = slices.Concat(source[:at[0][0]], inserted, source[at[0][1]:])
		}
		patched[name] = source
	}
	for name, constraint := range map[string]string{"oom143_linux.go": "linux", "oom143_other.go": "!linux"} {
		source, err := goFiles.ReadFile("golang/" + name)
		if err != nil {
			return nil, err
		}
		patched[name] = bytes.Replace(source, []byte("//go:build ignore"), []byte("//go:build "+constraint), 1)
	}
	return patched, nil
}

// goEnviron adds -overlay to GOFLAGS when a go command is installed whose
// package testing is known.
func goEnviron(s *Session, e *environ) {
	roots := goRoots(e)
	if len(roots) == 0 {
		return
	}
	flags := goSetting(e, roots[0], "GOFLAGS")
	if strings.Contains(flags, "-overlay") {
		return // the user's own
	}
	overlay, err := s.writeGoOverlay(e, roots)
	if err != nil || overlay == "" {
		return
	}
	e.set("GOFLAGS", strings.TrimSpace(flags+" -overlay="+overlay))
}

// writeGoOverlay writes the copies and gives the path of the overlay file, ""
// when no distribution could be used.
func (s *Session) writeGoOverlay(e *environ, roots []string) (string, error) {
	// The underscore keeps the folder out of ./... (go help packages).
	dir := s.Path("_go")
	replace := map[string]string{}
	for i, root := range roots {
		testing := filepath.Join(root, "src", "testing")
		patched, err := patchGo(testing)
		if err != nil {
			continue
		}
		copies := filepath.Join(dir, strconv.Itoa(i))
		if err := errors.Join(makeDir(dir), makeDir(copies)); err != nil {
			return "", err
		}
		for name, source := range patched {
			to := filepath.Join(copies, name)
			if err := writeFile(to, source, 0o644); err != nil {
				return "", err
			}
			for _, alias := range goAliases(e, root) {
				replace[filepath.Join(alias, "src", "testing", name)] = to
			}
		}
	}
	if len(replace) == 0 {
		return "", nil
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, writeFile(path, text, 0o644)
}

// goLayouts are the places where distributions are found besides the one on
// PATH: the default of go.dev/doc/install, Debian's, Snap's, the tool cache of
// hosted runners, golang.org/dl and the version managers asdf, goenv, gvm and
// mise. A leading ~ is the home folder.
var goLayouts = []string{
	"/usr/local/go", "/usr/lib/go", "/snap/go/current", "/opt/hostedtoolcache/go/*/*",
	"~/sdk/go*", "~/.asdf/installs/golang/*/go", "~/.goenv/versions/*", "~/.gvm/gos/*", "~/.local/share/mise/installs/go/*",
}

const maxGoRoots = 24 // some 0.5 ms each

// goRoots are the distributions that the command may use, the one that runs
// first: GOROOT, the one on PATH, those of goLayouts. There is none when one of
// them is older than Go 1.16, whose go command would refuse the flag.
func goRoots(e *environ) []string {
	roots := []string{e.get("GOROOT"), goOnPath(e)}
	for _, layout := range goLayouts {
		if rest, ok := strings.CutPrefix(layout, "~"); ok {
			if e.get("HOME") == "" {
				continue
			}
			layout = e.get("HOME") + rest
		}
		roots = append(roots, newestFirst(layout)...)
	}
	var found []string
	for _, root := range roots {
		root, err := filepath.EvalSymlinks(root)
		if err != nil || slices.Contains(found, root) || !isGoRoot(root) {
			continue
		}
		if tooOldGo(root) {
			return nil
		}
		found = append(found, root)
	}
	found = slices.DeleteFunc(found, func(root string) bool {
		return strings.HasPrefix(root, goModCache(e, root)+"/")
	})
	return found[:min(len(found), maxGoRoots)]
}

// goOnPath is the distribution of the first go on PATH; "" when there is none
// or when it is a version manager's shim.
func goOnPath(e *environ) string {
	for _, dir := range filepath.SplitList(e.get("PATH")) {
		path := filepath.Join(dir, "go")
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			continue
		}
		path, err := filepath.EvalSymlinks(path)
		if err != nil {
			return ""
		}
		return filepath.Dir(filepath.Dir(path))
	}
	return ""
}

func isGoRoot(root string) bool {
	_, err := os.Stat(filepath.Join(root, "src", "testing", "testing.go"))
	return err == nil
}

var oldGo = regexp.MustCompile(`^go1\.(\d|1[0-5])(\D|$)`)

func tooOldGo(root string) bool {
	version, err := os.ReadFile(filepath.Join(root, "VERSION"))
	return err == nil && oldGo.Match(version)
}

// newestFirst is filepath.Glob, the highest path first.
func newestFirst(pattern string) []string {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil
	}
	slices.Sort(paths)
	slices.Reverse(paths)
	return paths
}

// goAliases are the names under which the go command may know its own root:
// GOROOT as it stands, else the one that it was built with when that is the
// same folder.
func goAliases(e *environ, root string) []string {
	aliases := []string{root}
	info, err := os.Stat(root)
	if err != nil {
		return aliases
	}
	for _, path := range []string{e.get("GOROOT"), "/usr/local/go", "/usr/lib/go", "/usr/lib/golang", "/snap/go/current"} {
		if path == "" {
			continue
		}
		path = filepath.Clean(path)
		if other, err := os.Stat(path); err == nil && !slices.Contains(aliases, path) && os.SameFile(info, other) {
			aliases = append(aliases, path)
		}
	}
	return aliases
}

// goModCache is `go env GOMODCACHE`, with its symbolic links resolved.
func goModCache(e *environ, root string) string {
	dir := goSetting(e, root, "GOMODCACHE")
	if dir == "" {
		path := filepath.SplitList(goSetting(e, root, "GOPATH"))
		if len(path) == 0 || path[0] == "" {
			path = []string{filepath.Join(e.get("HOME"), "go")}
		}
		dir = filepath.Join(path[0], "pkg", "mod")
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		return resolved
	}
	return filepath.Clean(dir)
}

// goSetting is what `go env NAME` says (go help environment): the variable,
// else the user's file that `go env -w` writes, else the distribution's. The
// files are read here because starting go costs the command 20 ms.
func goSetting(e *environ, root, name string) string {
	if value := e.get(name); value != "" {
		return value
	}
	files := []string{filepath.Join(root, "go.env")}
	switch user := e.get("GOENV"); {
	case user == "off":
	case user != "":
		files = slices.Insert(files, 0, user)
	case e.get("XDG_CONFIG_HOME") != "":
		files = slices.Insert(files, 0, filepath.Join(e.get("XDG_CONFIG_HOME"), "go", "env"))
	case e.get("HOME") != "":
		files = slices.Insert(files, 0, filepath.Join(e.get("HOME"), ".config", "go", "env"))
	}
	for _, file := range files {
		if value := goFileSetting(file, name); value != "" {
			return value
		}
	}
	return ""
}

func goFileSetting(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	value := ""
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, v, ok := strings.Cut(lines.Text(), "="); ok && key == name {
			value = v
		}
	}
	return value
}
