"""The plugin in an unrelated run of pytest, and what importing costs."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Figure, median_of, quickest_of


def child_cpu(*command: str, cwd: Path, env: dict[str, str]) -> float:
    """CPU seconds of a child process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=cwd, env=env, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def import_seconds(module: str, after: str = "") -> float:
    code = f"{after}\nimport time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def plugin() -> Iterator[Figure]:
    own = median_of(25, lambda: import_seconds("pytest_oneiric.plugin", after="import pytest"))
    yield Figure("import of the plugin and its fixtures", f"{own * 1000:.2f} ms", "≤ 2 ms")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
        env = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
        run = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p")
        # for -p itself pytest looks through all that is installed
        (folder / "empty.py").write_text("", encoding="utf-8")
        base, ours = (
            (*run, "empty"),
            (*run, "pytest_oneiric.plugin"),
        )
        child_cpu(*ours, cwd=folder, env=env)  # the first run of all compiles, and none after it
        without, with_ours = (
            1000 * seconds
            for seconds in quickest_of(
                50, lambda: child_cpu(*base, cwd=folder, env=env), lambda: child_cpu(*ours, cwd=folder, env=env)
            )
        )
    told = f"{with_ours:.0f} ms; with an empty plugin {without:.0f} ms"
    yield Figure("CPU of an unrelated run of pytest, quickest of 50", told, "≤ 10 ms more")
    yield Figure(
        "import oneiric_core", f"{median_of(25, lambda: import_seconds('oneiric_core')) * 1000:.1f} ms", "≤ 60 ms"
    )
