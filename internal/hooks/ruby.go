package hooks

import "embed"

//go:embed ruby/*.rb
var rubyFiles embed.FS

func init() { register(language{files: rubyFiles, environ: rubyEnviron}) }

// rubyEnviron loads the plugins behind what the user loads: RUBYOPT (ruby(1))
// for Minitest, SPEC_OPTS for RSpec, which takes --require from there in
// addition to those of its option files and its command line. ruby and rspec
// end with LoadError where such a file is not there: a test that starts one
// after chroot(2) has to start it without these variables.
func rubyEnviron(s *Session, e *environ) {
	e.append("RUBYOPT", "-r"+s.Path("ruby/oom143.rb"), " ")
	e.append("SPEC_OPTS", "--require "+s.Path("ruby/oom143_rspec.rb"), " ")
}
