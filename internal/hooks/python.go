package hooks

import "embed"

// Python imports sitecustomize when it starts, from the first folder on
// PYTHONPATH that has one (site, "Module contents"). tox hands PYTHONPATH and
// OOM143_EVENTS on to tests only when it is told to, tox 3 by
// TOX_TESTENV_PASSENV and tox 4 by TOX_OVERRIDE.

//go:embed python/sitecustomize.py python/oom143_finder.py python/oom143_plugin.py
var pythonFiles embed.FS

// toxOverride adds to what tox 4 hands on, as tox.ini and tox.toml call it. A
// newline makes the comma part of the value. The older spelling, passenv, is
// the one that never hides the user's own list: before they were taken for one
// setting, tox looked for pass_env first and stopped where an override was.
const toxOverride = "testenv.passenv+=PYTHONPATH," + EventsVariable + "\nenv_run_base.passenv+=PYTHONPATH," + EventsVariable

func init() { register(language{files: pythonFiles, environ: pythonEnviron}) }

func pythonEnviron(s *Session, e *environ) {
	// A PYTHONPATH of the user's own is what tox keeps from the tests.
	if e.get("PYTHONPATH") == "" {
		e.append("TOX_TESTENV_PASSENV", "PYTHONPATH "+EventsVariable, " ")
		e.setDefault("TOX_OVERRIDE", toxOverride)
	}
	e.prepend("PYTHONPATH", s.Path("python"), ":")
}
