"""Components as manifest entries, made without the code that reads manifests, and read by it."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from oneiric_conformance import Subject
from oneiric_conformance.handling.offer import (
    JSON,
    YAML,
    as_json,
    as_yaml,
    document_of,
    entry_of,
    fit_part,
    has_import_path,
    is_plain_name,
    offered,
    sign,
    unfit_for_json,
)
from oneiric_conformance.observing.disk import differences, tree
from oneiric_core.testing import PUBLISHER, SECOND_PUBLISHER, KeyPair
from oneiric_core.trust import TrustPolicy, load_public_key, verify_manifest


class Settings(BaseModel):
    """A model to be named in an entry."""


def subject(**changes: Any) -> Subject:
    return Subject(**{"domain": "task", "key": "key", "provider": "acme", "factory": "acme.tasks:Count", **changes})


class TestEntries:
    def test_fields_of_their_own_and_the_rest(self) -> None:
        metadata = {"version": "1.0", "topics": ["a"], "max_concurrency": 2, "colour": "red", "owner": "us"}
        assert entry_of(subject(metadata=metadata, priority=3)) == {
            "domain": "task",
            "key": "key",
            "provider": "acme",
            "factory": "acme.tasks:Count",
            "priority": 3,
            "version": "1.0",
            "event_topics": ["a"],
            "event_max_concurrency": 2,
            "owner": "us",
            "metadata": {"colour": "red"},
        }

    def test_capabilities_are_listed_once(self) -> None:
        """A name with a descriptor appears as its descriptor."""
        descriptor = {"name": "count", "description": "counts"}
        metadata = {"capabilities": ["count", "kv"], "capability_descriptors": [descriptor]}
        assert entry_of(subject(metadata=metadata))["capabilities"] == ["kv", descriptor]

    def test_a_single_capability_may_be_text(self) -> None:
        assert entry_of(subject(metadata={"capabilities": "kv"}))["capabilities"] == ["kv"]

    def test_a_settings_model_is_named(self) -> None:
        entry = entry_of(subject(settings_model=Settings))
        assert entry["settings_model"] == f"{Settings.__module__}:Settings"

    @pytest.mark.parametrize(
        ("factory", "can"),
        [
            ("acme.tasks:Count", True),
            ("acme.tasks.Count", True),
            ("acme : Count", True),
            ("acme", False),
            ("acme:Outer.inner", False),
            ("acme:", False),
            (len, False),
            (None, False),
        ],
    )
    def test_which_factories_a_manifest_can_name(self, factory: object, *, can: bool) -> None:
        assert has_import_path(subject(factory=factory)) is can

    @pytest.mark.parametrize("name", ["a", "word-count", "a_b.c", "A1"])
    def test_plain_names(self, name: str) -> None:
        assert is_plain_name(name)

    @pytest.mark.parametrize("name", ["", ".", "..", "a..b", "a b", "a/b", "é", "a" * 256, 1, None])
    def test_names_that_are_not_plain(self, name: object) -> None:
        assert not is_plain_name(name)


class TestOffer:
    def test_every_component_that_has_names_is_offered_once(self) -> None:
        subjects = [subject(), subject(), subject(key="../x"), subject(domain="thing"), subject(error="broken")]
        assert [entry["key"] for entry in offered(subjects)] == ["key"]

    def test_without_any_the_kit_offers_its_own(self) -> None:
        assert [entry["key"] for entry in offered([])] == ["conformance"]

    def test_a_factory_that_cannot_be_named_is_replaced(self) -> None:
        assert offered([subject(factory=len)])[0]["factory"] == "conformance.never_called:factory"

    def test_what_json_cannot_hold_is_left_out(self) -> None:
        entry = {"version": float("nan"), "owner": "us", "metadata": {"bad": {1: 2}, "good": 1}}
        assert fit_part(entry) == {"owner": "us", "metadata": {"good": 1}}


class TestDocuments:
    @pytest.mark.parametrize("signers", [(), (PUBLISHER,), (PUBLISHER, SECOND_PUBLISHER)])
    @pytest.mark.parametrize("media_type", [JSON, YAML])
    def test_what_we_sign_our_own_verifier_believes(self, signers: tuple[KeyPair, ...], media_type: str) -> None:
        """Two independent pieces of code agree on what a signature covers."""
        document = sign(document_of(offered([subject(metadata={"text": "é\u2028\"'", "number": -1.5e-7})])), *signers)
        written = as_json(document) if media_type == JSON else as_yaml(document)
        keys = [load_public_key(pair.public, name=pair.name) for pair in signers or (PUBLISHER,)]
        policy = TrustPolicy(keys, threshold=len(keys), unsafe_allow_published_keys=True)
        verified = verify_manifest(written, media_type, policy, now=datetime(2026, 6, 1, tzinfo=UTC))
        assert dict(verified.document) == document

    @pytest.mark.parametrize("flow", [True, False, None])
    def test_yaml_says_the_same_as_json(self, *, flow: bool | None) -> None:
        document = document_of([{"key": "no", "at": "2026-01-01", "n": 1, "f": 1.0, "t": True, "x": None, "l": (1, 2)}])
        assert yaml.safe_load(as_yaml(document, flow=flow)) == json.loads(as_json(document))


class TestPlainJson:
    @pytest.mark.parametrize("value", [None, True, 1, 1.5, "é", [1, (2,)], {"a": {"b": []}}, 2**53 - 1, -(2**53 - 1)])
    def test_plain(self, value: object) -> None:
        assert unfit_for_json(value) == ""

    @pytest.mark.parametrize(
        ("value", "told"),
        [
            ({"a": [1, float("nan")]}, "a[1] is nan"),
            ({"a": float("-inf")}, "a is -inf"),
            ({"a": {"b": 2**53}}, "a.b is 9007199254740992"),
            ({"a": date(2026, 1, 1)}, "a is a date"),
            ({1: "a"}, "it has the key 1"),
            ({"a": {None: 1}}, "a has the key None"),
            ({"a": "\ud800"}, "a holds a lone surrogate"),
            ({"\udfff": 1}, "it has a key that holds a lone surrogate"),
            ({"a": {1, 2}}, "a is a set"),
            (b"bytes", "it is a bytes"),
        ],
    )
    def test_not_plain(self, value: object, told: str) -> None:
        assert unfit_for_json(value).startswith(told)


class TestDisk:
    def test_what_appears_changes_and_goes_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "stays").write_text("1", encoding="utf-8")
        (tmp_path / "goes").write_text("1", encoding="utf-8")
        (tmp_path / "changes").write_text("1", encoding="utf-8")
        before = tree(tmp_path)
        (tmp_path / "goes").unlink()
        (tmp_path / "changes").write_text("2", encoding="utf-8")
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "file").write_text("1", encoding="utf-8")
        (tmp_path / "link").symlink_to("stays")
        assert differences(before, tree(tmp_path)) == [
            "'link' appeared, a link to stays",
            "'new' appeared, a directory",
            "'new/file' appeared, a file",
            "'goes' is gone",
            "'changes' was changed",
        ]

    def test_what_is_left_out_is_not_looked_into(self, tmp_path: Path) -> None:
        (tmp_path / "ours" / "deep").mkdir(parents=True)
        (tmp_path / "theirs").mkdir()
        assert tree(tmp_path, without=(tmp_path / "theirs",)) == {"ours": "directory", "ours/deep": "directory"}

    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "loop").symlink_to(tmp_path)
        assert tree(tmp_path) == {"loop": f"link to {tmp_path}"}

    def test_what_is_not_there_is_empty(self, tmp_path: Path) -> None:
        assert tree(tmp_path / "nothing") == {}
