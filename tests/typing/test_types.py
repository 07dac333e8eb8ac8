"""What a user writes with the fixtures is accepted by mypy --strict, and a slip is not."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def checked(path: Path, cache: Path) -> str:
    """What mypy --strict says of a file of somebody else's, with the installed packages as they are."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            f"--cache-dir={cache}",
            "--no-error-summary",
            path,
        ],
        cwd=path.parent,
        env={"MYPYPATH": f"{ROOT}:{ROOT / 'conformance'}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for both: a cold one costs the most of a run."""
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.long
def test_every_fixture_as_it_is_documented(cache: Path) -> None:
    assert checked(HERE / "downstream_types.py", cache) == ""


SLIPS = {
    "oneiric_artifact_server.on('/a', b'bytes')": "incompatible type",
    "oneiric_artifact_server.tlss": "has no attribute",
    "Broken(WireFault.SHROT)": 'has no attribute "SHROT"',
}


@pytest.mark.long
def test_a_slip_is_found(tmp_path: Path, cache: Path) -> None:
    lines = "\n    ".join(SLIPS)
    path = tmp_path / "slips.py"
    path.write_text(
        "from oneiric_core.testing import ArtifactServer, Broken, WireFault\n\n"
        f"def test_it(oneiric_artifact_server: ArtifactServer) -> None:\n    {lines}\n",
        encoding="utf-8",
    )
    told = checked(path, cache).splitlines()
    assert len(told) == len(SLIPS), told
    assert all(word in line for line, word in zip(told, SLIPS.values(), strict=True))
