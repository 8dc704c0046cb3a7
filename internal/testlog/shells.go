package testlog

import "strings"

// What shells, build tools and compilers say of a process of theirs that a
// signal ended. Sources: strsignal(3) by way of bash jobs.c and dash jobs.c,
// GNU make job.c (child_error), GCC gcc.cc and collect2.cc, npm and yarn.
func init() {
	killed := func(runtime string) Message { return Message{Kind: workerKilled, Runtime: runtime} }
	message(
		rule{"Killed                  ", killed("bash"), bashJob},
		rule{"Terminated              ", killed("bash"), bashJob},
		rule{"Aborted                 ", killed("bash"), bashJob},
		rule{"Killed signal terminated program ", killed("gcc"), isKilled},
		rule{"Killed (program ", killed("gcc"), isKilled},
		rule{" terminated with signal 9 [Killed]", killed("gcc"), isKilled},
		rule{"unable to execute command: Killed", killed("clang"), isKilled},
		rule{": signal: killed", killed("go"), goTool},
		rule{" was terminated on line ", killed("just"), justRecipe},
		rule{" died with <Signals.", killed("Python"), pythonChild},
		rule{" exited with code -9", killed("tox"), isKilled},
		rule{"(exited with code -9", killed("tox"), isKilled},
		rule{": exit -9 (", killed("tox"), isKilled},
		rule{"was terminated abruptly while the future was running", killed("Python"), nil},
		rule{"timeout: sending signal ", Message{Kind: timedOut, Runtime: "timeout", Statuses: []int{124, 137}}, timeoutSends},
	)
	begin("make", "gmake", "npm ERR! ", "npm error ", "error Command failed with ", "command terminated with ", "ELIFECYCLE")
}

// begun are the rules for lines that are known by their beginning alone.
var begun = []rule{
	{": *** [", Message{Kind: workerKilled, Runtime: "make"}, makeRecipe},
	{"code 1", Message{Kind: workerKilled, Runtime: "npm"}, npmCode},
	{"Exit status 1", Message{Kind: workerKilled, Runtime: "npm"}, npmCode},
	{"signal ", Message{Kind: workerKilled, Runtime: "npm"}, npmSignal},
}

// shellBegun reads lines of build tools.
func (s *Scanner) shellBegun(l line) bool {
	for _, r := range begun {
		if strings.Contains(l.text, r.word) && s.apply([]rule{r}, l) {
			return true
		}
	}
	return false
}

// shellAlone reads a line that is nothing but a shell's word for the end of
// its last command, as dash prints it.
func (s *Scanner) shellAlone(text string) bool {
	text = strings.TrimSuffix(text, " (core dumped)")
	for _, d := range deaths {
		if text == d.words {
			s.say(Message{Kind: workerKilled, Runtime: "sh", Text: text, Signal: d.signal})
			return true
		}
	}
	return false
}

// bashJob reads "FILE: line N: PID Killed   COMMAND".
func bashJob(_ *Scanner, text string, m *Message) bool {
	for _, d := range deaths {
		before, _, ok := strings.Cut(text, " "+d.words+" ")
		if !ok {
			continue
		}
		i := strings.LastIndex(before, ": line ")
		if i < 0 {
			continue
		}
		_, pid, _ := strings.Cut(before[i+len(": line "):], ": ")
		n, ok := small(strings.TrimSpace(pid))
		if ok && strings.Trim(pid, " 0123456789") == "" {
			m.PID, m.Signal = n, d.signal
			return true
		}
	}
	return false
}

// makeRecipe reads "make: *** [Makefile:2: all] Killed" and "… Error 137". A
// recipe that was killed ends make with 2.
func makeRecipe(_ *Scanner, text string, m *Message) bool {
	program, rest, _ := strings.Cut(text, ": *** [")
	program = program[strings.LastIndexByte(program, ' ')+1:]
	if !strings.HasPrefix(program, "make") && !strings.HasPrefix(program, "gmake") {
		return false
	}
	i := strings.LastIndex(rest, "] ")
	if i < 0 {
		return false
	}
	how := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest[i+2:]), "(core dumped)"))
	m.Statuses = []int{2}
	for _, d := range deaths {
		if how == d.words {
			m.Signal = d.signal
			return true
		}
	}
	status, ok := strings.CutPrefix(how, "Error ")
	code, ok2 := small(status)
	return ok && ok2 && m.coded(code)
}

// npmCode reads the exit status of a script, as package managers and kubectl
// repeat it: "npm ERR! code 137", "npm error Exit status 137", "error Command
// failed with exit code 137.", "ELIFECYCLE  Command failed with exit code 137.",
// "command terminated with exit code 137".
func npmCode(_ *Scanner, text string, m *Message) bool {
	t := strings.TrimSpace(text)
	forms := []struct{ begin, mark, runtime string }{
		{"npm ERR! ", "code ", "npm"}, {"npm ERR! ", "Exit status ", "npm"},
		{"npm error ", "code ", "npm"}, {"npm error ", "Exit status ", "npm"},
		{"error Command failed with exit ", "code ", "yarn"},
		{"command terminated with exit ", "code ", "kubectl"},
	}
	for _, f := range forms {
		if rest, ok := strings.CutPrefix(t, f.begin); ok {
			if status, ok := strings.CutPrefix(rest, f.mark); ok {
				code, _ := small(status)
				m.Runtime, m.Statuses = f.runtime, []int{code}
				return m.coded(code)
			}
		}
	}
	if rest, ok := after(t, "ELIFECYCLE"); ok {
		if status, ok := after(rest, "Command failed with exit code "); ok {
			code, _ := small(status)
			m.Runtime, m.Statuses = "pnpm", []int{code}
			return m.coded(code)
		}
	}
	return false
}

// npmSignal reads "npm ERR! signal SIGKILL" and yarn's "error Command failed
// with signal "SIGKILL".".
func npmSignal(_ *Scanner, text string, m *Message) bool {
	t := strings.TrimSpace(text)
	for _, begin := range []string{"npm ERR! signal ", "npm error signal ", `error Command failed with signal "`} {
		if rest, ok := strings.CutPrefix(t, begin); ok && strings.HasPrefix(rest, "SIG") {
			m.Signal = strings.TrimRight(rest, `".`)
			return len(m.Signal) < 12
		}
	}
	return false
}

// isKilled reads words that speak of SIGKILL whatever else they say.
func isKilled(_ *Scanner, _ string, m *Message) bool {
	m.Signal = "SIGKILL"
	return true
}

// goTool reads "…/tool/linux_amd64/link: signal: killed": the compiler or
// linker of a build, so no test is running.
func goTool(s *Scanner, text string, m *Message) bool {
	tool, _, _ := strings.Cut(text, ": signal: killed")
	for _, name := range []string{"/link", "/compile", "/asm", "/cgo", "/vet"} {
		if strings.HasSuffix(tool, name) {
			s.phase(goTest, build)
			return isKilled(s, text, m)
		}
	}
	return false
}

// justRecipe reads "error: Recipe `x` was terminated on line 3 by signal 9".
func justRecipe(_ *Scanner, text string, m *Message) bool {
	rest, ok := after(text, " by signal ")
	n, ok2 := small(rest)
	return ok && ok2 && strings.Contains(text, "Recipe `") && m.numbered(n)
}

// pythonChild reads subprocess.CalledProcessError: "… died with
// <Signals.SIGKILL: 9>.".
func pythonChild(_ *Scanner, text string, m *Message) bool {
	m.Signal, _ = between(text, "<Signals.", ":")
	return strings.HasPrefix(m.Signal, "SIG") && len(m.Signal) < 12
}

// timeoutSends reads "timeout: sending signal TERM to command 'x'" of
// timeout(1) with -v.
func timeoutSends(_ *Scanner, text string, m *Message) bool {
	name, ok := strings.CutPrefix(text, "timeout: sending signal ")
	name, _, ok2 := strings.Cut(name, " to command ")
	m.Signal = "SIG" + name
	return ok && ok2 && len(name) < 8
}
