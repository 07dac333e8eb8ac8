"""The page on verdicts explains every status."""

import re
from pathlib import Path

from oneiric_conformance.results import Status

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "explanation" / "verdicts.md").read_text(encoding="utf-8")


def test_every_status_is_explained_once() -> None:
    assert sorted(re.findall(r"^`(.+)`\n: ", PAGE, re.MULTILINE)) == sorted(Status)
