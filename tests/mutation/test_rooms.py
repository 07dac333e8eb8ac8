"""The table of rooms is about files that are there: one that moved would no longer be judged, and nobody notice."""

import runpy
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ROOMS = runpy.run_path(str(HERE / "rooms.py"))["ROOMS"]


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_has_code_and_tests(name: str) -> None:
    assert ROOMS[name].code
    assert ROOMS[name].tests
    assert all([*ROOT.glob(pattern)] for pattern in ROOMS[name].code)
    assert all((ROOT / test).exists() for test in ROOMS[name].tests)
