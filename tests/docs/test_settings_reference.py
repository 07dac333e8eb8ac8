"""The page on settings has every setting there is."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oneiric_core import Settings
from oneiric_core.domains import DOMAINS
from oneiric_core.errors import SettingsError

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")


def example() -> dict[str, Any]:
    """The example, with what its comments say could be set in the place of something."""
    (text,) = re.findall(r":caption: oneiric\.toml\n(.*?)```", PAGE, re.DOTALL)
    text = re.sub(r"# or: (?=\w+ = )", "\n", re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE))
    document = tomllib.loads(text)
    (likewise,) = re.findall(r"\[adapters\.selections\] +# likewise (.*)", text)
    assert {*likewise.split(", "), "adapters"} == {spec.plural for spec in DOMAINS.values()}
    return document | dict.fromkeys(likewise.split(", "), document["adapters"])


def settings(*above: str) -> Iterator[tuple[str, ...]]:
    """The path of every setting in a table, as the refusal of one that is unknown names them."""
    document: dict[str, Any] = {"unknown": 0}
    for step in reversed(above):
        document = {step: document}
    with pytest.raises(SettingsError) as caught:
        Settings.from_document(document)
    named = re.fullmatch(r"Use one of (.*), or remove it", caught.value.fix)
    if named is None:  # no table, or one whose keys are the operator's own
        yield above
        return
    for name in named[1].split(", "):
        yield from settings(*name.split("."))


def test_the_example_has_every_setting() -> None:
    every = [*settings()]
    assert ("remote", "url") in every
    assert [".".join(path) for path in every if not within(example(), path)] == []


def within(document: Any, path: tuple[str, ...]) -> bool:
    for step in path:
        if step not in document:
            return False
        document = document[step]
    return True
