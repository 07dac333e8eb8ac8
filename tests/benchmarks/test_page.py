"""The page of figures, when some of it is measured anew."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = (HERE.parents[1] / "docs" / "reference" / "benchmarks.md").read_text(encoding="utf-8")
page_of: Callable[..., str] = runpy.run_path(str(HERE / "page.py"))["page_of"]


def test_what_is_measured_anew_replaces_all_rows_of_its_subject_and_of_no_other() -> None:
    before = page_of(
        "a", {"one": ["| old | 1 s |  |", "| same | 1 s |  |"], "two": ["| same | 5 s |  |"]}, "", ["one", "two"]
    )
    after = page_of("a", {"one": ["| new | 2 s |  |", "| same | 2 s |  |"]}, before, ["one", "two"])
    assert re.findall(r"^(?:## |\| (?!work)).*", after, re.MULTILINE) == [
        "## one", "| new | 2 s |  |", "| same | 2 s |  |", "## two", "| same | 5 s |  |"
    ]  # fmt: skip


def test_the_order_is_that_of_the_subjects_and_what_is_none_any_more_goes() -> None:
    before = page_of("a", {"gone": ["| g | 1 s |  |"], "two": ["| t | 1 s |  |"]}, "", ["gone", "two"])
    after = page_of("a", {"one": ["| o | 1 s |  |"]}, before, ["one", "two", "three"])
    assert re.findall(r"^## (.*)", after, re.MULTILINE) == ["one", "two"]
    assert "| g |" not in after


def test_the_page_is_as_it_would_be_written() -> None:
    (machine,) = re.findall(r"on (.*)\. Medians", PAGE)
    assert page_of(machine, {}, PAGE, re.findall(r"^## (.*)", PAGE, re.MULTILINE)) == PAGE
