package hooks

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const junit4Suite = `package x;

import static org.junit.Assert.*;
import java.util.*;
import org.junit.*;
import org.junit.runner.RunWith;
import org.junit.runners.MethodSorters;
import org.junit.runners.Parameterized;

@FixMethodOrder(MethodSorters.NAME_ASCENDING)
public class OldTest {
    @Test
    public void aQuick() {
        assertEquals(1, 1);
    }
    @Test public void bFails() { fail("no"); }
    @Test(expected = IllegalStateException.class)
    public void cThrows() { throw new IllegalStateException(); }
    @Test @Ignore("later") public void dIgnored() { }
    @Test public void eAssumes() { Assume.assumeTrue(false); }
    @Test public void overloaded() { overloaded(1); }
    private void overloaded(int i) { }

    @RunWith(Parameterized.class)
    public static class Each {
        @Parameterized.Parameters
        public static Collection<Object[]> data() { return Arrays.asList(new Object[] {1}, new Object[] {2}); }
        private final int i;
        public Each(int i) { this.i = i; }
        @Test public void each() { assertTrue(i > 0); }
    }
}
`

var junit4Outcomes = map[string]string{ // JUnit 4 says at the end of a test that it is over
	"x.OldTest#aQuick": "", "x.OldTest#bFails": "", "x.OldTest#cThrows": "", "x.OldTest#eAssumes": "",
	"x.OldTest#overloaded": "",
}

var junit4EachOutcomes = map[string]string{"x.OldTest$Each#each[0]": "", "x.OldTest$Each#each[1]": ""}

const junit5Suite = `package x;

import static org.junit.jupiter.api.Assertions.*;
import java.util.stream.*;
import org.junit.jupiter.api.*;
import org.junit.jupiter.params.*;
import org.junit.jupiter.params.provider.*;

@TestMethodOrder(MethodOrderer.MethodName.class)
class NewTest {
    @Test
    void aQuick() {
        assertEquals(1, 1);
    }
    @Test void bFails() { fail("no"); }
    @Test @Disabled void cDisabled() { }
    @Test void dAssumes() { Assumptions.assumeTrue(false); }
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void each(int i) { assertTrue(i > 0); }
    @TestFactory
    Stream<DynamicTest> made() { return Stream.of(DynamicTest.dynamicTest("one", () -> { })); }

    @Nested
    class Inner {
        @Test
        void deep() { }
    }
}
`

var junit5Outcomes = map[string]string{
	"x.NewTest#aQuick": "passed", "x.NewTest#bFails": "failed", "x.NewTest#dAssumes": "skipped",
	"x.NewTest#each[1]": "passed", "x.NewTest#each[2]": "passed", "x.NewTest#made[1]": "passed",
}

const junit4Hang = `package x;

import org.junit.*;

@FixMethodOrder(org.junit.runners.MethodSorters.NAME_ASCENDING)
public class HangTest {
    @Test public void a() { }

    @Test
    public void hangs() throws Exception {
        Thread.sleep(60000);
    }
}
`

const junit5Hang = `package x;

import org.junit.jupiter.api.*;

@TestMethodOrder(MethodOrderer.MethodName.class)
class HangTest {
    @Test void a() { }

    @Test
    void hangs() throws Exception {
        Thread.sleep(60000);
    }
}
`

var jvmChanging = regexp.MustCompile(`[0-9]+(\.[0-9]+)? ?m?s\b|Time: [0-9.]+|[0-9]+\.[0-9]+|[0-9]{4}-[0-9-]+T[0-9:.Z+-]+|time="[^"]*"` +
	`|<property name="(env\.)?[^"]*" value="[^"]*" ?/>|@[0-9a-f]{5,8}\b|surefire[0-9]+\S*|Gradle Test Executor [0-9]+`)

// classPath is where Debian's packages junit4 and junit5 put JUnit.
func classPath(t testing.TB) string {
	t.Helper()
	needPrograms(t, "java", "javac")
	var jars []string
	for _, name := range []string{
		"junit4", "hamcrest", "junit-jupiter-api", "junit-jupiter-params", "junit-jupiter-engine", "junit-vintage-engine",
		"junit-platform-commons", "junit-platform-engine", "junit-platform-launcher", "junit-platform-console",
		"junit-platform-reporting", "opentest4j", "apiguardian-api", "univocity-parsers", "picocli",
	} {
		jar := "/usr/share/java/" + name + ".jar"
		if _, err := os.Stat(jar); err != nil {
			t.Skipf("%s is not installed", jar)
		}
		jars = append(jars, jar)
	}
	return strings.Join(jars, ":")
}

// jvmSuite compiles a suite that java runs, by JUnit's own launchers.
func jvmSuite(t testing.TB, files map[string]string, argv ...string) suite {
	t.Helper()
	path := classPath(t)
	s := newSuite(t, files, slices.Concat([]string{"java", "-cp", "target/test-classes:" + path}, argv)...)
	s.command = []string{"mvn"}
	compile := slices.Concat([]string{"-J-XX:TieredStopAtLevel=1", "-proc:none", "-cp", path, "-d", "target/test-classes"},
		slices.DeleteFunc(slices.Collect(maps.Keys(files)), func(name string) bool { return !strings.HasSuffix(name, ".java") }))
	cmd := exec.Command("javac", compile...)
	cmd.Dir = s.dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, text)
	}
	return s
}

var junitCore = []string{"-XX:TieredStopAtLevel=1", "org.junit.runner.JUnitCore"}

var junitConsole = []string{
	"-XX:TieredStopAtLevel=1", "org.junit.platform.console.ConsoleLauncher", "--disable-banner", "--disable-ansi-colors",
	"--details", "tree", "--reports-dir", ".",
}

func checkPlace(t *testing.T, events []Event, want place) {
	t.Helper()
	for _, e := range events {
		if e.Action == Start && e.ID == want.ID {
			if got := (place{e.ID, e.File, e.Line}); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
			return
		}
	}
	t.Errorf("%s was not started", want.ID)
}

func TestJUnit4Pass(t *testing.T) {
	t.Parallel()
	const file = "src/test/java/x/OldTest.java"
	s := jvmSuite(t, map[string]string{file: junit4Suite}, slices.Concat(junitCore, []string{"x.OldTest", "x.OldTest$Each"})...)
	events := checkInvisible(t, s, jvmChanging)
	checkFields(t, events, "junit")
	want := maps.Clone(junit4Outcomes)
	maps.Copy(want, junit4EachOutcomes)
	checkOutcomes(t, events, want)
	path := filepath.Join(s.dir, file)
	checkPlace(t, events, place{"x.OldTest#aQuick", path, lineOf(t, junit4Suite, "void aQuick")})
	checkPlace(t, events, place{"x.OldTest#cThrows", path, lineOf(t, junit4Suite, "void cThrows")})
	checkPlace(t, events, place{"x.OldTest$Each#each[1]", path, lineOf(t, junit4Suite, "void each")})
	checkPlace(t, events, place{"x.OldTest#overloaded", path, 0}) // one of two: none is better than a guess
}

// The vintage engine's tests are reported once.
func TestJUnitPlatformPass(t *testing.T) {
	t.Parallel()
	const file = "src/test/java/x/NewTest.java"
	s := jvmSuite(t, map[string]string{file: junit5Suite, "src/test/java/x/OldTest.java": junit4Suite},
		slices.Concat(junitConsole, []string{"-c", "x.NewTest", "-c", "x.OldTest"})...)
	events := checkInvisible(t, s, jvmChanging, "TEST-junit-jupiter.xml", "TEST-junit-vintage.xml")
	checkFields(t, events, "junit")
	want := maps.Clone(junit5Outcomes)
	maps.Copy(want, junit4Outcomes)
	want["x.NewTest$Inner#deep"] = "passed"
	checkOutcomes(t, events, want)
	path := filepath.Join(s.dir, file)
	checkPlace(t, events, place{"x.NewTest#aQuick", path, lineOf(t, junit5Suite, "void aQuick")})
	checkPlace(t, events, place{"x.NewTest#each[2]", path, lineOf(t, junit5Suite, "void each")})
	checkPlace(t, events, place{"x.NewTest$Inner#deep", path, lineOf(t, junit5Suite, "void deep")})
}

func TestJUnitKilled(t *testing.T) {
	const file = "src/test/java/x/HangTest.java"
	for name, test := range map[string]struct {
		text string
		argv []string
	}{
		"JUnit 4":  {junit4Hang, slices.Concat(junitCore, []string{"x.HangTest"})},
		"Platform": {junit5Hang, slices.Concat(junitConsole, []string{"-c", "x.HangTest"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := jvmSuite(t, map[string]string{file: test.text}, test.argv...)
			for _, kill := range []func(int, int){killAll, termAll} {
				o := s.killed(t, "#hangs", kill)
				checkRunning(t, o, place{"x.HangTest#hangs", filepath.Join(s.dir, file), lineOf(t, test.text, "void hangs")})
			}
		})
	}
}

// Suites for Maven. Debian's repository is used through links, since Maven
// writes to its local repository.
func mavenSuite(t testing.TB, dependency string, files map[string]string) suite {
	t.Helper()
	needPrograms(t, "mvn")
	const repository = "/usr/share/maven-repo"
	if _, err := os.Stat(repository + "/org/apache/maven/plugins/maven-surefire-plugin/2.22.3"); err != nil {
		t.Skip("libsurefire-java 2.22.3 is not installed")
	}
	files = maps.Clone(files)
	files["pom.xml"] = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>x</groupId><artifactId>x</artifactId><version>1</version>
  <dependencies><dependency>` + dependency + `<scope>test</scope></dependency></dependencies>
</project>`
	s := jvmSuite(t, files)
	local := filepath.Join(s.dir, "repository")
	if out, err := exec.Command("cp", "-rs", repository, local).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.argv = []string{
		"mvn", "-B", "-o", "-q", "-Dstyle.color=never", "-Dmaven.repo.local=" + local,
		"org.apache.maven.plugins:maven-surefire-plugin:2.22.3:test",
	}
	return s
}

const (
	junit4Dependency = "<groupId>junit</groupId><artifactId>junit</artifactId><version>4.x</version>"
	junit5Dependency = "<groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId><version>5.9.2</version>"
)

func TestSurefirePass(t *testing.T) {
	needMatrix(t)
	for name, test := range map[string]struct {
		dependency, file, text, report string
		want                           map[string]string
	}{
		"JUnit 4": {junit4Dependency, "src/test/java/x/OldTest.java", junit4Suite, "target/surefire-reports/TEST-x.OldTest.xml", junit4Outcomes},
		"JUnit 5": {junit5Dependency, "src/test/java/x/NewTest.java", junit5Suite, "target/surefire-reports/TEST-x.NewTest.xml", junit5Outcomes},
	} {
		t.Run(name, func(t *testing.T) {
			s := mavenSuite(t, test.dependency, map[string]string{test.file: test.text})
			events := checkInvisible(t, s, jvmChanging, test.report)
			checkFields(t, events, "junit")
			got := outcomes(events)
			maps.DeleteFunc(got, func(id, _ string) bool { return strings.Contains(id, "$") })
			if !maps.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSurefireKilled(t *testing.T) {
	needMatrix(t)
	const file = "src/test/java/x/HangTest.java"
	for name, test := range map[string]struct{ dependency, text string }{
		"JUnit 4": {junit4Dependency, junit4Hang}, "JUnit 5": {junit5Dependency, junit5Hang},
	} {
		s := mavenSuite(t, test.dependency, map[string]string{file: test.text})
		for how, kill := range map[string]func(int, int){"whole": killAll, "fork": killTest} {
			t.Run(name+"/"+how, func(t *testing.T) {
				o := s.killed(t, "#hangs", kill)
				checkRunning(t, o, place{"x.HangTest#hangs", filepath.Join(s.dir, file), lineOf(t, test.text, "void hangs")})
				if goodbye := strings.Contains(o.stdout, "The forked VM terminated without properly saying goodbye"); goodbye != (how == "fork") {
					t.Errorf("the wrong process died:\n%s", o.stdout)
				}
			})
		}
	}
}

func gradleSuite(t testing.TB, files map[string]string) suite {
	t.Helper()
	needPrograms(t, "gradle")
	path := strings.ReplaceAll(classPath(t), ":", "', '")
	files = maps.Clone(files)
	files["settings.gradle"] = "rootProject.name = 'x'\n"
	files["build.gradle"] = "apply plugin: 'java'\ndependencies { testCompile files('" + path + "') }\n"
	s := newSuite(t, files, "gradle", "--offline", "--no-daemon", "--console", "plain", "cleanTest", "test")
	s.env = []string{"GRADLE_USER_HOME=" + t.TempDir()}
	first := s
	first.argv = slices.Concat(s.argv[:len(s.argv)-2], []string{"testClasses"})
	first.plain(t) // writes caches and says so
	return s
}

func TestGradlePass(t *testing.T) {
	needMatrix(t)
	const file = "src/test/java/x/OldTest.java"
	s := gradleSuite(t, map[string]string{file: junit4Suite})
	s.plain(t) // there is something to clean from now on
	events := checkInvisible(t, s, jvmChanging, "build/test-results/test/TEST-x.OldTest.xml")
	checkFields(t, events, "junit")
	want := maps.Clone(junit4Outcomes)
	maps.Copy(want, junit4EachOutcomes)
	checkOutcomes(t, events, want)
	checkPlace(t, events, place{"x.OldTest#aQuick", filepath.Join(s.dir, file), lineOf(t, junit4Suite, "void aQuick")})
}

func TestGradleKilled(t *testing.T) {
	needMatrix(t)
	const file = "src/test/java/x/HangTest.java"
	s := gradleSuite(t, map[string]string{file: junit4Hang})
	for how, kill := range map[string]func(int, int){"whole": func(command, test int) {
		killAll(command, test)
		_ = syscall.Kill(test, syscall.SIGKILL) // Gradle gives it a process group of its own
	}, "executor": killTest} {
		t.Run(how, func(t *testing.T) {
			o := s.killed(t, "#hangs", kill)
			checkRunning(t, o, place{"x.HangTest#hangs", filepath.Join(s.dir, file), lineOf(t, junit4Hang, "void hangs")})
		})
	}
}

func TestStartsJVM(t *testing.T) {
	script := newSuite(t, map[string]string{"a.sh": "set -e\n./gradlew check\n", "b.sh": "npm test\n", "large": strings.Repeat("mvn\n", maxScript)})
	for _, test := range []struct {
		argv []string
		want bool
	}{
		{nil, false},
		{[]string{"mvn", "-B", "verify"}, true},
		{[]string{"./mvnw", "test"}, true},
		{[]string{"/opt/gradle/bin/gradle"}, true},
		{[]string{"env", "A=b", "sbt", "test"}, true},
		{[]string{"sh", "-c", "cd x && ./gradlew test"}, true},
		{[]string{"bash", "-e", "a.sh"}, true},
		{[]string{"bash", "-e", "b.sh"}, false},
		{[]string{"bash", "large"}, false},
		{[]string{"bash", "none.sh"}, false},
		{[]string{"java", "-jar", "app.jar"}, false},
		{[]string{"pytest", "tests/test_mvn_wrapper.py"}, false},
		{[]string{"make", "test-gradle.d"}, false},
	} {
		if got := startsJVM(Command{Argv: test.argv, Dir: script.dir}); got != test.want {
			t.Errorf("%q: got %v", test.argv, got)
		}
	}
}

// The environment is left alone unless a JDK runs the agent.
func TestJVMEnviron(t *testing.T) {
	needPrograms(t, "javac")
	t.Parallel()
	real, err := jdk(newEnviron(os.Environ(), Command{}))
	if err != nil {
		t.Fatal(err)
	}
	jlink := newSuite(t, map[string]string{"bin/javac": "#!/bin/sh\nexec " + real + "/bin/javac \"$@\"\n", "bin/java": "#!/bin/sh\nexit 1\n"}).dir
	for _, name := range []string{"bin/javac", "bin/java"} {
		if err := os.Chmod(filepath.Join(jlink, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	home := t.TempDir()
	s := openSession(t)
	added := "-javaagent:" + s.Path("oom143.jar")
	for _, test := range []struct {
		name string
		argv string
		env  []string
		want string
	}{
		{"other command", "make", []string{"JAVA_HOME=" + real}, ""},
		{"no JDK", "mvn", []string{"PATH=/nonexistent"}, ""},
		{"java without the agent", "mvn", []string{"JAVA_HOME=" + jlink}, ""},
		{"compiled", "mvn", []string{"JAVA_HOME=" + real}, added},
		{"from the cache", "mvn", []string{"JAVA_HOME=" + real}, added},
		{"from PATH", "mvn", []string{"PATH=/nonexistent:" + real + "/bin"}, added},
		{"user's options", "mvn", []string{"JAVA_HOME=" + real, "JAVA_TOOL_OPTIONS=-Dx=y"}, "-Dx=y " + added},
	} {
		e := newEnviron(append(test.env, "HOME="+home), Command{Argv: []string{test.argv}})
		jvmEnviron(s, e)
		if got := e.get("JAVA_TOOL_OPTIONS"); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	cached, err := filepath.Glob(filepath.Join(home, ".cache/oom143/*"))
	if err != nil || len(cached) != 1 {
		t.Fatalf("the cache has %q, %v", cached, err)
	}
	if err := os.WriteFile(cached[0], []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := newEnviron([]string{"JAVA_HOME=" + real, "HOME=" + home}, Command{Argv: []string{"mvn"}})
	if jvmEnviron(s, e); e.get("JAVA_TOOL_OPTIONS") != added {
		t.Error("a spoilt cache was not replaced")
	}
}

func BenchmarkJVMStart(b *testing.B) { reportStart(b, "java", "-version") }

func BenchmarkJUnitEvents(b *testing.B) {
	text := `package x;
@org.junit.runner.RunWith(org.junit.runners.Parameterized.class)
public class T {
    @org.junit.runners.Parameterized.Parameters
    public static Object[] data() { return new Object[20000]; }
    public T(Object x) { }
    @org.junit.Test public void each() { }
}
`
	s := jvmSuite(b, map[string]string{"src/test/java/x/T.java": text}, "org.junit.runner.JUnitCore", "x.T")
	reportEvents(b, s, 20000)
}
