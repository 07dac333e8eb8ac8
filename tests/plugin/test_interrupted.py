"""What is left of a run that was not allowed to end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

ARGUMENTS = ("--oneiric-conformance", "--oneiric-profile", "quick", "-v", "-p", "no:cacheprovider")

INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("pytest", run_name="__main__")
"""
"""Whoever starts this suite in the background may have told its children to ignore interrupts."""


@contextmanager
def in_the_middle(author, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A run that has judged something, and not everything."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "CI"))}
    environment |= {"PYTHONPATH": str(author.root / "src"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", INTERRUPTIBLE, "-p", "pytest_oneiric.plugin", *ARGUMENTS, *arguments]
    with subprocess.Popen(command, cwd=author.root, env=environment, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if "META-001" in line and "PASSED" in line:
                break
        else:
            pytest.fail(f"the run ended with code {run.wait()} before it came to META-001")
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
