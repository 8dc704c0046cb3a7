package kernel

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// KernelLog reads kills from the kernel log as they happen.
type KernelLog struct {
	file    *os.File
	fd      int
	scanner OOMScanner
	buf     [kmsgBuffer]byte
}

const (
	// kmsgBuffer holds any record: the kernel refuses to read into less
	// (PRINTK_MESSAGE_MAX, kernel/printk/printk.c, and before Linux 6.2
	// CONSOLE_EXT_LOG_MAX, 8192).
	kmsgBuffer = 8192
	// maxRecords bounds what one Read takes, should the log fill faster than
	// it is read. A kill takes some hundred records.
	maxRecords = 4096
)

// OpenKernelLog opens /dev/kmsg behind its last record. Where
// kernel.dmesg_restrict is 1 it needs CAP_SYSLOG; the error wraps
// [os.ErrPermission] without it.
func OpenKernelLog(fs FS) (*KernelLog, error) {
	const path = "/dev/kmsg"
	fd, err := open(fs.root+path, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	k := KernelLogFromFile(os.NewFile(uintptr(fd), path))
	// With dmesg_restrict, some kernels let the device be opened and refuse
	// only the reading.
	if _, err := k.Read(); err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

// KernelLogFromFile reads from /dev/kmsg opened by another process, behind its
// last record. It takes f over and makes it non-blocking for all who hold it.
func KernelLogFromFile(f *os.File) *KernelLog {
	k := &KernelLog{file: f, fd: int(f.Fd())}
	// Neither can be done to what is no kernel log, and then it is read from
	// where it stands.
	unix.SetNonblock(k.fd, true)
	unix.Seek(k.fd, 0, unix.SEEK_END)
	return k
}

// Read gives the kills of which the last line has been written since the last
// call. It never blocks. Records that were overwritten before they could be
// read are lost, and with them what they tell.
func (k *KernelLog) Read() ([]OOMKill, error) {
	return k.drain(func(b []byte) (int, error) { return unix.Read(k.fd, b) })
}

// drain takes one record from each call of read.
func (k *KernelLog) drain(read func([]byte) (int, error)) ([]OOMKill, error) {
	var kills []OOMKill
	for range maxRecords {
		n, err := read(k.buf[:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EPIPE:
			k.scanner.Lost()
			continue
		case err == unix.EAGAIN, err == nil && n == 0:
			return kills, nil
		case err != nil:
			return kills, fmt.Errorf("kernel log: %w", err)
		}
		record, err := ParseKmsg(k.buf[:n])
		if err != nil {
			continue // one bad record does not end the log
		}
		if kill, ok := k.scanner.Record(record); ok {
			kills = append(kills, kill)
		}
	}
	return kills, nil
}

// Close closes the log.
func (k *KernelLog) Close() error { return k.file.Close() }
