"""Which Pythons the gate runs on: what it finds on a machine, what it says of that, and what GitHub gives it."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / ".github" / "workflows" / "ci.yml"
SYSTEM = ("awk", "bash", "df", "dirname", "env", "head", "sort", "tail")
PRESENT = ("chromedriver", "chromium", "curl", "git", "redis-server")
PYTHON = """#!{python}
import sys
sys.version_info, sys.executable = ({major}, {minor}, 0, "final", 0), __file__
print("Python {major}.{minor}.0") if sys.argv[1] == "--version" else exec(sys.argv[2])
"""


class Machine:
    """One with the Pythons that are given it, on which each step of the gate is over at once."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.bin = home / "bin"
        self.bin.mkdir()
        for name in SYSTEM:
            (self.bin / name).symlink_to(str(shutil.which(name)))
        for name in PRESENT:
            self.program(self.bin / name, "#!/bin/sh\n")
        self.program(self.bin / "make", f'#!/bin/sh\necho "$@" >> {home}/made\n')
        self.program(home / ".venv" / "bin" / "oneiric-core", "#!/bin/sh\n")
        (home / ".ci").mkdir()
        shutil.copy(ROOT / ".ci" / "run", home / ".ci" / "run")

    @staticmethod
    def program(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def python(self, name: str, version: str) -> None:
        major, minor = version.split(".")
        self.program(self.bin / name, PYTHON.format(python=sys.executable, major=major, minor=minor))

    def gate(self) -> str:
        """Run the gate; what it printed."""
        environment = {"PATH": str(self.bin), "HOME": str(self.home), "TMPDIR": str(self.home)}
        done = subprocess.run(
            [self.home / ".ci" / "run"], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def made(self) -> list[str]:
        return (self.home / "made").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_everything_runs_on_the_default_python_and_the_suite_on_the_newest_too(machine: Machine) -> None:
    for name, version in (("python3", "3.11"), ("python3.11", "3.11"), ("python3.12", "3.12"), ("python3.13", "3.13")):
        machine.python(name, version)
    told = machine.gate()
    assert f"everything runs on Python 3.11.0, {machine.bin / 'python3'}\n" in told
    assert f"the suite runs on Python 3.13.0, too, {machine.bin / 'python3.13'}\n" in told
    assert "== the suite on Python 3.13.0 (" in told
    assert "--no-print-directory PYTHON=python3 test" in machine.made()
    second = [line for line in machine.made() if "PYTHON=python3 " not in line]
    assert second == [f"--no-print-directory PYTHON={machine.bin / 'python3.13'} VENV=.venv-newest test test-slow"]
    assert "make test-slow runs there alone" in told
    assert "--no-print-directory PYTHON=python3 test-slow" not in machine.made()


def test_where_there_is_no_second_python_the_gate_says_so(machine: Machine) -> None:
    for name in ("python3", "python3.12"):
        machine.python(name, "3.12")
    told = machine.gate()
    assert f"everything runs on Python 3.12.0, {machine.bin / 'python3'}\n" in told
    assert "there is no second Python here" in told
    assert not [line for line in machine.made() if ".venv-newest" in line]
    assert "--no-print-directory PYTHON=python3 test-slow" in machine.made()


def test_a_default_python_that_is_too_old_gives_way_to_the_oldest_that_will_do(machine: Machine) -> None:
    for name, version in (("python3", "3.10"), ("python3.12", "3.12"), ("python3.13", "3.13")):
        machine.python(name, version)
    told = machine.gate()
    assert f"everything runs on Python 3.12.0, {machine.bin / 'python3.12'}\n" in told
    assert f"the suite runs on Python 3.13.0, too, {machine.bin / 'python3.13'}\n" in told


def test_on_github_they_are_the_oldest_and_the_newest_that_the_package_promises() -> None:
    """The action puts the last one first in the path, which makes it the default."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = [text.rpartition(" ")[2] for text in project["classifiers"] if " :: Python :: 3." in text]
    oldest, newest = project["requires-python"].removeprefix(">="), promised[-1]
    steps = yaml.safe_load(CI.read_text(encoding="utf-8"))["jobs"]["gate"]["steps"]
    (before,) = [number for number, step in enumerate(steps) if step.get("run") == ".ci/run"]
    given = [step["with"]["python-version"] for step in steps[:before] if "actions/setup-python@" in step["uses"]]
    assert [text.split() for text in given] == [[newest, oldest]]
