"""A project that uses every fixture as the documentation says, under each way to run coroutines."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).parent / "downstream"
PAGES = ROOT / "docs" / "reference" / "fixtures"
PLUGINS = {
    "none": [],
    "auto": ["-p", "asyncio", "-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"],
    "strict": ["-p", "asyncio", "-o", "asyncio_mode=strict", "-o", "asyncio_default_fixture_loop_scope=function"],
    "anyio": ["-p", "anyio"],
}
STRICT = ("-W", "error", "--strict-markers", "-q")
EXTRAS = ("conformance", "testing")
RELEASES = {
    "oldest": ["pytest-asyncio==0.23.8", "pytest-xdist==3.6.0"],  # with pytest 8.0 and our other floors
    "newest": ["pytest-asyncio", "pytest-xdist"],
}
JUDGED = {"none": ["oldest"], "auto": ["oldest", "newest"], "strict": ["newest"], "anyio": ["oldest"]}
"""With which releases the kit is asked for under each arrangement."""
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


def floors() -> list[str]:
    """The oldest releases that the extras promise to work with, to be installed as they are."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    return [requirement.replace(">=", "==") for extra in EXTRAS for requirement in extras[extra]]


@pytest.fixture(scope="module", params=RELEASES)
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """One with this project as its wheel is and what a user would install beside it, by the package registry."""
    folder = tmp_path_factory.mktemp(request.param)
    made = folder / "bin" / "python"
    wanted = [f"{ROOT}[{','.join(EXTRAS)}]", *RELEASES[request.param], *(floors() if request.param == "oldest" else ())]
    for command in (
        ["venv", "--without-pip", folder],
        ["pip", "--python", made, "install", "--quiet", "--no-compile", *wanted],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
    return str(made)


def run(folder: Path, arrangement: str, *args: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Pytest with our plugin and that of the arrangement, and no other."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "CI"))}
    return subprocess.run(
        [python, "-W", "error", "-m", "pytest", "-p", "pytest_oneiric.plugin", *PLUGINS[arrangement], *args],
        cwd=folder,
        env=kept | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "ARRANGEMENT": arrangement, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_project_uses_every_fixture() -> None:
    text = (PROJECT / "test_plain.py").read_text(encoding="utf-8")
    assert FIXTURES
    assert {name for name in FIXTURES if f"({name}" in text or f", {name}" in text} == FIXTURES


def test_its_coroutines_pass(project: Path) -> None:
    """The part of the next one that is quick."""
    done = run(project, "auto", *STRICT, "test_coroutines.py")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize("arrangement", PLUGINS)
def test_it_passes_under_each_way_to_run_coroutines(
    project: Path, python: str, arrangement: str, request: pytest.FixtureRequest
) -> None:
    """With the oldest and the newest pytest, on two workers.

    The kit, which takes some ten seconds, is asked by `oneiric_certify` under each of them, with one or both of them.
    """
    judged = request.node.callspec.params["python"] in JUDGED[arrangement]
    wanted = () if judged else ("-k", "not certify or needs_a_plain_test")
    done = run(project, arrangement, "-p", "xdist", "-n", "2", *STRICT, *wanted, python=python)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ passed", done.stdout)
    assert not re.search("skipped|xfailed|warning", done.stdout.splitlines()[-1])
