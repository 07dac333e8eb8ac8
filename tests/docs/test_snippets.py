"""What the documents say is what happens."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOUND = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def has_blocks(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return len(re.findall(r"^```", text, re.MULTILINE)) > 2 * text.count("```{toctree}")


def told(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    marks = [pytest.mark.long] if "<!-- long -->" in text else []
    return pytest.param(path, id=path.relative_to(ROOT).as_posix(), marks=marks)


@pytest.mark.parametrize(
    "story", [told(path) for path in sorted(FOUND) if "_build" not in path.parts and has_blocks(path)], indirect=True
)
def test_every_block_runs_as_it_is_written(story: Any) -> None:
    assert story.tell() > 0
