package testlog

import "strings"

const surefireName = "surefire"

// The lines of Maven Surefire and Failsafe (maven-surefire-common,
// ConsoleReporter and ForkStarter): a class when it starts and ends; when the
// forked JVM dies, how and with which classes.
func init() {
	register(framework{
		name:   surefireName,
		starts: []string{"Running ", "[INFO] Running ", "[ERROR] Crashed tests:", "[ERROR] Process Exit Code: "},
		words:  []string{"Time elapsed: ", "-compiler-plugin:", "--- compiler:"},
		parser: func(s *Scanner) parser { return &surefire{base: base{s}} },
	})
	message(
		rule{"without properly saying goodbye", Message{Kind: workerKilled, Runtime: surefireName, Statuses: []int{1}}, nil},
		rule{"terminated without saying properly goodbye", Message{Kind: workerKilled, Runtime: surefireName, Statuses: []int{1}}, nil},
		rule{"There was a timeout or other error in the fork", Message{Kind: timedOut, Runtime: surefireName, Statuses: []int{1}}, nil},
	)
}

type surefire struct {
	base
	builds  bool
	code    int
	crashed int // line number of the latest line of "Crashed tests:"
	said    string
}

func (f *surefire) line(l line) bool {
	text := l.text
	for _, level := range []string{"[INFO] ", "[ERROR] ", "[WARNING] "} {
		text = strings.TrimPrefix(text, level)
	}
	switch {
	case strings.HasPrefix(text, "Running "):
		class := text[len("Running "):]
		name := class[strings.LastIndexByte(class, '.')+1:]
		if javaClass(class) && name[0] >= 'A' && name[0] <= 'Z' && (text != l.text || name != class) {
			f.s.start(Event{ID: class, Framework: surefireName, Certainty: possible})
		}
	case strings.HasPrefix(text, "Tests run: ") && strings.Contains(text, "Time elapsed: "):
		f.ended(text)
	case strings.Contains(text, "-compiler-plugin:"), strings.Contains(text, "--- compiler:"):
		if !f.builds && strings.HasPrefix(l.text, "[INFO] --- ") {
			f.builds = true
			f.s.phase(surefireName, build)
		}
	case strings.HasPrefix(text, "Process Exit Code: "):
		f.code, _ = small(text[len("Process Exit Code: "):])
	case text == "Crashed tests:":
		f.crashed, f.s.want = l.n, 1
	case f.crashed > 0 && f.crashed == l.n-1:
		f.crash(text, l)
	}
	return false
}

// ended reads "Tests run: 3, …, Time elapsed: 0.2 s - in x.ATest", from 3.0 on
// " -- in x.ATest".
func (f *surefire) ended(text string) {
	_, class, ok := strings.Cut(text, " - in ")
	if !ok {
		_, class, ok = strings.Cut(text, " -- in ")
	}
	if !ok || !javaClass(class) {
		return
	}
	outcome := passed
	if strings.Contains(text, "<<< ") {
		outcome = failed
	}
	f.s.finish(Event{ID: class, Framework: surefireName, Outcome: outcome})
}

// crash reads a class below "Crashed tests:". Surefire prints the list twice.
func (f *surefire) crash(class string, l line) {
	if !javaClass(class) {
		return
	}
	f.crashed, f.s.want = l.n, 1
	if f.said == class {
		return
	}
	f.said = strings.Clone(class)
	f.s.start(Event{ID: class, Framework: surefireName, Certainty: possible})
	m := Message{Kind: workerKilled, Runtime: surefireName, Text: "Crashed tests: " + class, Test: class, Statuses: []int{1}}
	m.coded(f.code)
	f.s.say(m)
}

// javaClass tells whether text is a class with or without its package.
func javaClass(text string) bool {
	return dotted(strings.ReplaceAll(text, "$", "_")) && !strings.HasSuffix(text, ".") && !strings.Contains(text, "..")
}
