package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	// maxKept bounds the files that an FS keeps open.
	maxKept = 64
	// keptBuffer holds the largest of them: /proc/vmstat has some 4 KiB and
	// a v2 memory.stat some 2 KiB, and both grow with the kernel.
	keptBuffer = 16 << 10
)

// name is a kernel file as the machine names it, without the root.
type name struct{ dir, base string }

// kept are the files that are read again and again, with one buffer for all.
type kept struct {
	mu   sync.Mutex
	open map[name]int
	buf  [keptBuffer]byte
}

// readKept reads the file base in dir through the descriptor that is kept
// open, and parses it. parse must not hold on to the bytes.
func readKept[T any](fs FS, dir, base string, parse func([]byte) (T, error)) (T, error) {
	fs.kept.mu.Lock()
	defer fs.kept.mu.Unlock()
	var value T
	b, err := fs.kept.read(fs.root, name{dir, base})
	if err == nil {
		value, err = parse(b)
	}
	if err != nil {
		return value, fmt.Errorf("%s/%s: %w", dir, base, err)
	}
	return value, nil
}

func (k *kept) read(root string, n name) ([]byte, error) {
	if fd, ok := k.open[n]; ok {
		if b, err := readAt(fd, k.buf[:]); err == nil {
			return b, nil
		}
		// A cgroup that was removed gives ENODEV for ever; another one may
		// have its name now.
		unix.Close(fd)
		delete(k.open, n)
	}
	fd, err := open(root+n.dir+"/"+n.base, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	b, err := readAt(fd, k.buf[:])
	if err != nil || len(k.open) >= maxKept {
		unix.Close(fd)
		return b, err
	}
	k.open[n] = fd
	return b, nil
}

func (k *kept) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for n, fd := range k.open {
		unix.Close(fd)
		delete(k.open, n)
	}
}

func open(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// readAt reads the file from its beginning into buf. What does not fit is
// left out, by whole lines: half a number is a wrong number.
func readAt(fd int, buf []byte) ([]byte, error) {
	n := 0
	for n < len(buf) {
		m, err := unix.Pread(fd, buf[n:], int64(n))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m <= 0 {
			return buf[:n], nil
		}
		n += m
	}
	return buf[:bytes.LastIndexByte(buf, '\n')+1], nil
}

// readInto reads a small file, once, into buf.
func (fs FS) readInto(path string, buf []byte) ([]byte, error) {
	fd, err := open(fs.root+path, unix.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	b, err := readAt(fd, buf)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// maxFile bounds the files that are read as a whole: lists of processes and
// of mounts.
const maxFile = 4 << 20

// read reads a file as a whole, once. What is beyond maxFile is left out, by
// whole lines.
func (fs FS) read(path string) ([]byte, error) {
	f, err := os.Open(fs.root + path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	if len(b) == maxFile {
		b = b[:bytes.LastIndexByte(b, '\n')+1]
	}
	return b, nil
}

// reason is an error without the path that package os puts before it.
func reason(err error) error {
	var with *os.PathError
	if errors.As(err, &with) {
		return with.Err
	}
	return err
}

// exists tells whether there is a file or folder of that name.
func (fs FS) exists(path string) bool {
	return unix.Access(fs.root+path, unix.F_OK) == nil
}

// ofProcess is the path of a file of a process.
func ofProcess(pid int, base string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + base
}
