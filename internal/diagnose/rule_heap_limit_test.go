package diagnose

import "github.com/org/oom143-action/internal/record"

func heapWords(runtime, text string, statuses ...int) record.Message {
	return record.Message{Kind: record.HeapLimit, Runtime: runtime, Text: text, Statuses: statuses}
}

var (
	v8Words     = heapWords("V8", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", 134, 133)
	pythonWords = heapWords("Python", "MemoryError", 1, 3)
)

var heapLimitCases = []testCase{
	{
		name: "V8, node aborts", cause: HeapLimit, certainty: Certain, running: test70, headline: "V8 reached its own memory limit",
		run: service().argv("npx", "mocha").calm().at(50).test(test70, 100).at(60).says(v8Words).at(60.2).dies("SIGABRT", 2*gb),
	},
	{
		name: "V8, npm passes 134 on", cause: HeapLimit, certainty: Certain,
		run: service().argv("npm", "test").calm().at(60).says(v8Words).at(60.5).ends(134),
	},
	{
		name: "V8 in a jest worker that jest then ends", cause: HeapLimit, certainty: Likely, running: "src/a.test.js",
		run: service().argv("npx", "jest").calm().at(50).test("src/a.test.js", 200).at(60).says(record.Message{Kind: record.HeapLimit, Runtime: "V8", Text: v8Words.Text, Statuses: []int{134, 133}, PID: 200}).
			at(61).says(record.Message{Kind: record.WorkerKilled, Runtime: "jest", Text: "A jest worker process (pid=200) was terminated by another process: signal=SIGTERM, exitCode=null.", PID: 200, Signal: "SIGTERM", Test: "src/a.test.js"}).
			at(62).ends(1),
	},
	{
		name: "Java heap, Surefire", cause: HeapLimit, certainty: Likely,
		run: service().argv("mvn", "test").calm().at(60).says(heapWords("JVM", "java.lang.OutOfMemoryError: Java heap space", 1)).at(61).ends(1),
	},
	{
		name: "Java heap, Gradle tells the worker's status", cause: HeapLimit, certainty: Certain,
		run: service().argv("./gradlew", "test").calm().at(60).says(heapWords("JVM", "Terminating due to java.lang.OutOfMemoryError: Java heap space", 3)).
			at(61).says(record.Message{Kind: record.WorkerKilled, Runtime: "Gradle", Text: "Process 'Gradle Test Executor 1' finished with non-zero exit value 3", Code: 3}).at(62).ends(1),
	},
	{
		name: "MemoryError in pytest", cause: HeapLimit, certainty: Likely, headline: `Python was refused memory ("MemoryError")`,
		run: service().calm().at(60).says(pythonWords).at(61).ends(1),
	},
	{
		name: "PHP's memory_limit", cause: HeapLimit, certainty: Certain, headline: "PHP reached its own memory limit of 134 MB",
		run: service().argv("vendor/bin/phpunit").calm().at(60).says(record.Message{Kind: record.HeapLimit, Runtime: "PHP", Limit: 128 << 20,
			Text: "PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes) in /w/a.php on line 7", Statuses: []int{255}}).at(61).ends(255),
	},
	{
		name: ".NET's heap limit", cause: HeapLimit, certainty: Certain,
		run: container(2*gb).argv("dotnet", "test").calm().at(60).says(heapWords(".NET", "Out of memory.", 134, 139)).at(61).dies("SIGABRT", gb),
	},
	{
		name: "Go test binary", cause: HeapLimit, certainty: Certain,
		run: service().argv("./a.test").calm().at(60).says(heapWords("Go", "fatal error: runtime: out of memory", 2)).at(61).ends(2),
	},
	{
		name: "Go below go test", cause: HeapLimit, certainty: Likely, running: "example.com/p.TestA",
		run: service().argv("go", "test", "./...").calm().at(50).test("example.com/p.TestA", 200).at(60).says(heapWords("Go", "fatal error: runtime: out of memory", 2)).at(61).ends(1),
	},
	{
		name: "Rust aborts", cause: HeapLimit, certainty: Certain,
		run: service().argv("cargo", "test").calm().at(60).says(heapWords("Rust", "memory allocation of 70368744177664 bytes failed", 134)).
			child(200, "target/debug/a", "SIGABRT", gb).at(61).ends(101),
	},
	{
		name: "any failure goes with the words", cause: HeapLimit, certainty: Likely,
		run: service().calm().at(60).says(heapWords("JVM", "Exception: java.lang.OutOfMemoryError thrown from the UncaughtExceptionHandler")).at(61).ends(4),
	},
	{
		name: "a test prints V8's words and fails with 1", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(60).says(v8Words).at(61).ends(1),
	},
	{
		name: "a Go test binary prints Go's words and exits with 1", cause: TestsFailed, certainty: Certain, running: "TestA",
		run: service().argv("./a.test").calm().at(50).test("TestA", 100).at(60).says(heapWords("Go", "fatal error: runtime: out of memory", 2)).at(61).ends(1),
	},
	{
		name: "a test prints the words and passes", cause: Passed,
		run: service().calm().at(60).says(v8Words).says(pythonWords).at(61).ends(0),
	},
	{
		name: "the words came, and later the run was cancelled", cause: Cancelled, certainty: Certain,
		run: service().calm().at(60).says(pythonWords).at(300).signal("SIGINT", worker).at(301).ends(1),
	},
	{
		name: "a worker aborted at its heap limit, and later the run was cancelled", cause: Cancelled, certainty: Certain,
		run: service().calm().at(60).says(v8Words).child(200, "node", "SIGABRT", gb).at(300).signal("SIGINT", worker).at(301).ends(1),
	},
	{
		name: "the kernel's kill goes before the runtime's words", cause: CgroupOOM, oom: true, certainty: Likely, victims: "100 true",
		run: container(2*gb).calm().at(60).used(1900*mb, 1950*mb, 4*gb).says(heapWords("V8", "FATAL ERROR: out of memory", 134, 137)).
			at(60.1).counters(oomAndKill, onlyKill).dies("SIGKILL", 1900*mb),
	},
}
