package hooks

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

//go:embed jvm/*.java
var jvmFiles embed.FS

func init() { register(language{environ: jvmEnviron}) }

// The plugin is an agent (java.lang.instrument). A JVM that cannot load it
// does not start, such as a jlink image without the module java.instrument.
// So it is given only to commands that name a build tool, whose JVMs come from
// a JDK, and only where a JDK is found whose java has tried it. That JDK also
// compiles it, which takes it about a second; the result is kept in the user's
// cache folder. Elsewhere nothing is added.

// jvmTools finds a command word that starts Maven, Gradle or sbt.
var jvmTools = regexp.MustCompile(`(?:^|[^\w.-])(?:mvnw?|mvnd|mvnDebug|gradlew?|sbt)(?:$|[^\w.-])`)

const (
	maxScript   = 256 << 10 // bytes of a script that are searched for a build tool
	jvmPatience = 10 * time.Second
)

var errNoJDK = errors.New("no JDK")

// jvmEnviron adds the agent behind the user's JAVA_TOOL_OPTIONS (JVM Tool
// Interface, "JAVA_TOOL_OPTIONS"). Each JVM then prints "Picked up
// JAVA_TOOL_OPTIONS: …" on its standard error.
func jvmEnviron(s *Session, e *environ) {
	if !startsJVM(e.command) {
		return
	}
	home, err := jdk(e)
	if err != nil {
		return
	}
	jar, err := agentJar(e, home)
	if err != nil {
		return
	}
	path := s.Path("oom143.jar")
	if writeFile(path, jar, 0o644) != nil || tryAgent(home, path) != nil {
		return
	}
	e.append("JAVA_TOOL_OPTIONS", "-javaagent:"+path, " ")
}

// startsJVM tells whether the command, or the script that it is, names a
// build tool.
func startsJVM(c Command) bool {
	if len(c.Argv) == 0 {
		return false
	}
	if jvmTools.MatchString(strings.Join(c.Argv, "\n")) {
		return true
	}
	for _, arg := range c.Argv[1:] {
		if c.Dir != "" && !filepath.IsAbs(arg) {
			arg = filepath.Join(c.Dir, arg)
		}
		info, err := os.Stat(arg)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxScript {
			continue
		}
		if text, err := os.ReadFile(arg); err == nil && jvmTools.Match(text) {
			return true
		}
	}
	return false
}

// jdk is the JDK that the build tools use: JAVA_HOME, else that of the javac
// on PATH.
func jdk(e *environ) (home string, err error) {
	candidates := []string{e.get("JAVA_HOME")}
	for _, dir := range filepath.SplitList(e.get("PATH")) {
		if javac, err := filepath.EvalSymlinks(filepath.Join(dir, "javac")); err == nil {
			candidates = append(candidates, filepath.Dir(filepath.Dir(javac)))
		}
	}
	for _, home := range candidates {
		_, errJava := os.Stat(filepath.Join(home, "bin", "java"))
		_, errCompiler := os.Stat(filepath.Join(home, "bin", "javac"))
		if filepath.IsAbs(home) && errJava == nil && errCompiler == nil {
			return home, nil
		}
	}
	return "", errNoJDK
}

// agentJar is the agent, from the user's cache folder or compiled.
func agentJar(e *environ, home string) ([]byte, error) {
	sources, err := fs.Glob(jvmFiles, "jvm/*.java")
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	for _, name := range sources {
		text, err := jvmFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(text), text)
	}
	cached := cacheFile(e, fmt.Sprintf("agent-%x.jar", hash.Sum(nil)[:16]))
	if jar, err := os.ReadFile(cached); err == nil {
		if _, err := zip.NewReader(bytes.NewReader(jar), int64(len(jar))); err == nil {
			return jar, nil
		}
	}
	jar, err := compileAgent(home, sources)
	if err == nil && cached != "" {
		saveCache(cached, jar)
	}
	return jar, err
}

// cacheFile is a file in the user's cache folder (XDG Base Directory
// Specification), "" without one.
func cacheFile(e *environ, name string) string {
	dir := e.get("XDG_CACHE_HOME")
	if !filepath.IsAbs(dir) {
		if !filepath.IsAbs(e.get("HOME")) {
			return ""
		}
		dir = filepath.Join(e.get("HOME"), ".cache")
	}
	return filepath.Join(dir, "oom143", name)
}

// saveCache keeps the agent for the next run; without it the next run compiles
// it again.
func saveCache(path string, jar []byte) {
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "agent-")
	if err != nil {
		return
	}
	_, errWrite := temp.Write(jar)
	if errors.Join(errWrite, temp.Close()) != nil || os.Rename(temp.Name(), path) != nil {
		os.Remove(temp.Name())
	}
}

// compileAgent gives the jar of the sources, for Java 8 and later.
func compileAgent(home string, sources []string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "oom143-agent-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := (&Session{Dir: dir}).copy(jvmFiles); err != nil {
		return nil, err
	}
	// --release is new in JDK 9 (JEP 247).
	for _, target := range [][]string{{"--release", "8"}, {"-source", "8", "-target", "8"}} {
		argv := slices.Concat([]string{"-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-nowarn", "-proc:none", "-d", "classes"}, target, sources)
		if err = os.MkdirAll(filepath.Join(dir, "classes"), 0o700); err != nil {
			return nil, err
		}
		if err = runJDK(dir, filepath.Join(home, "bin", "javac"), argv...); err == nil {
			return packAgent(os.DirFS(filepath.Join(dir, "classes")))
		}
	}
	return nil, err
}

// packAgent makes the jar (JAR File Specification; java.lang.instrument,
// "Manifest Attributes").
func packAgent(classes fs.FS) ([]byte, error) {
	var jar bytes.Buffer
	w := zip.NewWriter(&jar)
	manifest, err := w.Create("META-INF/MANIFEST.MF")
	if err != nil {
		return nil, err
	}
	if _, err := manifest.Write([]byte("Manifest-Version: 1.0\nPremain-Class: oom143.Agent\n\n")); err != nil {
		return nil, err
	}
	if err := w.AddFS(classes); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return jar.Bytes(), nil
}

// tryAgent starts a JVM with the agent.
func tryAgent(home, jar string) error {
	return runJDK("", filepath.Join(home, "bin", "java"), "-javaagent:"+jar, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-version")
}

// runJDK runs a program of the JDK without the user's own JVM options.
func runJDK(dir, program string, argv ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), jvmPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, argv...)
	cmd.Dir, cmd.Env = dir, []string{"LC_ALL=C.UTF-8"}
	return cmd.Run()
}
