// Package workspace finds where tests are defined in the user's files.
//
// It reads and never writes, stays below its root whatever symbolic links say,
// passes over what it cannot read, and gives up when its time is over. It does
// not guess: where two places could be meant it names none.
package workspace

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf8"
)

// maxFile is the size in bytes above which a file is not read: no test is
// written by hand in a file that large.
const maxFile = 2 << 20

// maxID bounds the ids that are looked for, in bytes: names longer than this
// were made by a program.
const maxID = 10_000

// Workspace is a tree of source files.
type Workspace struct {
	root string // absolute, without symbolic links

	mu    sync.Mutex
	files []string // relative paths of all files, once a walk was complete
	whole bool
}

// Open gives the workspace at root. It never fails: a root that cannot be read
// is an empty workspace.
func Open(root string) *Workspace {
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	return &Workspace{root: root}
}

// Locate finds the test with the given id. framework is the name that the test
// was reported with; file and line are what was reported about its place, if
// anything. relFile is relative to the root, with slashes; relLine counts from
// 1 and is 0 when only the file is certain. ok is false when not even that is.
//
// Locate returns when ctx is done; what is then not certain is not found.
func (w *Workspace) Locate(ctx context.Context, framework, id, file string, line int) (relFile string, relLine int, ok bool) {
	if !utf8.ValidString(id) || len(id) > maxID {
		return "", 0, false
	}
	root, err := os.OpenRoot(w.root)
	if err != nil {
		return "", 0, false
	}
	defer root.Close()
	l := &lookup{Workspace: w, ctx: ctx, root: root, framework: framework, id: id}
	if file != "" {
		l.file, _ = l.resolve(file)
		if l.file == "" && filepath.IsAbs(file) {
			return "", 0, false
		}
		if l.file != "" && line > 0 {
			return l.file, line, true
		}
	}
	p := place{file: l.file}
	if find := locators[strings.ToLower(framework)]; find != nil && id != "" {
		if found := find(l); found.file != "" {
			p = found
		}
	}
	return p.file, p.line, p.file != ""
}

// place is where something is; line 0 is not known, file "" neither.
type place struct {
	file string
	line int
}

// lookup is one search.
type lookup struct {
	*Workspace
	ctx       context.Context
	root      *os.Root
	framework string
	id        string
	file      string // relative path of the file that the test is known to be in
}

// locator finds the place of a test; the zero place when it is not certain.
type locator func(*lookup) place

// locators are by the lower-case name of the framework. A name that is not
// there has none.
var locators = map[string]locator{}

func init() {
	for _, name := range []string{"go", "go test", "gotest", "gotestsum"} {
		locators[name] = goTest
	}
	for _, name := range []string{"pytest", "pytest-xdist"} {
		locators[name] = pytest
	}
	locators["unittest"] = unittest
	for _, name := range []string{"jest", "vitest", "mocha", "node:test", "node", "cypress"} {
		locators[name] = javascript
	}
	for _, name := range []string{"playwright", "rspec", "exunit", "prove"} {
		locators[name] = named
	}
	for name, find := range declared {
		locators[name] = find
	}
}

// resolve finds the file that a path means: the path itself below the root,
// or the only file that ends with it.
func (l *lookup) resolve(file string) (string, bool) {
	file = strings.TrimPrefix(filepath.ToSlash(file), "file://")
	if path.IsAbs(file) {
		return l.inside(file)
	}
	file = path.Clean(file)
	if strings.HasPrefix(file, "../") || file == "." || file == ".." {
		return "", false
	}
	if l.regular(file) {
		return file, true
	}
	return l.only(func(have string) bool { return strings.HasSuffix(have, "/"+file) })
}

// inside makes an absolute path relative to the root.
func (l *lookup) inside(file string) (string, bool) {
	for _, f := range []string{file, realPath(file)} {
		rel, err := filepath.Rel(l.Workspace.root, f)
		if err == nil && rel != ".." && !strings.HasPrefix(rel, "../") && l.regular(rel) {
			return filepath.ToSlash(rel), true
		}
	}
	return "", false
}

func realPath(file string) string {
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return file
	}
	return real
}

func (l *lookup) regular(file string) bool {
	info, err := l.root.Stat(file)
	return err == nil && info.Mode().IsRegular()
}

// only gives the one file that fits, when the whole tree was seen.
func (l *lookup) only(fits func(file string) bool) (string, bool) {
	found := ""
	files, whole := l.list()
	for _, f := range files {
		if !fits(f) {
			continue
		}
		if found != "" {
			return "", false
		}
		found = f
	}
	return found, found != "" && whole
}

// read gives a file's contents; nil when it cannot be read or is too large.
func (l *lookup) read(file string) []byte {
	if l.ctx.Err() != nil {
		return nil
	}
	info, err := l.root.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil
	}
	data, err := l.root.ReadFile(file)
	if err != nil {
		return nil
	}
	return data
}
