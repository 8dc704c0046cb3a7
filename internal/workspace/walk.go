package workspace

import (
	"io/fs"
	"path"
	"strings"
)

// maxEntries bounds a walk: files and directories looked at.
const maxEntries = 200_000

// maxFiles bounds the files that a walk remembers.
const maxFiles = 50_000

// skipped are the directories that hold other people's code or what a build
// made. Those whose name begins with a dot are skipped, too.
var skipped = map[string]bool{
	"node_modules": true, "vendor": true, "target": true, "venv": true, "__pycache__": true,
	"bower_components": true, "site-packages": true,
}

// list gives the relative paths of the workspace's source files, and whether
// these are all.
func (l *lookup) list() (files []string, whole bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.whole {
		return l.files, true
	}
	l.files, l.whole = l.walk()
	return l.files, l.whole
}

// walk does not follow symbolic links.
func (l *lookup) walk() (files []string, whole bool) {
	entries := 0
	err := fs.WalkDir(l.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if entries++; entries > maxEntries || len(files) > maxFiles || l.ctx.Err() != nil {
			return fs.ErrInvalid
		}
		if err != nil {
			return fs.SkipDir
		}
		if d.IsDir() {
			base := path.Base(name)
			if name != "." && (skipped[base] || strings.HasPrefix(base, ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() && source(name) {
			files = append(files, name)
		}
		return nil
	})
	return files, err == nil
}

// extensions of the files in which tests or the names of modules stand.
var extensions = map[string]bool{
	".go": true, ".mod": true, ".py": true,
	".js": true, ".cjs": true, ".mjs": true, ".jsx": true, ".ts": true, ".cts": true, ".mts": true, ".tsx": true, ".vue": true, ".svelte": true,
	".java": true, ".kt": true, ".groovy": true, ".scala": true, ".rb": true, ".php": true, ".rs": true,
	".cc": true, ".cpp": true, ".cxx": true, ".c": true, ".h": true, ".hpp": true, ".txt": true,
	".bats": true, ".t": true, ".cs": true, ".fs": true, ".exs": true, ".swift": true, ".bazel": true,
}

func source(name string) bool {
	return extensions[path.Ext(name)] || path.Base(name) == "BUILD"
}
