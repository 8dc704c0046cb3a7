package testlog

import "strings"

// What runtimes print when they reach a ceiling of their own, with the exit
// statuses that follow. Sources: V8 src/api/api.cc (FatalProcessOutOfMemory),
// HotSpot debug.cpp (report_java_out_of_memory), CPython
// Objects/exceptions.c, Go runtime/malloc.go, php-src Zend/zend_alloc.c, Ruby
// gc.c, Rust std/src/alloc.rs, libstdc++ vterminate.cc, perl util.c, .NET
// System.Private.CoreLib.
func init() {
	v8 := Message{Kind: heapLimit, Runtime: "V8", Statuses: []int{134, 133}}
	jvm := Message{Kind: heapLimit, Runtime: "JVM", Statuses: []int{1}}
	golang := Message{Kind: heapLimit, Runtime: "Go", Statuses: []int{2}}
	php := Message{Kind: heapLimit, Runtime: "PHP", Statuses: []int{255}}
	dotnet := Message{Kind: heapLimit, Runtime: ".NET", Statuses: []int{134, 139, 1}}
	message(
		rule{"FATAL ERROR: ", v8, v8Fatal},
		rule{"JS heap out of memory", Message{Kind: heapLimit, Runtime: "V8", Statuses: []int{1}}, nil},
		rule{"Array buffer allocation failed", Message{Kind: heapLimit, Runtime: "V8", Statuses: []int{1}}, v8Range},
		rule{"Mark-Compact", Message{}, v8Collection},
		rule{"Mark-sweep", Message{}, v8Collection},
		rule{" ms: Scavenge ", Message{}, v8Collection},

		rule{"java.lang.OutOfMemoryError", jvm, jvmError},
		rule{"Java heap space", jvm, surefireHeap},
		rule{"There is insufficient memory for the Java Runtime", Message{Kind: heapLimit, Runtime: "JVM", Statuses: []int{1, 134}}, nil},

		rule{"MemoryError", Message{Kind: heapLimit, Runtime: "Python", Statuses: []int{1, 3}}, pythonError},
		rule{"failed to allocate memory (NoMemoryError)", Message{Kind: heapLimit, Runtime: "Ruby", Statuses: []int{1}}, nil},

		rule{"fatal error: runtime: out of memory", golang, atStart},
		rule{"fatal error: out of memory", golang, atStart},
		rule{"runtime: out of memory: cannot allocate ", golang, atStart},
		rule{"runtime: cannot allocate memory", golang, goAllocate},

		rule{"Allowed memory size of ", php, phpLimit},
		rule{"Out of memory (allocated ", php, nil},

		rule{"System.OutOfMemoryException", dotnet, nil},
		rule{"memory allocation of ", Message{Kind: heapLimit, Runtime: "Rust", Statuses: []int{134}}, rustAllocation},
		rule{"std::bad_alloc", Message{Kind: heapLimit, Runtime: "C++", Statuses: []int{134}}, badAlloc},
		rule{"Cannot allocate ", Message{Kind: heapLimit, Runtime: "BEAM", Statuses: []int{1, 134}}, beamAllocate},
		rule{"Out of memory in perl", Message{Kind: heapLimit, Runtime: "Perl", Statuses: []int{1}}, nil},
		rule{"panic: test timed out after ", Message{Kind: timedOut, Runtime: goTest, Statuses: []int{2}}, nil},
	)
	begin("Out of memory", "Killed", "Terminated", "Aborted")
}

// alone reads words that mean something only as a whole line: they are too
// common elsewhere.
func (s *Scanner) alone(text string) bool {
	text = strings.TrimSpace(text)
	switch text {
	case "Out of memory!":
		s.say(Message{Kind: heapLimit, Runtime: "Perl", Text: text, Statuses: []int{1}})
		return true
	case "Out of memory.":
		s.say(Message{Kind: heapLimit, Runtime: ".NET", Text: text, Statuses: []int{134, 139}})
		return true
	}
	return s.shellAlone(text)
}

// atStart tells whether the line begins with the words that found it.
func atStart(_ *Scanner, text string, _ *Message) bool {
	return strings.HasPrefix(text, "fatal error: ") || strings.HasPrefix(text, "runtime: ")
}

// v8Fatal reads "FATAL ERROR: Reached heap limit Allocation failed -
// JavaScript heap out of memory" and its forms in other versions.
func v8Fatal(s *Scanner, text string, m *Message) bool {
	rest, _ := after(text, "FATAL ERROR: ")
	if !strings.HasSuffix(strings.TrimSpace(rest), "out of memory") {
		return false
	}
	if s.talk.gcPID > 0 && s.lines-s.talk.gcLine < 20 {
		m.PID = s.talk.gcPID
	}
	return true
}

func v8Range(_ *Scanner, text string, _ *Message) bool {
	return strings.Contains(text, "RangeError: Array buffer allocation failed")
}

// v8Collection reads the process of "[PID:0x…]  1032 ms: Mark-Compact …",
// which V8 lists before it gives up. It is no message of its own.
func v8Collection(s *Scanner, text string, _ *Message) bool {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "[")
	if !ok || !strings.Contains(rest, " ms: ") {
		return false
	}
	if pid, ok := small(rest); ok {
		s.talk.gcPID, s.talk.gcLine = pid, s.lines
	}
	return false
}

// jvmError reads OutOfMemoryError with the reasons that are about memory: not
// "unable to create native thread".
func jvmError(_ *Scanner, text string, m *Message) bool {
	before, reason, _ := strings.Cut(text, "java.lang.OutOfMemoryError")
	if strings.Contains(reason, "native thread") {
		return false
	}
	switch {
	case strings.HasPrefix(before, "Terminating due to "):
		m.Statuses = []int{3}
	case strings.HasPrefix(before, "Aborting due to "):
		m.Statuses = []int{134}
	case strings.Contains(reason, "thrown from the UncaughtExceptionHandler"):
		m.Statuses = nil
	case strings.HasSuffix(before, "new ") || strings.HasSuffix(before, "catch (") || strings.HasSuffix(before, "throws "):
		return false
	}
	return true
}

// surefireHeap reads "Java heap space" as Surefire repeats it: behind its
// "[ERROR] " and alone.
func surefireHeap(_ *Scanner, text string, _ *Message) bool {
	return strings.TrimSpace(text) == "[ERROR] Java heap space"
}

// pythonError reads the last line of a traceback, as the interpreter or
// pytest ("E   ") prints it: the class with its module, then what it says.
func pythonError(_ *Scanner, text string, _ *Message) bool {
	t := strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(t, "E  "); ok {
		t = strings.TrimSpace(rest)
	}
	class, _, _ := strings.Cut(t, ":")
	class, found := strings.CutSuffix(class, "MemoryError")
	if !found {
		return false
	}
	return class == "" || strings.HasSuffix(class, "._Array") && !strings.Contains(class, " ")
}

func goAllocate(_ *Scanner, text string, _ *Message) bool {
	return strings.HasPrefix(strings.TrimPrefix(text, "fatal error: "), "runtime: cannot allocate memory")
}

// phpLimit reads "Allowed memory size of N bytes exhausted".
func phpLimit(_ *Scanner, text string, m *Message) bool {
	rest, _ := after(text, "Allowed memory size of ")
	n, ok := number(rest)
	m.Limit = n
	return ok && strings.Contains(rest, " bytes exhausted")
}

// rustAllocation reads "memory allocation of N bytes failed".
func rustAllocation(_ *Scanner, text string, _ *Message) bool {
	rest, _ := after(text, "memory allocation of ")
	_, ok := number(rest)
	return ok && strings.Contains(rest, " bytes failed")
}

// badAlloc reads what std::terminate and GoogleTest say of an exception that
// nobody caught.
func badAlloc(_ *Scanner, text string, m *Message) bool {
	switch {
	case strings.Contains(text, "terminate called after throwing an instance of 'std::bad_alloc'"):
		return true
	case strings.Contains(text, `C++ exception with description "std::bad_alloc"`):
		m.Statuses = []int{1}
		return true
	}
	return false
}

// beamAllocate reads the Erlang runtime's "eheap_alloc: Cannot allocate N
// bytes of memory (of type "heap").".
func beamAllocate(_ *Scanner, text string, _ *Message) bool {
	return strings.Contains(text, "_alloc: Cannot allocate ") && strings.Contains(text, " bytes of memory (of type ")
}
