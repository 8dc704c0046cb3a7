# Reports tests of pytest and unittest to the file in OOM143_EVENTS: one line,
# one write(2) for each event. Run by oom143_finder.py, never imported.
import re
from io import open
from os import O_APPEND, O_CLOEXEC, O_RDONLY, O_WRONLY, environ, fstat, getpid, path, pread, sysconf, write
from os import open as open_fd
from time import time as clock

# All by their own names: what a test puts in their place in os or time must
# not see calls that are none of the test's.

try:
    from _json import encode_basestring_ascii as quote
except ImportError:
    from json import dumps as quote

__unittest = True  # unittest leaves frames of such modules out of tracebacks

MAX_ID = 3000
MAX_LINE = 4095
PAGE = sysconf("SC_PAGE_SIZE")


class Events:
    def __init__(self, name):
        self.name = name
        self.pid = self.fd = self.statm = -1
        self.open()
        stat = fstat(self.fd)
        self.file = stat.st_ino, stat.st_dev

    def open(self):
        self.fd = open_fd(self.name, O_WRONLY | O_APPEND | O_CLOEXEC)

    def intact(self):
        # A test may have closed the descriptor, and its number may be another
        # file's now.
        try:
            stat = fstat(self.fd)
            return (stat.st_ino, stat.st_dev) == self.file
        except OSError:
            return False

    def rss(self):
        # proc_pid_statm(5). Held open, and opened again in a forked child.
        try:
            return int(pread(self.statm, 64, 0).split()[1]) * PAGE
        except (OSError, IndexError, ValueError):
            return 0

    def write(self, action, framework, id="", file="", line=0, rss=False, **more):
        try:
            pid = getpid()
            intact = self.intact()
            if pid != self.pid or not intact:
                if not intact:
                    self.open()
                    if not self.intact():
                        return
                self.pid = pid
                try:
                    self.statm = open_fd("/proc/self/statm", O_RDONLY | O_CLOEXEC)
                except OSError:
                    self.statm = -1
            text = '{"e":"%s","fw":"%s"' % (action, framework)
            if id:
                text += ',"id":' + quote_id(id)
            if file and len(file) < 512:
                text += ',"file":' + quote(file)
                if line:
                    text += ',"line":%d' % line
            for key in more:
                text += ',"%s":"%s"' % (key, more[key])
            text += ',"pid":%d,"t":%.3f' % (pid, clock() * 1000)
            if rss:
                text += ',"rss":%d' % self.rss()
            text += "}\n"
            if len(text) <= MAX_LINE:
                write(self.fd, text.encode("ascii"))
        except Exception:
            pass


def quote_id(id):
    text = quote(id)
    while len(text) > MAX_ID:
        id = id[: len(id) * MAX_ID // len(text) - 1]
        text = quote(id)
    return text


events = Events(environ["OOM143_EVENTS"])


class Source:
    """The lines of the file that was asked for last."""

    name = None
    lines = ()

    @classmethod
    def definition(cls, file, line, function):
        """The line of the def, where line may be that of its decorator."""
        if file != cls.name:
            cls.name = file
            try:
                with open(file, "rb") as f:
                    cls.lines = f.read(1 << 20).split(b"\n")
            except OSError:
                cls.lines = ()
        if not cls.lines[line - 1 : line] or not cls.lines[line - 1].lstrip().startswith(b"@"):
            return line
        found = re.compile(rb"\s*(async\s+)?def\s+%s\s*[(\[]" % re.escape(function).encode()).match
        for n, text in enumerate(cls.lines[line : line + 500], line + 1):
            if found(text):
                return n
        return line


class Driving:
    """pytest runs the tests, those of unittest too."""

    pytest = 0


class PytestPlugin:
    def __init__(self, config):
        self.root = str(getattr(config, "rootpath", None) or config.rootdir)
        self.outcome = "passed"
        events.write("loaded", "pytest")

    def pytest_unconfigure(self):
        Driving.pytest -= 1

    def pytest_collection(self):
        events.write("phase", "pytest", phase="collection", rss=True)

    def pytest_collection_finish(self):
        events.write("phase", "pytest", phase="", rss=True)

    def pytest_runtest_logstart(self, nodeid, location):
        self.outcome = "passed"
        file, line, name = location
        file = path.normpath(path.join(self.root, file))
        line = Source.definition(file, line + 1, name.partition("[")[0].rpartition(".")[2]) if line is not None else 0
        events.write("start", "pytest", nodeid, file, line, True)

    def pytest_runtest_setup(self, item):
        events.write("phase", "pytest", item.nodeid, phase="setup")

    def pytest_runtest_call(self, item):
        events.write("phase", "pytest", item.nodeid, phase="")

    def pytest_runtest_teardown(self, item):
        events.write("phase", "pytest", item.nodeid, phase="teardown")

    def pytest_runtest_logreport(self, report):
        if report.outcome == "failed" or self.outcome == "passed":
            self.outcome = report.outcome

    def pytest_runtest_logfinish(self, nodeid):
        outcome = self.outcome if self.outcome in ("failed", "skipped") else "passed"
        events.write("finish", "pytest", nodeid, rss=True, outcome=outcome)

    def pytest_sessionfinish(self):
        events.write("phase", "pytest", phase="teardown")


class PytestLoader:
    def pytest_configure(self, config):
        try:
            # The controller of pytest-xdist only relays: its workers report.
            worker = hasattr(config, "workerinput") or hasattr(config, "slaveinput")
            if worker or getattr(config.option, "dist", "no") == "no":
                config.pluginmanager.register(PytestPlugin(config))
                Driving.pytest += 1
        except Exception:
            pass


def pytest(module):
    """Patches _pytest.config, which has just been loaded."""
    for name, method in vars(PytestPlugin).items():
        if name.startswith("pytest_") and name != "pytest_unconfigure":
            module.hookimpl(tryfirst=True)(method)
    manager = module.PytestPluginManager
    original = manager.consider_env

    def consider_env(self):
        original(self)
        try:
            self.register(PytestLoader())
        except Exception:
            pass

    manager.consider_env = consider_env


def unittest(module):
    """Patches unittest.case, which has just been loaded."""
    original = module.TestCase.run

    def run(self, result=None):
        if Driving.pytest:
            return original(self, result)
        id, file, line = describe(self)
        events.write("start", "unittest", id, file, line, True)
        try:
            return original(self, result)
        finally:
            events.write("finish", "unittest", id, rss=True)

    run.__doc__ = original.__doc__
    module.TestCase.run = run


def describe(test):
    id = file = ""
    line = 0
    try:
        id = test.id()
        function = getattr(type(test), test._testMethodName)
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        if not function.__module__.startswith(("unittest", "doctest")):
            code = function.__code__
            file = path.abspath(code.co_filename)
            line = Source.definition(file, code.co_firstlineno, function.__name__)
    except Exception:
        pass
    return id, file, line
