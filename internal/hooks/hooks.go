// Package hooks lets test frameworks report their tests: small plugins that
// frameworks load through environment variables, and the file to which the
// plugins append an event when a test starts and when it finishes.
//
// One line of the event file is one event, a JSON object of less than
// [MaxLine] bytes, written with a single write(2) to a file opened with
// O_WRONLY, O_APPEND and O_CLOEXEC and without O_CREAT:
//
//	{"e":"start","id":"t/a_test.py::test_x","fw":"pytest","file":"/w/t/a_test.py","line":12,"pid":4242,"t":1767225600123.4,"rss":31457280}
//
//	e        start, finish, pause, resume, phase or loaded (see [Action])
//	id       the framework's way to name one test on its command line; a plugin cuts it to [MaxID] bytes
//	fw       the framework
//	file     absolute path of the file that defines the test
//	line     of the definition, from 1
//	pid      getpid(2) of the process that runs the test, in its own PID namespace
//	t        Unix time in milliseconds, with or without a fraction
//	rss      resident memory of that process in bytes
//	phase    of a phase: collection, setup, teardown or build; "" when it is over
//	outcome  of a finish: passed, failed or skipped
//
// What a plugin does not know it leaves out. An event that was written stays
// when its process is killed; the kernel keeps lines of parallel writers
// apart. Everything in the file is data: a test can write there too.
//
// A plugin never prints, never fails a test, and is silent where
// OOM143_EVENTS is unset or names a file that is gone.
//
// A framework is added by a folder with its plugin and a file LANGUAGE.go that
// registers a [language].
package hooks

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// EventsVariable names the event file to the plugins.
const EventsVariable = "OOM143_EVENTS"

// Session is the plugins' side of one run: a private folder with the plugins
// that the command may load, and the event file. Both are absolute paths
// without characters that a search path or an option list would split at.
type Session struct {
	Dir       string // readable by every user: tests may run as another one
	EventFile string // any user may append to it
}

// Command is what is going to be run.
type Command struct {
	Argv []string
	Dir  string // where it starts; "" for the current folder
}

// A language contributes the plugins of one runtime.
type language struct {
	files embed.FS // copied into Session.Dir under the same paths
	// environ adds the variables that load the plugins. It may write
	// further files to Session.Dir; on trouble it leaves the environment as
	// it is.
	environ func(*Session, *environ)
}

// languages is filled by the init functions of the language files.
var languages []language

func register(l language) { languages = append(languages, l) }

// Open makes the folder of a run below tempDir, or below /tmp where tempDir
// has a space or another character in its path that variables like
// NODE_OPTIONS, GOFLAGS or PYTHONPATH cannot carry.
func Open(tempDir string) (*Session, error) {
	tempDir, err := filepath.Abs(tempDir)
	if err != nil {
		return nil, fmt.Errorf("hooks: %w", err)
	}
	if !plainPath(tempDir) {
		tempDir = "/tmp"
	}
	dir, err := os.MkdirTemp(tempDir, "oom143-hooks-")
	if err != nil {
		return nil, fmt.Errorf("hooks: %w", err)
	}
	s := &Session{Dir: dir, EventFile: filepath.Join(dir, "events.jsonl")}
	if err := s.fill(); err != nil {
		return nil, fmt.Errorf("hooks: %w", errors.Join(err, os.RemoveAll(dir)))
	}
	return s, nil
}

// plainPath tells whether a path survives in every variable: no white space,
// list separator, quote, backslash or character that a shell or an option
// parser gives a meaning.
func plainPath(path string) bool {
	return !strings.ContainsFunc(path, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune("\"'\\:;,=$`!#%&*?[]{}()<>|~^", r)
	})
}

func (s *Session) fill() error {
	if err := os.Chmod(s.Dir, 0o755); err != nil {
		return err
	}
	for _, l := range languages {
		if err := s.copy(l.files); err != nil {
			return err
		}
	}
	return writeFile(s.EventFile, nil, 0o666)
}

func (s *Session) copy(files embed.FS) error {
	return fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		to := filepath.Join(s.Dir, path)
		if entry.IsDir() {
			return makeDir(to)
		}
		data, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		return writeFile(to, data, 0o644)
	})
}

// makeDir and writeFile set the mode whatever the umask is.
func makeDir(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return os.Chmod(path, 0o755)
}

func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.WriteFile(path, data, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// Path is the absolute path of a file or folder in the session's folder.
func (s *Session) Path(name string) string { return filepath.Join(s.Dir, name) }

// Close removes the folder and the event file. Plugins that are still loaded
// somewhere then write to no one.
func (s *Session) Close() error {
	if err := os.RemoveAll(s.Dir); err != nil {
		return fmt.Errorf("hooks: %w", err)
	}
	return nil
}

// Environ is env, as [os.Environ] gives it, with the variables added that make
// frameworks load the plugins. The user's own values stay: a plugin's value is
// put before or behind them. env itself is not changed.
func (s *Session) Environ(env []string, c Command) []string {
	e := newEnviron(env, c)
	for _, l := range languages {
		l.environ(s, e)
	}
	e.set(EventsVariable, s.EventFile)
	return e.vars
}
