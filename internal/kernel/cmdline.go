package kernel

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// maxCmdline bounds what is read of a command line, in bytes.
const maxCmdline = 32 << 10

// Cmdline gives the words of a process's command line, from /proc/PID/cmdline
// (proc_pid_cmdline(5)), up to maxCmdline bytes. It is empty for kernel
// threads and zombies. A process can write there what it likes.
func (fs FS) Cmdline(pid int) ([]string, error) {
	path := ofProcess(pid, "cmdline")
	fd, err := open(fs.root+path, unix.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	var text []byte
	var buf [4096]byte
	for len(text) < maxCmdline {
		n, err := unix.Pread(fd, buf[:], int64(len(text)))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if n <= 0 {
			break
		}
		text = append(text, buf[:n]...)
	}
	return parseCmdline(text), nil
}

// parseCmdline splits at the NUL after each word. Programs that write their
// title there leave any number of them at the end.
func parseCmdline(b []byte) []string {
	text := strings.TrimRight(string(b), "\x00")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\x00")
}
