package kernel

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

const (
	maxEnviron  = 4 << 20  // bytes read of an environment
	maxVariable = 16 << 10 // bytes of one variable; a longer one is left out
)

// Environ gives the values of keys in the environment that a process was
// started with, from /proc/PID/environ (proc_pid_environ(5)). Other variables
// are not kept, as they may hold secrets. A key that is not set is absent. It
// needs the same user, or CAP_SYS_PTRACE.
func (fs FS) Environ(pid int, keys ...string) (map[string]string, error) {
	path := ofProcess(pid, "environ")
	f, err := os.Open(fs.root + path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	defer f.Close()
	values, err := parseEnviron(io.LimitReader(f, maxEnviron), keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	return values, nil
}

// parseEnviron reads NAME=value entries, each with a NUL after it. If a name
// stands there twice, the first counts, as with getenv(3).
func parseEnviron(from io.Reader, keys []string) (map[string]string, error) {
	values := make(map[string]string, len(keys))
	r := bufio.NewReaderSize(from, maxVariable)
	for {
		entry, err := r.ReadSlice(0)
		tooLong := false
		for errors.Is(err, bufio.ErrBufferFull) {
			tooLong = true
			entry, err = r.ReadSlice(0)
		}
		name, value, ok := bytes.Cut(bytes.TrimSuffix(entry, []byte{0}), []byte{'='})
		if ok && !tooLong && slices.Contains(keys, string(name)) {
			if _, twice := values[string(name)]; !twice {
				values[string(name)] = string(value)
			}
		}
		if err == io.EOF {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
