"""The page on fetching has every limit with its default, and it and the one on the runtime say what gauges mean."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from oneiric_core import FetchLimits
from oneiric_core.remote.breaker import BREAKER_LEVELS_TOLD

PAGES = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGE = (PAGES / "fetching.md").read_text(encoding="utf-8")
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def test_every_limit_is_there_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+)(?: (KiB|MiB|GiB))?", PAGE, re.MULTILINE)
    told = {name: int(number) * UNITS[unit] for name, number, unit in rows}
    assert told == {each.name: getattr(FetchLimits(), each.name) for each in fields(FetchLimits)}


@pytest.mark.parametrize(
    ("page", "gauge"), [("fetching.md", "oneiric.fetch.breaker"), ("runtime.md", "oneiric.breaker.state")]
)
def test_the_levels_of_a_breaker_are_those_of_the_gauge(page: str, gauge: str) -> None:
    (row,) = re.findall(rf"^\| `{gauge}` \|.*", (PAGES / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert BREAKER_LEVELS_TOLD in row
