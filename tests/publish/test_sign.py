"""Signing a manifest as it lies in a file: its number, its moments, its form, and who has signed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from oneiric_core.errors import (
    ExpiredError,
    ManifestError,
    RollbackError,
    SignatureError,
    TrustError,
    UntrustedKeyError,
)
from oneiric_core.manifest import ENVELOPE, JSON, YAML
from oneiric_core.publish import Previous, Signed, add_signer, render_document, sign_anew
from oneiric_core.testing import PUBLISHER
from oneiric_core.trust import TrustPolicy, generate_private_key, public_key_of, verify_manifest

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ENTRY = {"domain": "adapter", "key": "cache", "provider": "zeta", "factory": "zeta:Cache"}
DOCUMENT: dict[str, Any] = {"schema_version": 2, "source": "zeta", "entries": [ENTRY]}
ALICE, BOB = generate_private_key(), generate_private_key()


def signed(
    document: dict[str, Any] | bytes = DOCUMENT, media_type: str = JSON, into: str | None = None, **options: Any
) -> Signed:
    data = document if isinstance(document, bytes) else render_document(document, media_type)
    return sign_anew(data, media_type, options.pop("key", ALICE), into=into or media_type, **{"now": NOW, **options})


def believed(made: Signed, *keys: Ed25519PrivateKey, threshold: int = 1) -> int:
    policy = TrustPolicy([public_key_of(key) for key in keys], threshold=threshold)
    return len(verify_manifest(made.data, made.media_type, policy, now=NOW).signers)


@pytest.mark.parametrize("media_type", [JSON, YAML])
@pytest.mark.parametrize("into", [JSON, YAML, ENVELOPE])
def test_every_form_can_be_made_of_every_file_and_verifies(media_type: str, into: str) -> None:
    made = signed(media_type=media_type, into=into, expires_in=timedelta(days=30))
    manifest = made.verified.manifest
    assert believed(made, ALICE) == 1
    assert (manifest.sequence_number, manifest.signed_at) == (1, "2026-06-01T12:00:00Z")
    assert manifest.expires_at == "2026-07-01T12:00:00Z"
    assert made.verified.form == ("envelope" if into == ENVELOPE else "flat")
    with pytest.raises(SignatureError):
        believed(made, BOB)


def test_what_is_said_about_the_manifest_stands_above_what_it_offers() -> None:
    written = json.loads(signed(DOCUMENT | {"x_unknown": 1}).data)
    assert [*written][:6] == ["schema_version", "source", "x_unknown", "sequence_number", "signed_at", "entries"]


@pytest.mark.parametrize(
    ("document", "fix"),
    [
        ({"source": "zeta", "entires": [ENTRY]}, "Write entries for entires"),
        ({}, "Write entries: [] if everything is to be withdrawn"),
    ],
)
def test_what_has_no_entries_is_not_signed(document: dict[str, Any], fix: str) -> None:
    with pytest.raises(ManifestError, match="the document has no entries") as refused:
        signed(document)
    assert refused.value.fix == fix
    assert signed({**document, "entries": []}).verified.manifest.entries == []


def test_a_number_that_nothing_was_signed_under_yet_is_kept() -> None:
    assert signed(DOCUMENT | {"sequence_number": 41}).verified.manifest.sequence_number == 41


@pytest.mark.parametrize("form", [JSON, YAML, ENVELOPE])
def test_what_was_signed_is_signed_anew_under_the_next_number_and_by_one_key(form: str) -> None:
    first = signed(DOCUMENT | {"sequence_number": 41}, into=form)
    both = add_signer(first.data, form, BOB, now=NOW)
    again = signed(both.data, form)
    assert again.verified.manifest.sequence_number == 42
    assert again.signatures == 1
    assert signed(both.data, form, sequence_number=50).verified.manifest.sequence_number == 50


@pytest.mark.parametrize("number", [41, 40, 0])
def test_a_number_that_does_not_grow_is_refused(number: int) -> None:
    first = signed(DOCUMENT | {"sequence_number": 41}).data
    with pytest.raises(RollbackError, match=r"41 is used already\. Sign it anew .* 42 or more"):
        signed(first, sequence_number=number)


@pytest.mark.parametrize("number", [2**53, -1])
def test_a_number_that_no_manifest_can_have_is_refused(number: int) -> None:
    with pytest.raises(ManifestError, match="no sequence number"):
        signed(sequence_number=number)


def test_zero_is_refused_because_a_reader_takes_no_number_for_it() -> None:
    with pytest.raises(RollbackError):
        signed(sequence_number=0)


@pytest.mark.parametrize("form", [JSON, ENVELOPE])
def test_the_number_follows_the_manifest_published_last(form: str) -> None:
    published = signed(sequence_number=7, into=form, expires_in=timedelta(days=1))
    previous = Previous.read(published.data, form, [public_key_of(ALICE)])
    much_later = NOW + timedelta(days=365)
    assert signed(previous=previous, now=much_later).verified.manifest.sequence_number == 8
    with pytest.raises(RollbackError, match="7 is used already"):
        signed(previous=previous, sequence_number=7)
    with pytest.raises(RollbackError):
        signed(DOCUMENT | {"sequence_number": 3}, previous=previous)


def test_a_previous_manifest_that_anybody_could_have_made_does_not_count() -> None:
    """Whoever can write to the bucket could otherwise use up the numbers."""
    planted = signed(sequence_number=2**53 - 1, key=BOB)
    with pytest.raises(SignatureError):
        Previous.read(planted.data, JSON, [public_key_of(ALICE)])


def test_a_previous_manifest_of_another_source_is_refused() -> None:
    with pytest.raises(TrustError, match="the previous manifest is of 'eta', and this one of 'zeta'"):
        signed(previous=Previous("eta", 7))


def test_after_the_last_number_there_is_none() -> None:
    with pytest.raises(ManifestError, match="is no sequence number"):
        signed(previous=Previous("zeta", 2**53 - 1))


def test_an_expiry_that_is_left_out_is_kept_unless_it_has_passed() -> None:
    kept = signed(DOCUMENT | {"expires_at": "2026-06-02T00:00:00Z"})
    assert kept.verified.manifest.expires_at == "2026-06-02T00:00:00Z"
    with pytest.raises(ExpiredError, match="before it is signed"):
        signed(DOCUMENT | {"expires_at": "2026-06-01T12:00:00Z"})


def test_what_nobody_could_read_is_not_signed() -> None:
    with pytest.raises(ManifestError, match="entries"):
        signed(DOCUMENT | {"entries": [ENTRY | {"domain": "nonsense"}]})


def test_a_key_that_everybody_has_signs_nothing() -> None:
    with pytest.raises(UntrustedKeyError, match="is published"):
        signed(key=PUBLISHER.private)


@pytest.mark.parametrize("form", [JSON, YAML, ENVELOPE])
def test_signers_are_added_over_the_same_content(form: str) -> None:
    first = signed(into=form)
    both = add_signer(first.data, form, BOB, now=NOW + timedelta(hours=1), key_id="bob")
    assert believed(both, ALICE, BOB, threshold=2) == 2
    assert both.signatures == 2
    assert both.verified.digest == first.verified.digest
    with pytest.raises(SignatureError, match="signed it already"):
        add_signer(both.data, form, ALICE, now=NOW)


def test_a_signer_is_added_only_to_what_is_signed_and_still_valid() -> None:
    with pytest.raises(SignatureError, match="no signature yet"):
        add_signer(render_document(DOCUMENT, JSON), JSON, BOB, now=NOW)
    made = signed(expires_in=timedelta(hours=1))
    with pytest.raises(ExpiredError):
        add_signer(made.data, JSON, BOB, now=NOW + timedelta(hours=1))


def test_an_envelope_whose_content_is_no_rfc3339_is_refused_when_it_is_made() -> None:
    with pytest.raises(ManifestError, match="RFC 3339"):
        signed(DOCUMENT | {"expires_at": "2026-07-01"}, into=ENVELOPE)
    assert believed(signed(DOCUMENT | {"expires_at": "2026-07-01"}), ALICE) == 1
