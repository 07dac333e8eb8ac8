"""A project that uses every fixture as the documentation says, under each way to run coroutines."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).parent / "downstream"
PAGES = ROOT / "docs" / "reference" / "fixtures"
PLUGINS = {
    "none": [],
    "auto": ["-p", "asyncio", "-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"],
    "strict": ["-p", "asyncio", "-o", "asyncio_mode=strict", "-o", "asyncio_default_fixture_loop_scope=function"],
    "anyio": ["-p", "anyio"],
}
FIXTURES = {
    line.split("def ")[1].split("(")[0]
    for line in (ROOT / "pytest_oneiric" / "fixtures.py").read_text(encoding="utf-8").splitlines()
    if line.startswith("def oneiric_")
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, with the examples of the documentation beside its own tests."""
    folder = tmp_path / "downstream"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for page in PAGES.glob("*.md"):
        for name, text in re.findall(
            r"```\{code-block\} python\n:caption: (\w+\.py)\n(.*?)```", page.read_text("utf-8"), re.DOTALL
        ):
            assert not (folder / name).exists(), f"{page.name} has another {name}"
            (folder / name).write_text(text, encoding="utf-8")
    return folder


def run(folder: Path, arrangement: str, *args: str, before: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Pytest with our plugin and that of the arrangement, and no other."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "CI"))}
    path = os.pathsep.join(str(place) for place in (before, folder) if place is not None)
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-p", "pytest_oneiric.plugin", *PLUGINS[arrangement], *args],
        cwd=folder,
        env=kept | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "ARRANGEMENT": arrangement, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_project_uses_every_fixture() -> None:
    text = (PROJECT / "test_plain.py").read_text(encoding="utf-8")
    assert FIXTURES
    assert {name for name in FIXTURES if f"({name}" in text or f", {name}" in text} == FIXTURES


def test_its_coroutines_pass_on_two_workers(project: Path) -> None:
    """The part of the next one that is quick."""
    done = run(project, "auto", "-p", "xdist", "-n", "2", "-W", "error", "--strict-markers", "-q", "test_coroutines.py")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize("arrangement", PLUGINS)
def test_it_passes_under_each_way_to_run_coroutines(project: Path, arrangement: str) -> None:
    done = run(project, arrangement, "-p", "xdist", "-n", "2", "-W", "error", "--strict-markers", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ passed", done.stdout)
    assert not re.search("skipped|xfailed|warning|deselected", done.stdout.splitlines()[-1])


@pytest.mark.long
def test_it_passes_on_the_oldest_pytest_that_is_supported(project: Path, tmp_path: Path) -> None:
    """As a user would have it: the oldest pytest before the one that is installed here, and no other plugin."""
    old = tmp_path / "old"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", old, "pytest==8.0.0", "pluggy<1.6"]
    subprocess.run(command, check=True, timeout=300, capture_output=True)
    done = run(project, "none", "-q", "--strict-markers", "-k", "not certify", before=old)
    assert done.returncode == 0, done.stdout + done.stderr
    header = run(project, "none", "--version", before=old)
    assert "pytest 8.0.0" in header.stdout + header.stderr
