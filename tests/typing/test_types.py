"""What a user writes with the fixtures is accepted by mypy --strict, and slips are not."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def checked(paths: list[Path], cache: Path) -> str:
    """What mypy --strict says of files of somebody else's, with the installed packages as they are."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            f"--cache-dir={cache}",
            "--no-error-summary",
            *paths,
        ],
        cwd=HERE,
        env={"MYPYPATH": f"{ROOT}:{ROOT / 'conformance'}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.long
def test_every_fixture_as_it_is_documented_and_every_slip(tmp_path: Path) -> None:
    """As a stranger's checker is set up; `make lint` reads the same files as ours is, in seconds."""
    assert checked([HERE / "downstream_types.py", HERE / "slips.py"], tmp_path) == ""
