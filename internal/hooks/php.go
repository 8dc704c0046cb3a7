package hooks

import "embed"

//go:embed php/*.php
var phpFiles embed.FS

func init() { register(language{files: phpFiles, environ: phpEnviron}) }

// phpEnviron adds a folder to those that php scans for settings, behind what
// the user named. An empty element stands for the folder that php was compiled
// with; the variable set to nothing means that none is scanned
// (www.php.net/manual/en/configuration.file.php). A php whose open_basedir
// leaves the session's folder out refuses to start a script then.
func phpEnviron(s *Session, e *environ) {
	setting := "auto_prepend_file = \"" + s.Path("php/oom143.php") + "\"\n"
	if writeFile(s.Path("php/oom143.ini"), []byte(setting), 0o644) != nil {
		return
	}
	dir := s.Path("php")
	if old, ok := e.lookup("PHP_INI_SCAN_DIR"); !ok || old != "" {
		dir = old + ":" + dir
	}
	e.set("PHP_INI_SCAN_DIR", dir)
}
