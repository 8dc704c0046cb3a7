# Waits for a test framework to be imported, then gives it the plugin.
import sys
from io import open


class Oom143Finder:
    waiting = {"_pytest.config": "pytest", "unittest.case": "unittest"}
    plugin = {}

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name not in cls.waiting:
            return None
        framework = cls.waiting.pop(name)
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find and finder is not cls else None
            if spec is not None:
                cls.wrap(spec.loader, framework)
                return spec
        return None

    @classmethod
    def wrap(cls, loader, framework):
        try:
            original = loader.exec_module

            def exec_module(module):
                del loader.exec_module
                original(module)
                try:
                    cls.load(framework, module)
                except Exception:
                    pass

            loader.exec_module = exec_module
        except Exception:
            pass

    @classmethod
    def load(cls, framework, module):
        if not cls.plugin:
            with open(here + "/oom143_plugin.py", "rb") as f:
                exec(compile(f.read(), "<oom143>", "exec"), cls.plugin)
        cls.plugin[framework](module)


# An outer run of oom143 may have been first.
if not any(getattr(f, "__name__", "") == "Oom143Finder" for f in sys.meta_path):
    sys.meta_path.insert(0, Oom143Finder)
