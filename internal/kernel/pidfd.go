package kernel

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// OpenPidfd gives a descriptor of a process that stays its own even when its
// number is used again (pidfd_open(2), Linux 5.3 and later). The caller
// closes it. The descriptor becomes readable when the process ends.
func OpenPidfd(pid int) (int, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, fmt.Errorf("pidfd_open %d: %w", pid, err)
	}
	return fd, nil
}

// pidfdInfo is struct pidfd_info in its first version, PIDFD_INFO_SIZE_VER0
// (include/uapi/linux/pidfd.h).
type pidfdInfo struct {
	mask                     uint64
	cgroupID                 uint64
	pid, tgid, ppid          uint32
	ruid, rgid, euid, egid   uint32
	suid, sgid, fsuid, fsgid uint32
	exitCode                 int32
}

const (
	// pidfdInfoExit is PIDFD_INFO_EXIT (include/uapi/linux/pidfd.h, Linux
	// 6.15 and later).
	pidfdInfoExit = 1 << 3
	// pidfdGetInfo is PIDFD_GET_INFO: _IOWR(PIDFS_IOCTL_MAGIC, 11, struct
	// pidfd_info) with the magic number 0xFF, as it comes out on amd64 and
	// arm64 (include/uapi/asm-generic/ioctl.h).
	pidfdGetInfo = 3<<30 | unsafe.Sizeof(pidfdInfo{})<<16 | 0xFF<<8 | 11
)

// PidfdExit tells how the process of a descriptor from [OpenPidfd] ended, also
// when it is another's child. ok is false as long as it has not ended or its
// parent has not waited for it, and for ever where the kernel cannot tell
// (before Linux 6.15).
func PidfdExit(fd int) (status unix.WaitStatus, ok bool, err error) {
	info := pidfdInfo{mask: pidfdInfoExit}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), pidfdGetInfo, uintptr(unsafe.Pointer(&info)))
	switch {
	case errno == 0 && info.mask&pidfdInfoExit != 0:
		return unix.WaitStatus(info.exitCode), true, nil
	case errno == 0:
		return 0, false, nil
	case errors.Is(errno, unix.ENOTTY), errors.Is(errno, unix.EINVAL):
		return 0, false, nil // Linux before 6.13: no such request
	case errors.Is(errno, unix.ESRCH):
		return 0, false, nil // Linux 6.13 and 6.14: gone, and nothing kept
	}
	return 0, false, fmt.Errorf("PIDFD_GET_INFO: %w", errno)
}
