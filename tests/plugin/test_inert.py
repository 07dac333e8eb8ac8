"""A run that does not use us must not notice us."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

GUARD = """
import atexit, sys
OURS = ("oneiric_core", "oneiric_conformance")
HEAVY = ("pydantic", "httpx", "yaml", "cryptography", "hypothesis", "opentelemetry", "typer")
def pytest_unconfigure(config):
    loaded = sorted(name for name in sys.modules if name.split(".")[0] in (*OURS, *HEAVY))
    open("loaded.txt", "w").write("\\n".join(loaded))
"""


def run(folder: Path, *args: str, with_us: bool = True) -> subprocess.CompletedProcess[str]:
    ours = ("-p", "pytest_oneiric.plugin") if with_us else ()
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *ours, *args],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_nothing_of_ours_is_loaded_at_the_end_of_an_unrelated_run(tmp_path: Path) -> None:
    """Looked at when pytest ends, so that a late import would be seen as well."""
    (tmp_path / "conftest.py").write_text(GUARD, encoding="utf-8")
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "loaded.txt").read_text(encoding="utf-8") == ""


def test_an_unrelated_run_writes_nothing_of_ours(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    run(tmp_path, "-p", "no:cacheprovider")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == ["test_own.py"]


def test_no_fixture_is_forced_on_an_unrelated_test(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "def test_own(request): assert not [n for n in request.fixturenames if 'oneiric' in n]\n", encoding="utf-8"
    )
    assert run(tmp_path).returncode == 0


HOUSE = 'pytest_plugins = ["pytest_oneiric.fixtures"]\n'


@pytest.mark.parametrize(
    "loaded",
    [
        ("pytest_oneiric.fixtures", "pytest_oneiric.plugin"),
        ("pytest_oneiric.plugin", "pytest_oneiric.fixtures"),
        ("house", "pytest_oneiric.plugin"),
    ],
    ids=lambda loaded: loaded[0],
)
def test_somebody_else_may_load_the_fixtures_as_well(tmp_path: Path, loaded: tuple[str, ...]) -> None:
    (tmp_path / "house.py").write_text(HOUSE, encoding="utf-8")
    (tmp_path / "test_own.py").write_text("def test_own(oneiric_clock): oneiric_clock.now()\n", encoding="utf-8")
    done = run(tmp_path, *(f"-p{name}" for name in loaded), with_us=False)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.parametrize("plugin", ["with", "without"])
def test_the_output_of_an_unrelated_run_is_the_same(tmp_path: Path, plugin: str) -> None:
    """Neither header nor summary: what our plugin adds to such a run is options."""
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    done = run(tmp_path, with_us=plugin == "with")
    assert "oneiric" not in done.stdout.replace(str(tmp_path), "")
