"""Roots: a new one is believed on the word of the old one and of itself, in turn, and what it replaced is gone.

Sections are those of the TUF specification, whose scenarios these mirror.
"""

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneiric_core.errors import (
    EquivocationError,
    ExpiredError,
    ManifestError,
    RollbackError,
    SignatureError,
    TrustError,
    UntrustedKeyError,
)
from oneiric_core.manifest import ENVELOPE
from oneiric_core.testing import PUBLISHER, KeyPair, key_pair, root_document, root_envelope
from oneiric_core.trust import (
    PublicKey,
    TrustRoot,
    append_root_signature,
    sign_manifest,
    sign_root,
    verify_manifest,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
Names = Iterable[str]


def pairs(names: Names) -> list[KeyPair]:
    return [key_pair(f"root test {name}") for name in names]


def role(names: Names, threshold: int = 1) -> dict[str, Any]:
    return {"keys": [base64.b64encode(pair.public).decode() for pair in pairs(names)], "threshold": threshold}


def document(version: int = 1, root: Names = "ab", manifest: Names = "m", **changes: Any) -> dict[str, Any]:
    thresholds = changes.pop("threshold", 1), changes.pop("quorum", 1)
    written = root_document(version, pairs(root), pairs(manifest), *thresholds)
    return written | {"source": "acme", "expires_at": "2027-01-01T00:00:00Z"} | changes


def signed(written: dict[str, Any], by: Names) -> bytes:
    return root_envelope(json.dumps(written).encode(), pairs(by))


def root(version: int = 1, by: Names = "a", **changes: Any) -> bytes:
    return signed(document(version, **changes), by)


def keys_of(policy: Any) -> set[PublicKey]:
    return set(policy.keys)


FIRST = TrustRoot.open(root())


class TestTheAnchor:
    """5.2: the root a client is shipped with."""

    def test_says_who_speaks_and_until_when(self) -> None:
        opened = TrustRoot.open(root(by="ab", threshold=2, manifest="mn", quorum=2))
        assert (opened.source, opened.version, opened.expires) == ("acme", 1, datetime(2027, 1, 1, tzinfo=UTC))
        assert (opened.root.threshold, opened.manifest.threshold) == (2, 2)
        assert keys_of(opened.root) == {PublicKey(key_pair(f"root test {name}").public) for name in "ab"}
        assert keys_of(opened.manifest) == {PublicKey(key_pair(f"root test {name}").public) for name in "mn"}
        assert (opened.manifest.source, opened.manifest.root_version) == ("acme", 1)

    def test_is_signed_by_its_own_threshold(self) -> None:
        with pytest.raises(SignatureError, match="root 1 is not signed by its own threshold: 1 of") as refused:
            TrustRoot.open(root(by="a", threshold=2))
        assert (refused.value.evidence["signed"], refused.value.evidence["threshold"]) == (1, 2)
        with pytest.raises(SignatureError):
            TrustRoot.open(root(by="m"))
        with pytest.raises(SignatureError):
            TrustRoot.open(root(by="aa", threshold=2))

    def test_takes_keys_as_pem_too(self) -> None:
        written = document()
        written["roles"]["manifest"]["keys"] = [key_pair("root test m").public_pem]
        assert keys_of(TrustRoot.open(signed(written, "a")).manifest) == keys_of(FIRST.manifest)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"source": None}, "source"),
            ({"source": ""}, "source"),
            ({"version": 0}, "version"),
            ({"version": "1"}, "version"),
            ({"version": 2**53}, None),
            ({"expires_at": None}, "expires_at"),
            ({"expires_at": "2027-01-01"}, None),
            ({"roles": {"root": role("a")}}, "roles.manifest"),
            ({"roles": {"root": role(""), "manifest": role("m")}}, "roles.root.keys"),
            ({"roles": {"root": role("a" * 65), "manifest": role("m")}}, "roles.root.keys"),
            ({"roles": {"root": role("a", 0), "manifest": role("m")}}, "roles.root.threshold"),
        ],
    )
    def test_has_the_shape_of_a_root(self, changes: dict[str, Any], field: str | None) -> None:
        payload = json.dumps(document() | changes).encode()
        with pytest.raises(ManifestError) as refused:
            TrustRoot.open(around(payload))
        if field:
            assert refused.value.evidence["field"] == field
            assert f"the root's {field} is" in str(refused.value)

    def test_keeps_fields_it_does_not_know(self) -> None:
        assert TrustRoot.open(root(comment="signed at the ceremony", spec={"x": 1})).version == 1

    @pytest.mark.parametrize("name", ["root", "manifest"])
    def test_has_thresholds_that_its_distinct_keys_can_meet(self, name: str) -> None:
        written = document()
        written["roles"][name] = role("aa", 2)
        with pytest.raises(TrustError, match="2 makes no sense with 1 distinct"):
            TrustRoot.open(signed(written, "a"))

    @pytest.mark.parametrize("name", ["root", "manifest"])
    def test_has_keys_that_can_be_used(self, name: str) -> None:
        written = document()
        written["roles"][name]["keys"].append("no key")
        with pytest.raises(UntrustedKeyError, match=rf"roles\.{name}\.keys\[\d\]"):
            TrustRoot.open(signed(written, "a"))

    @pytest.mark.parametrize("name", ["root", "manifest"])
    def test_has_no_keys_that_everybody_has(self, name: str) -> None:
        written = document()
        written["roles"][name]["keys"].append(base64.b64encode(PUBLISHER.public).decode())
        with pytest.raises(UntrustedKeyError, match="published"):
            TrustRoot.open(signed(written, "a"))
        assert TrustRoot.open(signed(written, "a"), unsafe_allow_published_keys=True)

    def test_is_no_manifest_and_no_manifest_is_a_root(self) -> None:
        """The type is signed: one cannot be handed in as the other."""
        private = key_pair("root test m").private
        manifest = json.dumps(sign_manifest(document(), private, form="dsse")).encode()
        with pytest.raises(ManifestError, match="envelope holds"):
            TrustRoot.open(manifest)
        with pytest.raises(ManifestError, match="envelope holds"):
            verify_manifest(root(manifest="a"), ENVELOPE, FIRST.manifest, now=NOW)

    def test_is_small(self) -> None:
        with pytest.raises(ManifestError, match="more than the 524288 allowed"):
            TrustRoot.open(b" " * 524289)


def around(payload: bytes) -> bytes:
    """An envelope whose signature is good and whose content may be anything."""
    return root_envelope(payload, pairs("a"))


class TestASuccessor:
    """5.3.4 and 5.3.5: signed by both thresholds, and the very next."""

    def test_replaces_the_keys_of_both_roles(self) -> None:
        second = FIRST.succeed(root(2, by="ac", root="cd", manifest="n"))
        assert second.version == 2
        assert keys_of(second.root) == {PublicKey(key_pair(f"root test {name}").public) for name in "cd"}
        assert (second.manifest.root_version, keys_of(second.manifest)) == (
            2,
            {PublicKey(key_pair("root test n").public)},
        )
        with pytest.raises(SignatureError, match="threshold of root 2"):
            second.succeed(root(3, by="ab"))

    def test_needs_the_old_threshold(self) -> None:
        with pytest.raises(SignatureError, match="not signed by the threshold of root 1"):
            FIRST.succeed(root(2, by="c", root="cd"))
        strict = TrustRoot.open(root(by="ab", threshold=2))
        with pytest.raises(SignatureError, match="1 of the trusted keys signed, 2 must"):
            strict.succeed(root(2, by="ac", root="c"))
        assert strict.succeed(root(2, by="abc", root="c")).version == 2

    def test_needs_the_new_threshold(self) -> None:
        with pytest.raises(SignatureError, match="root 2 is not signed by its own threshold"):
            FIRST.succeed(root(2, by="a", root="cd"))
        with pytest.raises(SignatureError, match="root 2 is not signed by its own threshold"):
            FIRST.succeed(root(2, by="ac", root="cd", threshold=2))
        assert FIRST.succeed(root(2, by="acd", root="cd", threshold=2)).root.threshold == 2

    def test_may_lower_a_threshold_once_the_higher_one_agreed(self) -> None:
        strict = TrustRoot.open(root(by="ab", threshold=2))
        assert strict.succeed(root(2, by="ab", threshold=1)).root.threshold == 1

    def test_is_not_signed_by_those_who_sign_manifests(self) -> None:
        with pytest.raises(SignatureError):
            FIRST.succeed(root(2, by="m", root="m"))

    def test_comes_at_once(self) -> None:
        with pytest.raises(TrustError, match="root 3 of 'acme' does not follow root 1 at once") as refused:
            FIRST.succeed(root(3))
        assert not isinstance(refused.value, RollbackError)

    def test_is_newer(self) -> None:
        third = FIRST.succeed(root(2)).succeed(root(3))
        with pytest.raises(RollbackError, match="root 2 of 'acme' came before, and root 3"):
            third.succeed(root(2))
        with pytest.raises(RollbackError):
            third.succeed(root(3))

    def test_is_the_only_one_of_its_version(self) -> None:
        with pytest.raises(EquivocationError, match="root 1 of 'acme' is known with other bytes"):
            FIRST.succeed(root(1, comment="another"))

    def test_is_for_the_same_source(self) -> None:
        with pytest.raises(TrustError, match="is for 'evil', and the one before it for 'acme'"):
            FIRST.succeed(root(2, source="evil"))

    def test_is_not_parsed_before_the_old_threshold_signed(self) -> None:
        with pytest.raises(ManifestError):
            FIRST.succeed(around(b"not JSON"))
        strict = TrustRoot.open(root(by="ab", threshold=2))
        with pytest.raises(SignatureError):
            strict.succeed(around(b"not JSON"))

    def test_may_itself_have_expired_and_lead_to_a_newer_one(self) -> None:
        """5.3.10 asks only the last one."""
        second = FIRST.succeed(root(2, expires_at="2020-01-01T00:00:00Z"))
        with pytest.raises(ExpiredError, match="root 2 of 'acme' expired at 2020"):
            second.check_age(NOW)
        second.succeed(root(3)).check_age(NOW)

    def test_expires_at_the_moment_it_names(self) -> None:
        FIRST.check_age(FIRST.expires - timedelta(microseconds=1))
        with pytest.raises(ExpiredError):
            FIRST.check_age(FIRST.expires)


ROOTS = st.sampled_from(["a", "b", "ab", "bc", "abc"])


@settings(max_examples=60)
@given(ROOTS, st.integers(1, 3), ROOTS, st.integers(1, 3), st.lists(st.sampled_from("abcm"), min_size=1, max_size=4))
def test_a_successor_is_believed_exactly_when_both_thresholds_signed(
    old: str, old_threshold: int, new: str, new_threshold: int, by: list[str]
) -> None:
    """Against the definition, counted by hand."""
    old_threshold, new_threshold = min(old_threshold, len(old)), min(new_threshold, len(new))
    first = TrustRoot.open(root(by=old, root=old, threshold=old_threshold))
    candidate = root(2, by=by, root=new, threshold=new_threshold)
    if len(set(by) & set(old)) >= old_threshold and len(set(by) & set(new)) >= new_threshold:
        assert first.succeed(candidate).version == 2
    else:
        with pytest.raises(SignatureError):
            first.succeed(candidate)


@pytest.mark.parametrize("wrong", [{}, document(version=0)])
def test_what_is_no_root_is_not_signed_as_one(wrong: dict[str, Any]) -> None:
    with pytest.raises(ManifestError):
        sign_root(wrong, PUBLISHER.private)


def test_signatures_are_added_to_roots_only() -> None:
    with pytest.raises(ManifestError, match="envelope holds"):
        append_root_signature(sign_manifest(document(), PUBLISHER.private, form="dsse"), PUBLISHER.private)
    with pytest.raises(ManifestError):
        append_root_signature(json.loads(around(b"{}")), PUBLISHER.private)


def test_a_signature_names_its_key_by_its_fingerprint_unless_told_otherwise() -> None:
    envelope = append_root_signature(sign_root(document(), PUBLISHER.private), PUBLISHER.private, key_id="offline")
    assert [item["keyid"] for item in envelope["signatures"]] == [PublicKey(PUBLISHER.public).fingerprint, "offline"]
    assert sign_root(document(), PUBLISHER.private, key_id="k")["signatures"][0]["keyid"] == "k"
