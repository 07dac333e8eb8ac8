"""The page on fetching has every limit with its default, and every instrument."""

import re
from dataclasses import fields
from pathlib import Path

from oneiric_core import FetchLimits

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "fetching.md").read_text(encoding="utf-8")
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def test_every_limit_is_there_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+)(?: (KiB|MiB|GiB))?", PAGE, re.MULTILINE)
    told = {name: int(number) * UNITS[unit] for name, number, unit in rows}
    assert told == {each.name: getattr(FetchLimits(), each.name) for each in fields(FetchLimits)}
