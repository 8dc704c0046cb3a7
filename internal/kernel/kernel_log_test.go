package kernel

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// socketLog gives a log whose records are what is written to the other end of
// a socket: each write one record, as with /dev/kmsg.
func socketLog(t *testing.T) (*KernelLog, func(string)) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	k := KernelLogFromFile(os.NewFile(uintptr(ends[0]), "kmsg"))
	t.Cleanup(func() { k.Close(); unix.Close(ends[1]) })
	return k, func(record string) {
		if _, err := unix.Write(ends[1], []byte(record)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKernelLogRead(t *testing.T) {
	k, log := socketLog(t)
	began := time.Now()
	if kills, err := k.Read(); err != nil || kills != nil {
		t.Errorf("Read of an empty log = %v, %v", kills, err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("Read of an empty log took %v", took)
	}
	log("6,1,1,-;" + memcgSummary("/l", "/l/t", "b", 70))
	if kills, err := k.Read(); err != nil || kills != nil {
		t.Errorf("Read before the kill = %v, %v", kills, err)
	}
	log("garbage")
	log("11,2,1,-;Out of memory: Killed process 1 (fake)" + sizes)
	log("3,3,1,-;Memory cgroup out of memory: Killed process 70 (b)" + sizes)
	log("3,4,1,-;Out of memory: Killed process 71 (c)" + sizes)
	kills, err := k.Read()
	if err != nil || len(kills) != 2 || kills[0].PID != 70 || kills[0].LimitCgroup != "/l" || kills[1].PID != 71 {
		t.Errorf("Read = %+v, %v; want 70 and 71", kills, err)
	}
	if kills, err := k.Read(); err != nil || kills != nil {
		t.Errorf("second Read = %v, %v; want nothing", kills, err)
	}
}

func TestKernelLogOverrun(t *testing.T) {
	k, _ := socketLog(t)
	steps := []struct {
		record string
		err    error
	}{
		{record: "6,1,1,-;" + memcgSummary("/l", "/l/t", "b", 70)},
		{err: unix.EPIPE},
		{err: unix.EINTR},
		{record: "3,900,1,-;Memory cgroup out of memory: Killed process 70 (b)" + sizes},
		{err: unix.EAGAIN},
	}
	kills, err := k.drain(func(b []byte) (int, error) {
		s := steps[0]
		steps = steps[1:]
		return copy(b, s.record), s.err
	})
	if err != nil || len(kills) != 1 || kills[0].PID != 70 || kills[0].LimitCgroup != "" {
		t.Errorf("kills after an overrun = %+v, %v; want 70 without what was said before", kills, err)
	}
	if _, err := k.drain(func([]byte) (int, error) { return 0, unix.EIO }); !errors.Is(err, unix.EIO) {
		t.Errorf("error = %v, want EIO", err)
	}
}

// A log that fills faster than it is read does not hold its reader.
func TestKernelLogFlood(t *testing.T) {
	k, _ := socketLog(t)
	n := 0
	kills, err := k.drain(func(b []byte) (int, error) {
		n++
		return copy(b, fmt.Sprintf("6,%d,1,-;usb 1-1: new device", n)), nil
	})
	if err != nil || kills != nil || n != maxRecords {
		t.Errorf("%d records taken, %v, %v; want %d", n, kills, err, maxRecords)
	}
}

func TestOpenKernelLogMissing(t *testing.T) {
	if _, err := OpenKernelLog(tree(t, nil)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v, want os.ErrNotExist", err)
	}
	// What wraps EPERM, which the kernel gives without CAP_SYSLOG, is a
	// question of permission.
	if err := fmt.Errorf("/dev/kmsg: %w", unix.EPERM); !errors.Is(err, os.ErrPermission) {
		t.Error("EPERM is not os.ErrPermission")
	}
}
