# Loaded by every Python that has this folder on PYTHONPATH, also Python 2.
# Leaves sys.path and the sitecustomize module as they would be without it.
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [p for p in sys.path if p != here]

if sys.version_info >= (3, 6) and os.environ.get("OOM143_EVENTS"):
    try:
        with open(os.path.join(here, "oom143_finder.py"), "rb") as f:
            # A file name that coverage and tracebacks take for no file.
            exec(compile(f.read(), "<oom143>", "exec"), {"here": here})
    except Exception:
        pass
    try:
        # A coverage that was started before (by its .pth file) must not look
        # for this file when it reports.
        sys.modules["coverage"].Coverage.current()._collector.data.pop(__file__, None)
    except Exception:
        pass

# The user's or the distribution's own; where there is none, the same
# ImportError as without this file, which the site module expects.
del sys.modules["sitecustomize"]
import sitecustomize
