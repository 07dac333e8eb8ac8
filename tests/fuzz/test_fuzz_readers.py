"""Arbitrary bytes give a value or an error of ours: a short run of the fuzzer on each reader, and its kept corpus."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HARNESS = Path(__file__).with_name("harness.py")
SECONDS = 8


def harness(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HARNESS), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


def test_every_kept_input_is_read_or_refused() -> None:
    finished = harness("--replay")
    assert finished.returncode == 0, finished.stderr
    kept = sum(1 for path in HARNESS.parent.glob("corpus/*/*"))
    assert finished.stdout == f"{kept} inputs\n"
    assert kept >= 28


@pytest.mark.long
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed; it has no wheel for this platform")
@pytest.mark.parametrize("reader", ["json", "yaml", "envelope"])
def test_a_fuzzer_finds_nothing_in_a_short_while(reader: str, tmp_path: Path) -> None:
    finished = harness(reader, f"--seconds={SECONDS}", f"--found={tmp_path}")
    assert finished.returncode == 0, finished.stderr[-5000:]
    runs = re.search(r"^Done (\d+) runs", finished.stderr, re.MULTILINE)
    assert runs, finished.stderr[-5000:]
    assert int(runs[1]) > 1000
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(("crash-", "timeout-", "oom-"))]
