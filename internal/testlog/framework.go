package testlog

// framework is one entry of the table: what makes a line worth a look, and
// who reads it.
type framework struct {
	name string
	// starts are beginnings of lines, after blanks and log prefixes.
	starts []string
	// words, of at least minWord bytes, are looked for anywhere in a line.
	words  []string
	parser func(*Scanner) parser
}

// parser reads one framework's lines. It is handed every line that any
// framework or message asked for, and has to tell its own from the rest.
type parser interface {
	// line reads a whole line. True means that the line is the framework's
	// alone, and that no words in it are to be looked for.
	line(line) bool
	// partial reads the unfinished last line, again each time that it grew.
	partial(line)
	// end is called when the output is over.
	end()
	// process tells which test a process runs.
	process(Proc) (sighting, bool)
}

// base does nothing; parsers embed it.
type base struct{ s *Scanner }

func (base) line(line) bool                { return false }
func (base) partial(line)                  {}
func (base) end()                          {}
func (base) process(Proc) (sighting, bool) { return sighting{}, false }

var (
	frameworks []framework
	byName     = map[string]bool{}
	beginnings [256][]string
	vocabulary = newFinder()
)

// register adds a framework to the table; its file calls it from init.
func register(f framework) {
	frameworks = append(frameworks, f)
	byName[f.name] = true
	begin(f.starts...)
	for _, w := range f.words {
		vocabulary.add(w)
	}
}

func begin(starts ...string) {
	for _, start := range starts {
		beginnings[start[0]] = append(beginnings[start[0]], start)
	}
}
