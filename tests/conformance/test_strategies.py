"""What checks draw from: examples that really are what they claim to be."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_conformance.handling.offer import canonical, document_of, sign
from oneiric_conformance.strategies import (
    MARKER,
    NESTING,
    Change,
    Damage,
    Spelling,
    changed_documents,
    damaged,
    hostile_names,
    lax_spellings,
    nasty_changes,
    nasty_damage,
    nasty_names,
    nasty_spellings,
    nasty_traversals,
    respellings,
    traversals,
)
from oneiric_core import PathTraversalError, confine
from oneiric_core.testing import PUBLISHER

ENTRY: dict[str, Any] = {
    "domain": "task",
    "key": "key",
    "provider": "provider",
    "factory": "module:factory",
    "metadata": {"list": [1, 1.5, True, None, {"deep": "text"}]},
}
SIGNED = sign(document_of([ENTRY]))
RAW = PUBLISHER.sign(b"message")


class TestNames:
    @given(traversals())
    def test_traversals_are_refused_at_the_one_door(self, name: str) -> None:
        with pytest.raises(PathTraversalError):
            confine(Path("/root"), name)

    @given(traversals() | st.sampled_from(nasty_traversals()))
    def test_no_name_climbs_out_of_the_nesting(self, name: str) -> None:
        """However it is read, what it names still lies in the outermost directory."""
        place = Path("/outermost").joinpath(*NESTING)
        for reading in (name, unquote(name), unquote(unquote(name)), unquote(name).replace("\\", "/")):
            depth = 0
            for part in reading.split("/"):
                depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
                assert depth > -len(place.parts) + 2

    def test_the_plain_climbers_do_climb(self) -> None:
        place = Path("/outermost").joinpath(*NESTING)
        climbs = [name for name in nasty_traversals() if ".." in name.split("/")]
        assert climbs
        for name in climbs:
            target = Path(*place.parts) / name.replace("\0", "")
            assert not target.resolve().is_relative_to(place)

    @given(hostile_names("/somewhere/of/ours"))
    def test_absolute_names_lie_in_the_directory_given_or_beside_it(self, name: str) -> None:
        assert MARKER in name
        if name.startswith("/"):
            assert name.lstrip("/").startswith(("somewhere/of/ours/", "somewhere/of/ours%2f"))

    def test_nasty_names_differ(self) -> None:
        names = nasty_names("/root", "blobs")
        assert len(names) == len(set(names))


class TestDamage:
    @given(damaged(RAW) | st.sampled_from(nasty_damage(RAW)))
    def test_damaged_bytes_differ(self, damage: Damage) -> None:
        assert damage.data != RAW
        assert damage.told


class TestBase64:
    @given(lax_spellings(RAW) | st.sampled_from(nasty_spellings(RAW)))
    def test_none_is_the_strict_spelling(self, spelling: Spelling) -> None:
        assert spelling.text != base64.b64encode(RAW).decode("ascii")

    def test_some_fool_a_lax_decoder(self) -> None:
        fooled = [spelling.told for spelling in nasty_spellings(RAW) if _lax(spelling.text) == RAW]
        assert {"a line break in its middle", "unused bits set", "characters outside the alphabet"} <= set(fooled)


def _lax(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


class TestManifestChanges:
    @given(changed_documents(SIGNED))
    def test_changes_are_covered_by_the_signature(self, change: Change) -> None:
        """They are plain JSON, say what they did, and would need another signature."""
        assert json.loads(json.dumps(change.document)) == change.document
        assert canonical(change.document) != canonical(SIGNED)
        assert change.document["signature"] == SIGNED["signature"]
        assert change.told

    def test_the_nasty_ones_change_what_they_say(self) -> None:
        for change in nasty_changes(SIGNED):
            assert canonical(change.document) != canonical(SIGNED), change.told

    def test_the_original_is_left_alone(self) -> None:
        before = json.dumps(SIGNED)
        nasty_changes(SIGNED)
        assert json.dumps(SIGNED) == before

    @given(respellings(SIGNED))
    def test_respellings_say_the_same(self, spelling: tuple[str, str]) -> None:
        assert json.loads(spelling[1]) == SIGNED
