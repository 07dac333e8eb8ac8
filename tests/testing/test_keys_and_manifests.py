"""Keys come from their names; manifests for tests are signed as the specifications say, or wrong in one way."""

import base64
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from oneiric_core.testing import (
    MEDIA_TYPES,
    PUBLISHER,
    SECOND_PUBLISHER,
    SOURCE,
    STRANGER,
    BadManifest,
    KeyPair,
    bad_manifest,
    key_pair,
    manifest_entry,
    signed_manifest,
)

ENTRIES = [
    manifest_entry("task", "text", "acme", "acme.text:Text", version="1.0", metadata={"text": "ü"}),
    manifest_entry("task", "text", "other", "acme.text:Other"),
]
SIGNATURES = {"signature", "signature_algorithm", "signatures"}


def canonical(document: dict[str, Any]) -> bytes:
    """The rule itself, written out once more: sorted keys, no blanks, ASCII, without the signatures."""
    unsigned = {name: value for name, value in document.items() if name not in SIGNATURES}
    return json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def verify(key: KeyPair, signature: str, message: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(key.public).verify(base64.b64decode(signature, validate=True), message)


def test_a_name_always_gives_the_same_pair_and_another_name_another() -> None:
    assert key_pair("publisher").public == PUBLISHER.public
    assert len({key_pair(str(number)).public for number in range(20)}) == 20
    assert PUBLISHER.public.hex() == "e2997c1fca12b72c6b5d4bff8ed3bcd67f6bef2214d6a02d71109db5c3235639"


def test_both_halves_can_be_read_back_from_pem() -> None:
    private = serialization.load_pem_private_key(STRANGER.private_pem.encode(), password=None)
    public = serialization.load_pem_public_key(STRANGER.public_pem.encode())
    assert isinstance(private, Ed25519PrivateKey)
    assert isinstance(public, Ed25519PublicKey)
    assert private.public_key().public_bytes_raw() == public.public_bytes_raw() == STRANGER.public


def test_the_private_half_does_not_show() -> None:
    assert repr(PUBLISHER) == "KeyPair(name='publisher')"


def test_one_signer_signs_the_canonical_document() -> None:
    document = json.loads(signed_manifest(ENTRIES, sequence_number=7))
    assert document["source"] == SOURCE
    assert document["sequence_number"] == 7
    assert document["entries"] == ENTRIES
    verify(PUBLISHER, document["signature"], canonical(document))
    with pytest.raises(InvalidSignature):
        verify(STRANGER, document["signature"], canonical(document))


def test_several_signers_are_listed_with_their_names() -> None:
    document = json.loads(signed_manifest(ENTRIES, [PUBLISHER, SECOND_PUBLISHER]))
    assert [part["key_id"] for part in document["signatures"]] == ["publisher", "second publisher"]
    for key, part in zip([PUBLISHER, SECOND_PUBLISHER], document["signatures"], strict=True):
        verify(key, part["signature"], canonical(document))
    assert "signature" not in document


def test_no_signer_leaves_it_unsigned() -> None:
    assert not SIGNATURES & set(json.loads(signed_manifest(ENTRIES, [])))


def test_an_envelope_signs_the_exact_bytes_of_its_payload() -> None:
    envelope = json.loads(signed_manifest(ENTRIES, form="dsse"))
    kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"], validate=True)
    assert json.loads(payload)["entries"] == ENTRIES
    [signature] = envelope["signatures"]
    message = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
    verify(PUBLISHER, signature["sig"], message)
    assert set(MEDIA_TYPES) == {"flat", "dsse"}


def test_further_fields_are_signed_and_fields_can_be_left_out() -> None:
    document = json.loads(signed_manifest(ENTRIES, expires_at="2030-01-01T00:00:00Z", signed_at=None))
    assert document["expires_at"] == "2030-01-01T00:00:00Z"
    assert "signed_at" not in document
    verify(PUBLISHER, document["signature"], canonical(document))


def test_what_is_passed_in_is_not_changed() -> None:
    before = json.dumps(ENTRIES)
    for kind in BadManifest:
        bad_manifest(kind, ENTRIES)
    signed_manifest(ENTRIES)
    assert json.dumps(ENTRIES) == before


@pytest.mark.parametrize("kind", BadManifest)
def test_a_bad_manifest_differs_from_the_good_one_in_one_thing(kind: BadManifest) -> None:
    """Either what is signed, or how it is signed; never both, and never nothing."""
    good, bad = json.loads(signed_manifest(ENTRIES)), json.loads(bad_manifest(kind, ENTRIES))
    signed_the_same = {name: good.get(name) for name in SIGNATURES} == {name: bad.get(name) for name in SIGNATURES}
    assert signed_the_same != (canonical(good) == canonical(bad))


@pytest.mark.parametrize("kind", BadManifest)
def test_no_bad_manifest_holds_as_many_good_signatures_as_are_asked_for(kind: BadManifest) -> None:
    """By a plain reading of the specification: 64 bytes of strict base64, ed25519, distinct trusted keys."""
    document = json.loads(bad_manifest(kind, ENTRIES))
    single = {"signature": document.get("signature"), "algorithm": document.get("signature_algorithm")}
    good = set()
    for part in document.get("signatures", [single]):
        text = part["signature"]
        if part["algorithm"] != "ed25519" or not isinstance(text, str):
            continue
        try:
            raw = base64.b64decode(text, validate=True)
            if base64.b64encode(raw).decode() != text:
                continue
            verify(PUBLISHER, text, canonical(document))
        except (ValueError, InvalidSignature):
            continue
        good.add(PUBLISHER.public)
    assert len(good) < kind.threshold


def test_a_bad_manifest_needs_an_entry() -> None:
    with pytest.raises(ValueError, match="at least one"):
        bad_manifest(BadManifest.UNSIGNED, [])


def test_the_package_says_what_it_exports() -> None:
    """Every name leads somewhere, and a wrong one is an AttributeError like that of any module."""
    import oneiric_core.testing as package  # noqa: PLC0415 - the subject

    assert set(package.__all__) <= set(dir(package))
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        package.Nonsense  # type: ignore[attr-defined]  # noqa: B018 - looking it up is the act
