//go:build ignore

// Appends the events of this process's tests to the file in OOM143_EVENTS.
// It is compiled into package testing of test binaries, whose own files call
// it (see golang.go). It uses syscall and not os: what a test reads through os
// is part of the test cache's key. It reads and writes by plain system calls:
// syscall.Write and syscall.Pread tell the race detector that one happened
// before the other, and would hide races between tests.

package testing

import (
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

const (
	oom143MaxID   = 3000
	oom143MaxLine = 4095
)

var oom143 struct {
	pkg, dir string // of the test binary; pkg is "" until the file is open
	path     string
	pid      []byte         // as JSON
	page     uint64         // bytes
	stat     syscall.Stat_t // of the event file
	sync.RWMutex
	events, statm int // descriptors
}

// oom143Main is called by MainStart.
func oom143Main(pkg string) {
	path, _ := syscall.Getenv("OOM143_EVENTS")
	if path == "" || !oom143Open(path) || syscall.Fstat(oom143.events, &oom143.stat) != nil {
		return
	}
	oom143.path, oom143.pkg = path, pkg
	oom143.dir, _ = syscall.Getwd()
	oom143.pid = strconv.AppendInt([]byte(`,"pid":`), int64(syscall.Getpid()), 10)
	oom143.page = uint64(syscall.Getpagesize())
	oom143Write("loaded", "", "", 0, "", false)
}

// oom143Start reports a test whose body is fn.
func oom143Start(c *common, fn any) {
	if c.name != "" && oom143Visible(c, fn) {
		oom143StartNamed(c.name, fn)
	}
}

func oom143StartNamed(name string, fn any) {
	if oom143.pkg == "" {
		return
	}
	file, line := oom143Locate(reflect.ValueOf(fn).Pointer())
	oom143Write("start", name, file, line, "", true)
}

func oom143Finish(c *common, fn any) {
	if c.name == "" || !oom143Visible(c, fn) {
		return
	}
	outcome := "passed"
	if c.Failed() {
		outcome = "failed"
	} else if c.Skipped() {
		outcome = "skipped"
	}
	oom143Write("finish", c.name, "", 0, outcome, true)
}

func oom143FinishNamed(name string) { oom143Write("finish", name, "", 0, "", true) }

func oom143Event(action string, c *common) { oom143Write(action, c.name, "", 0, "", false) }

// oom143Visible leaves out what the user does not see as a test: each input
// that a fuzz worker tries, the benchmark that runs the benchmarks, and the
// inner half of a synctest bubble.
func oom143Visible(c *common, fn any) bool {
	if oom143.pkg == "" {
		return false
	}
	switch fn := fn.(type) {
	case func(*T):
		if *isFuzzWorker {
			return false
		}
	case func(*B):
		if f := runtime.FuncForPC(reflect.ValueOf(fn).Pointer()); f != nil && strings.HasPrefix(f.Name(), "testing.") {
			return false
		}
	}
	return c.parent == nil || c.parent.name != c.name
}

// oom143Locate tells where a function is declared. It knows nothing of
// functions in this package (seeds of a fuzz test).
func oom143Locate(pc uintptr) (string, int) {
	f := runtime.FuncForPC(pc)
	if f == nil || strings.HasPrefix(f.Name(), "testing.") {
		return "", 0
	}
	file, line := f.FileLine(pc)
	if strings.HasPrefix(file, "/") {
		return file, line
	}
	// With -trimpath files are named by package; the test runs in its folder.
	i := strings.LastIndexByte(file, '/')
	if i < 0 || file[:i] != oom143.pkg {
		return "", 0
	}
	file = oom143.dir + file[i:]
	var stat syscall.Stat_t
	if syscall.Stat(file, &stat) != nil {
		return "", 0
	}
	return file, line
}

func oom143Write(action, name, file string, line int, outcome string, rss bool) {
	if oom143.pkg == "" {
		return
	}
	b := make([]byte, 0, 512)
	b = append(b, `{"e":"`...)
	b = append(b, action...)
	b = append(b, `","fw":"go"`...)
	if name != "" {
		b = oom143Quote(append(b, `,"id":"`...), oom143.pkg, ".", name)
	}
	if file != "" && len(file) < 512 {
		b = oom143Quote(append(b, `,"file":"`...), file)
		b = strconv.AppendInt(append(b, `,"line":`...), int64(line), 10)
	}
	if outcome != "" {
		b = append(append(append(b, `,"outcome":"`...), outcome...), '"')
	}
	b = append(b, oom143.pid...)
	var now syscall.Timeval // not time.Now, which a synctest bubble replaces
	if syscall.Gettimeofday(&now) == nil {
		b = strconv.AppendInt(append(b, `,"t":`...), int64(now.Sec)*1000+int64(now.Usec)/1000, 10)
	}
	oom143.RLock()
	defer oom143.RUnlock()
	if !oom143Check() {
		return
	}
	if rss {
		b = oom143RSS(b)
	}
	if b = append(b, '}', '\n'); len(b) <= oom143MaxLine {
		syscall.Syscall(syscall.SYS_WRITE, uintptr(oom143.events), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	}
}

// oom143Quote appends the parts as one JSON text with its closing quote, cut at
// the longest that an id may be.
func oom143Quote(b []byte, parts ...string) []byte {
	const hex = "0123456789abcdef"
	end := len(b) + oom143MaxID - len(`\u0000`)
	for _, s := range parts {
		for i := 0; i < len(s) && len(b) < end; i++ {
			if c := s[i]; c < ' ' || c == '"' || c == '\\' {
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}

// oom143RSS appends the resident memory (proc_pid_statm(5), second field).
func oom143RSS(b []byte) []byte {
	var text [64]byte
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PREAD64, uintptr(oom143.statm), uintptr(unsafe.Pointer(&text)), uintptr(len(text)), 0, 0, 0)
	if errno != 0 {
		return b
	}
	pages, fields := uint64(0), 0
	for _, c := range text[:n] {
		switch {
		case c == ' ':
			fields++
		case fields == 1 && '0' <= c && c <= '9':
			pages = pages*10 + uint64(c-'0')
		}
	}
	if fields < 2 {
		return b
	}
	return strconv.AppendUint(append(b, `,"rss":`...), pages*oom143.page, 10)
}

func oom143Open(path string) bool {
	events, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_APPEND|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	oom143.events = events
	oom143.statm, err = syscall.Open("/proc/self/statm", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		oom143.statm = -1
	}
	return true
}

// oom143Check tells whether the descriptor still is the event file. A test may
// have closed it, and its number may be another file's now.
func oom143Check() bool {
	if oom143Same() {
		return true
	}
	oom143.RUnlock()
	oom143.Lock()
	if !oom143Same() && !(oom143Open(oom143.path) && oom143Same()) {
		oom143.events, oom143.statm = -1, -1
	}
	oom143.Unlock()
	oom143.RLock()
	return oom143.events >= 0
}

func oom143Same() bool {
	var stat syscall.Stat_t
	return syscall.Fstat(oom143.events, &stat) == nil && stat.Ino == oom143.stat.Ino && stat.Dev == oom143.stat.Dev
}
