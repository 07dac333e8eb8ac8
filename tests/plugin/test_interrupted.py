"""What is left of a run that was not allowed to end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytestmark = pytest.mark.slow

ARGUMENTS = ("--oneiric-conformance", "--oneiric-profile", "quick", "-v", "-p", "no:cacheprovider")

INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("pytest", run_name="__main__")
"""
"""Whoever starts this suite in the background may have told its children to ignore interrupts."""


BUSY = """
    async def init(self):
        import asyncio, os, pathlib
        pathlib.Path(os.environ["MARK"]).write_text(str(os.getpid()))
        await asyncio.sleep(1)
        self._open = True
"""
"""Who is interrupted between two tests, in pytest's own code, may meet a fault of pytest's on Python 3.11."""


@contextmanager
def in_the_middle(author, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A run that has judged something, and not everything, and has a component at work just now."""
    source = (author.root / "src" / "third.py").read_text(encoding="utf-8")
    author.write("src/third.py", source.replace("    async def init(self):\n        self._open = True\n", BUSY))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "CI"))}
    environment |= {"PYTHONPATH": str(author.root / "src"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", INTERRUPTIBLE, "-p", "pytest_oneiric.plugin", *ARGUMENTS, *arguments]
    with (
        TemporaryDirectory() as elsewhere,
        subprocess.Popen(
            command, cwd=author.root, env=environment | {"MARK": f"{elsewhere}/mark"}, stdout=subprocess.PIPE, text=True
        ) as run,
    ):
        assert run.stdout is not None
        for line in run.stdout:
            if "META-001" in line and "PASSED" in line:
                break
        else:
            pytest.fail(f"the run ended with code {run.wait()} before it came to META-001")
        mark = Path(elsewhere, "mark")
        while not mark.exists() or mark.read_text(encoding="utf-8") != str(run.pid):  # first lives are others'
            assert run.poll() is None, "it ended before it had a component at work"
            time.sleep(0.01)  # polling another process
        try:
            yield run
        finally:
            run.kill()


def test_killed_it_leaves_nothing_in_the_repository(author) -> None:
    before = sorted(author.root.rglob("*"))
    with in_the_middle(author, "--oneiric-report=report.json", "--oneiric-html=report.html") as run:
        run.kill()
        run.communicate(timeout=60)
    assert run.returncode == -signal.SIGKILL
    assert sorted(author.root.rglob("*")) == before


def test_interrupted_it_says_what_it_knows_and_certifies_nothing(author) -> None:
    with in_the_middle(author, "--oneiric-report=report.json") as run:
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=60)
    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert "incomplete" in out
    report = json.loads((author.root / "report.json").read_text(encoding="utf-8"))
    assert (report["verdict"], report["levels"]) == ("incomplete", [])
    assert report["missing"]
