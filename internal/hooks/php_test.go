package hooks

import (
	"cmp"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

const phpunitSuite = `<?php
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\RunInSeparateProcess;
use PHPUnit\Framework\TestCase;

final class GrpTest extends TestCase
{
    protected function setUp(): void
    {
        if (strpos(method_exists($this, 'name') ? $this->name() : $this->getName(), 'testSetUpFails') === 0) {
            throw new RuntimeException('set up');
        }
    }
    public function testFast(): void { $this->assertTrue(true); }
    public function testFails(): void { $this->assertTrue(false); }
    public function testErrors(): void { throw new RuntimeException('x'); }
    public function testSkipped(): void { $this->markTestSkipped(); }
    public function testSetUpFails(): void { }
    /** @dataProvider provide */
    #[DataProvider('provide')]
    public function testData(int $x): void { $this->assertSame(1, $x); }
    public static function provide(): array { return [[1], 'a b' => [1], 'ü"' => [2]]; }
    /** @runInSeparateProcess */
    #[RunInSeparateProcess]
    public function testAlone(): void { file_put_contents(__DIR__ . '/alone', '.', FILE_APPEND); $this->assertTrue(true); }
    public function testArguments(): void { $this->assertNotContains('--extensions', $_SERVER['argv']); }
}
`

var phpunitOutcomes = map[string]string{
	"GrpTest::testFast": "passed", "GrpTest::testFails": "failed", "GrpTest::testErrors": "failed",
	"GrpTest::testSkipped": "skipped", "GrpTest::testSetUpFails": "failed", "GrpTest::testData#0": "passed",
	"GrpTest::testData@a b": "passed", `GrpTest::testData@ü"`: "failed", "GrpTest::testAlone": "passed",
	"GrpTest::testArguments": "passed",
}

const phpunitHang = `<?php
final class HangTest extends PHPUnit\Framework\TestCase
{
    public function testA(): void { $this->assertTrue(true); }

    /** @doesNotPerformAssertions */
    public function testHangs(): void
    {
        sleep(60);
    }
    public function testLimit(): void
    {
        ini_set('memory_limit', (string) (memory_get_usage() + (16 << 20)));
        str_repeat('x', 1 << 30);
    }
}
`

var phpunitChanging = regexp.MustCompile(`Time: [0-9:.]+( seconds| ms)?|Memory: [0-9.]+ MB|time="[^"]*"`)

// phpunit is a way to start PHPUnit.
type phpunit struct {
	argv []string
	nine bool // 9.x: its hooks tell no outcome
}

// phpunits are the versions to test with, by name: the installed one, and in
// OOM143_PHPUNIT the path of a vendor/bin/phpunit of another.
func phpunits(t testing.TB) map[string]phpunit {
	t.Helper()
	versions := map[string]phpunit{}
	for name, program := range map[string]string{"installed": "phpunit", "other (from documentation)": cmp.Or(os.Getenv("OOM143_PHPUNIT"), "none")} {
		path, err := exec.LookPath(program)
		if err != nil {
			continue
		}
		version, _ := exec.Command(path, "--version").Output()
		versions[name] = phpunit{[]string{path, "--do-not-cache-result"}, strings.HasPrefix(string(version), "PHPUnit 9")}
	}
	return versions
}

// eachPHPUnit runs a test with all versions, and skips it by name for those
// that are not there.
func eachPHPUnit(t *testing.T, test func(*testing.T, phpunit)) {
	versions := phpunits(t)
	for _, name := range []string{"installed", "other (from documentation)"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, ok := versions[name]
			if !ok {
				t.Skip("no such PHPUnit; OOM143_PHPUNIT names the vendor/bin/phpunit of another version")
			}
			test(t, p)
		})
	}
}

func (p phpunit) suite(t testing.TB, files map[string]string, arg ...string) suite {
	return newSuite(t, files, slices.Concat(p.argv, arg)...)
}

func TestPHPUnitPass(t *testing.T) {
	eachPHPUnit(t, func(t *testing.T, p phpunit) {
		s := p.suite(t, map[string]string{"GrpTest.php": phpunitSuite}, "--log-junit", "junit.xml", "GrpTest.php")
		events := checkInvisible(t, s, phpunitChanging, "junit.xml")
		checkFields(t, events, "phpunit")
		want := maps.Clone(phpunitOutcomes)
		if p.nine {
			for id := range want {
				want[id] = ""
			}
		}
		checkOutcomes(t, events, want)
		if alone, err := os.ReadFile(filepath.Join(s.dir, "alone")); err != nil || string(alone) != ".." {
			t.Errorf("the isolated test ran %d times in two runs (%v)", len(alone), err)
		}
		for _, e := range events {
			if e.Action == Start && e.ID == "GrpTest::testData@a b" {
				want := place{e.ID, filepath.Join(s.dir, "GrpTest.php"), lineOf(t, phpunitSuite, "function testData")}
				if got := (place{e.ID, e.File, e.Line}); got != want {
					t.Errorf("got %v, want %v", got, want)
				}
			}
		}
	})
}

// An id is what the command line takes.
func TestPHPUnitFilter(t *testing.T) {
	eachPHPUnit(t, func(t *testing.T, p phpunit) {
		for _, id := range []string{"GrpTest::testFast", "GrpTest::testData#0", "GrpTest::testData@a b"} {
			s := p.suite(t, map[string]string{"GrpTest.php": phpunitSuite}, "--filter", id, "GrpTest.php")
			if got := slices.Collect(maps.Keys(outcomes(s.hooked(t).events))); !slices.Equal(got, []string{id}) {
				t.Errorf("--filter %q ran %q", id, got)
			}
		}
	})
}

func TestPHPUnitKilled(t *testing.T) {
	eachPHPUnit(t, func(t *testing.T, p phpunit) {
		for _, kill := range []func(int, int){killAll, termAll} {
			s := p.suite(t, map[string]string{"HangTest.php": phpunitHang}, "HangTest.php")
			o := s.killed(t, "testHangs", kill)
			checkRunning(t, o, place{"HangTest::testHangs", filepath.Join(s.dir, "HangTest.php"), lineOf(t, phpunitHang, "function testHangs")})
		}
	})
}

func TestPHPUnitMemoryLimit(t *testing.T) {
	eachPHPUnit(t, func(t *testing.T, p phpunit) {
		s := p.suite(t, map[string]string{"HangTest.php": phpunitHang}, "--filter", "testA|testLimit", "HangTest.php")
		o := s.hooked(t)
		checkRunning(t, o, place{"HangTest::testLimit", filepath.Join(s.dir, "HangTest.php"), lineOf(t, phpunitHang, "function testLimit")})
		if o.status != 255 {
			t.Errorf("the limit was not hit: %+v", o)
		}
	})
}

func TestPHPUnitWorkerKilled(t *testing.T) {
	eachPHPUnit(t, func(t *testing.T, p phpunit) {
		s := newSuite(t, map[string]string{
			"GrpTest.php": phpunitSuite, "HangTest.php": phpunitHang,
			"workers.php": `<?php
$workers = [];
foreach (['GrpTest.php', 'HangTest.php'] as $file) {
    $workers[] = proc_open(array_merge(array_slice($argv, 1), [$file]), [], $pipes);
}
array_map('proc_close', $workers);
echo "over\n";
`}, slices.Concat([]string{"php", "workers.php"}, p.argv)...)
		o := s.killed(t, "testHangs", killTest)
		checkRunning(t, o, place{"HangTest::testHangs", filepath.Join(s.dir, "HangTest.php"), lineOf(t, phpunitHang, "function testHangs")})
		if o.status != 0 || !strings.HasSuffix(o.stdout, "over\n") {
			t.Errorf("the command was killed, not its worker: %+v", o)
		}
	})
}

// Composer's class loader goes before all others, and its vendor/bin/phpunit
// is a second script around PHPUnit's own.
func TestPHPUnitComposer(t *testing.T) {
	const loader = "/usr/share/php/Composer/Autoload/ClassLoader.php"
	needPrograms(t, "phpunit")
	if _, err := os.Stat(loader); err != nil {
		t.Skip("composer is not installed")
	}
	t.Parallel()
	s := newSuite(t, map[string]string{
		"GrpTest.php": phpunitSuite,
		"vendor/autoload.php": `<?php
require_once 'PHPUnit/Autoload.php';
require_once '` + loader + `';
$loader = new Composer\Autoload\ClassLoader();
$loader->addPsr4('PHPUnit\\', '/usr/share/php/PHPUnit');
$loader->register(true);
`,
		"vendor/phpunit/phpunit/phpunit": `<?php
define('PHPUNIT_COMPOSER_INSTALL', dirname(__DIR__, 2) . '/autoload.php');
require PHPUNIT_COMPOSER_INSTALL;
PHPUnit\TextUI\Command::main();
`,
		"vendor/bin/phpunit": `<?php
$GLOBALS['__PHPUNIT_ISOLATION_EXCLUDE_LIST'] = [realpath(__DIR__ . '/../phpunit/phpunit/phpunit')];
include __DIR__ . '/../phpunit/phpunit/phpunit';
`,
		"old/phpunit": "<?php include __DIR__ . '/../vendor/phpunit/phpunit/phpunit';\n",
	}, "php", "", "--do-not-cache-result", "GrpTest.php")
	for _, script := range []string{"vendor/bin/phpunit", "vendor/phpunit/phpunit/phpunit"} {
		s.argv[1] = script
		events := checkInvisible(t, s, phpunitChanging)
		if got := len(outcomes(events)); got != len(phpunitOutcomes) {
			t.Errorf("%s: %d tests were reported", script, got)
		}
	}
	s.argv[1] = "old/phpunit" // without a list of exclusions
	if o := s.hooked(t); !strings.Contains(o.stdout, "Tests: 10, Assertions: 7, Errors: 2, Failures: 2, Skipped: 1.") {
		t.Errorf("%s: %s", s.argv[1], o.stdout)
	}
	if alone, err := os.ReadFile(filepath.Join(s.dir, "alone")); err != nil || len(alone) != 5 {
		t.Errorf("the isolated test ran %d times in five runs (%v)", len(alone), err)
	}
}

// A PHAR loads all classes of PHPUnit itself, by their names.
func TestPHPUnitPHAR(t *testing.T) {
	needPrograms(t, "phpunit")
	t.Parallel()
	s := newSuite(t, map[string]string{"GrpTest.php": phpunitSuite, "phpunit.phar": `<?php
define('__PHPUNIT_PHAR__', __FILE__);
require 'PHPUnit/Autoload.php';
$files = iterator_to_array(new RegexIterator(new RecursiveIteratorIterator(new RecursiveDirectoryIterator('/usr/share/php/PHPUnit')), '/[A-Z]\w+\.php$/'), false);
sort($files);
foreach ($files as $file) {
    if (!preg_match('~/(Autoload|Functions)\.php$~', $file)) {
        require_once $file;
    }
}
PHPUnit\TextUI\Command::main();
`}, "php", "phpunit.phar", "--do-not-cache-result", "--filter", "testFast|testFails|testData|testArguments", "GrpTest.php")
	events := checkInvisible(t, s, phpunitChanging)
	if got := len(outcomes(events)); got != 6 {
		t.Errorf("%d tests were reported", got)
	}
}

// The user's own auto_prepend_file is loaded as before, from php.ini or from a
// folder that is scanned, the last one that is set.
func TestPHPPrepended(t *testing.T) {
	needPrograms(t, "php")
	t.Parallel()
	const script = `<?php echo $prepended ?? 'nothing', ' ', basename(__FILE__), "\n";`
	s := newSuite(t, map[string]string{
		"script.php": script, "a.php": `<?php $prepended = 'a';`, "b.php": `<?php $prepended = 'b';`,
		"main/php.ini": "; auto_prepend_file = c.php\nauto_prepend_file = a.php\n", "scan/x.ini": "auto_prepend_file=\"b.php\"\n",
		"none/y.ini": "auto_prepend_file = none\n",
	}, "php", "script.php")
	for _, test := range []struct {
		env  []string
		want string
	}{
		{nil, "nothing"},
		{[]string{"PHPRC=main"}, "a"},
		{[]string{"PHPRC=main", "PHP_INI_SCAN_DIR=scan"}, "b"},
		{[]string{"PHPRC=main", "PHP_INI_SCAN_DIR=scan:none"}, "nothing"},
		{[]string{"PHPRC=main", "PHP_INI_SCAN_DIR="}, "a"},
	} {
		s.env = test.env
		checkInvisible(t, s, regexp.MustCompile(`^$`))
		if got := s.hooked(t).stdout; got != test.want+" script.php\n" {
			t.Errorf("%q: got %q, want %q", test.env, got, test.want)
		}
	}
}

func TestPHPUnitWithstands(t *testing.T) {
	const text = `<?php
use PHPUnit\Framework\Attributes\DataProvider;
final class OddTest extends PHPUnit\Framework\TestCase
{
    public static $files = [];
    public function testFolder(): void { chdir('/'); $this->assertTrue(true); }
    public function testEnvironment(): void { putenv('OOM143_EVENTS'); $_ENV = []; $this->assertTrue(true); }
    public function testClosed(): void
    {
        foreach (get_resources('stream') as $stream) {
            if ((stream_get_meta_data($stream)['uri'] ?? '') === EVENTS) { fclose($stream); }
        }
        for ($i = 0; $i < 20; $i++) { self::$files[] = fopen(sys_get_temp_dir() . "/own$i", 'w'); }
        $this->assertTrue(true);
    }
    public function testAfter(): void
    {
        foreach (self::$files as $file) { $this->assertSame(0, fstat($file)['size']); }
    }
    /** @dataProvider provide */
    #[DataProvider('provide')]
    public function testNames($x): void { $this->assertTrue(true); }
    public static function provide(): array
    {
        return ["a\nb" => [1], "\u{1f600}:" => [1], "\xff" => [1], str_repeat("\u{e9}\"", 5000) => [1]];
    }
}
define('EVENTS', getenv('OOM143_EVENTS'));
`
	eachPHPUnit(t, func(t *testing.T, p phpunit) {
		s := p.suite(t, map[string]string{"OddTest.php": text}, "OddTest.php")
		s.env = []string{"TMPDIR=" + s.dir}
		o := s.hooked(t)
		if o.status != 0 || len(outcomes(o.events)) != 8 || len(running(o.events)) != 0 {
			t.Errorf("status %d, events %q\n%s", o.status, story(o.events), o.stdout)
		}
		for _, e := range o.events {
			if len(e.ID) > MaxID || e.Action == Start && e.Line == 0 {
				t.Errorf("event %+v", e)
			}
		}
	})
}

// Programs that use PHPUnit's assertions only keep their command line.
func TestPHPAssertionsOnly(t *testing.T) {
	needPrograms(t, "phpunit")
	t.Parallel()
	s := newSuite(t, map[string]string{"a.php": `<?php
require 'PHPUnit/Autoload.php';
PHPUnit\Framework\Assert::assertTrue(true);
echo implode(' ', $_SERVER['argv']), "\n";
`}, "php", "a.php", "x")
	o := s.hooked(t)
	if o.stdout != "a.php x\n" || len(o.events) != 0 {
		t.Errorf("got %+v", o)
	}
}

func TestPHPEnviron(t *testing.T) {
	s := openSession(t)
	dir := s.Path("php")
	for _, test := range []struct {
		env  []string
		want string
	}{
		{nil, ":" + dir},
		{[]string{"PHP_INI_SCAN_DIR=/x"}, "/x:" + dir},
		{[]string{"PHP_INI_SCAN_DIR=/x:"}, "/x::" + dir},
		{[]string{"PHP_INI_SCAN_DIR="}, dir},
	} {
		e := newEnviron(test.env, Command{})
		phpEnviron(s, e)
		if got := e.get("PHP_INI_SCAN_DIR"); got != test.want {
			t.Errorf("%q gives %q, want %q", test.env, got, test.want)
		}
	}
}

// Without an event file, or with one that is gone, nothing is to be seen.
func TestPHPSilent(t *testing.T) {
	needPrograms(t, "phpunit")
	t.Parallel()
	env := openSession(t).Environ(os.Environ(), Command{})
	for _, events := range []string{"", "/nonexistent/events", "/dev/full"} {
		s := newSuite(t, map[string]string{"GrpTest.php": phpunitSuite}, "phpunit", "--do-not-cache-result", "GrpTest.php")
		e := newEnviron(env, Command{})
		e.set(EventsVariable, events)
		want, got := s.plain(t), s.start(t, e.vars).wait()
		want.stdout, got.stdout = phpunitChanging.ReplaceAllString(want.stdout, "~"), phpunitChanging.ReplaceAllString(got.stdout, "~")
		if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(outcome{})); diff != "" {
			t.Errorf("%s=%q (-without +with):\n%s", EventsVariable, events, diff)
		}
	}
}

func BenchmarkPHPStart(b *testing.B) { reportStart(b, "php", "-r", "1;") }

func BenchmarkPHPUnitEvents(b *testing.B) {
	text := `<?php
final class T extends PHPUnit\Framework\TestCase
{
    /** @dataProvider provide */
    public function testX($x): void { $this->assertTrue(true); }
    public static function provide(): array { return array_fill(0, 5000, [1]); }
}
`
	reportEvents(b, newSuite(b, map[string]string{"T.php": text}, "phpunit", "--do-not-cache-result", "T.php"), 5000)
}
