"""Arbitrary bytes give a value or an error of ours: the fuzzer on each reader, and its kept corpus.

Ten minutes by default, of which each reader gets its part; ``ONEIRIC_FUZZ_SECONDS=3600`` makes it an hour.
"""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HARNESS = Path(__file__).with_name("harness.py")
READERS = ["json", "yaml", "envelope"]
SECONDS = max(1, int(os.environ.get("ONEIRIC_FUZZ_SECONDS", "600")) // len(READERS))


def harness(*arguments: str, seconds: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HARNESS), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 600)


def test_every_kept_input_is_read_or_refused() -> None:
    finished = harness("--replay")
    assert finished.returncode == 0, finished.stderr
    kept = sum(1 for path in HARNESS.parent.glob("corpus/*/*"))
    assert finished.stdout == f"{kept} inputs\n"
    assert kept >= 28


@pytest.mark.long
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed; it has no wheel for this platform")
@pytest.mark.parametrize("reader", READERS)
def test_a_fuzzer_finds_nothing(reader: str, tmp_path: Path) -> None:
    finished = harness(reader, f"--seconds={SECONDS}", f"--found={tmp_path}", seconds=SECONDS)
    assert finished.returncode == 0, finished.stderr[-5000:]
    runs = re.search(r"^Done (\d+) runs", finished.stderr, re.MULTILINE)
    assert runs, finished.stderr[-5000:]
    assert int(runs[1]) > 1000
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(("crash-", "timeout-", "oom-"))]
