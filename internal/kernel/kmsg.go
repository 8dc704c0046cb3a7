package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// KmsgRecord is one record of the kernel log as /dev/kmsg gives it
// (Documentation/ABI/testing/dev-kmsg).
type KmsgRecord struct {
	// Facility says who wrote it: 0 is the kernel alone. What user space
	// writes to /dev/kmsg has another one, whatever it asks for.
	Facility int
	Priority int    // 0 (emergency) to 7 (debug)
	Sequence uint64 // number of the record; what is missing was overwritten
	Time     uint64 // microseconds since the machine was started (CLOCK_MONOTONIC)
	// Fragment is true for a part of a line that another record began.
	Fragment bool
	// Caller is the thread or the CPU that wrote it, "T123" or "C1", where
	// the kernel says so (CONFIG_PRINTK_CALLER).
	Caller string
	// Text is the line with bytes that cannot be printed and the backslash
	// written as \xNN. The key=value lines that may follow are left out.
	Text string
}

// facilityKern is LOG_KERN of syslog(3).
const facilityKern = 0

// ParseKmsg parses one record: "priority,sequence,time,flags[,…];text". Fields
// that are not known are skipped, as the document asks for.
func ParseKmsg(record []byte) (KmsgRecord, error) {
	head, text, ok := bytes.Cut(record, []byte{';'})
	if !ok {
		return KmsgRecord{}, errors.New("a kernel log record has no semicolon")
	}
	var numbers [3]uint64
	for i := range numbers {
		var field []byte
		field, head, ok = bytes.Cut(head, []byte{','})
		if !ok && i < len(numbers)-1 {
			return KmsgRecord{}, errors.New("a kernel log record has fewer than three numbers before the semicolon")
		}
		var err error
		if numbers[i], err = number(field); err != nil {
			return KmsgRecord{}, fmt.Errorf("a kernel log record begins badly: %w", err)
		}
	}
	const facilities = 1 << 8 // eight bits (dev-kmsg)
	if numbers[0] >= facilities<<3 {
		return KmsgRecord{}, fmt.Errorf("a kernel log record has the priority %d, which is above %d", numbers[0], facilities<<3-1)
	}
	r := KmsgRecord{
		Facility: int(numbers[0] >> 3), Priority: int(numbers[0] & 7),
		Sequence: numbers[1], Time: numbers[2],
	}
	flags, more, _ := bytes.Cut(head, []byte{','})
	r.Fragment = bytes.ContainsAny(flags, "c+")
	for field := range bytes.SplitSeq(more, []byte{','}) {
		if caller, ok := bytes.CutPrefix(field, []byte("caller=")); ok {
			r.Caller = string(caller)
		}
	}
	text, _, _ = bytes.Cut(text, []byte{'\n'})
	r.Text = string(text)
	return r, nil
}

// unescapeHex gives a text back the bytes that the kernel log writes as \xNN.
// What is not UTF-8 then becomes U+FFFD.
func unescapeHex(s string) string {
	if strings.Contains(s, `\x`) {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if strings.HasPrefix(s[i:], `\x`) && i+3 < len(s) && isHex(s[i+2]) && isHex(s[i+3]) {
				b.WriteByte(hex(s[i+2])<<4 | hex(s[i+3]))
				i += 3
				continue
			}
			b.WriteByte(s[i])
		}
		s = b.String()
	}
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
