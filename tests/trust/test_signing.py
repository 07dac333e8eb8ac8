"""Signing: what is signed here verifies here, keeps its form, and nothing is signed that could not be verified."""

import base64
import json
import math
from typing import Any

import pytest

from oneiric_core.errors import ManifestError, SignatureError
from oneiric_core.manifest import Limits, get_canonical_manifest_for_signing
from oneiric_core.testing import PUBLISHER, STRANGER
from oneiric_core.trust import PublicKey, append_signature, sign_manifest, verify_manifest_signature

DOCUMENT: dict[str, Any] = {"source": "acme", "entries": [], "später": 0.1}


def test_one_signer_writes_the_two_fields_the_published_package_reads() -> None:
    signed = sign_manifest(DOCUMENT, PUBLISHER.private)
    assert {**signed, "signature": ""} == DOCUMENT | {"signature": "", "signature_algorithm": "ed25519"}
    canonical = get_canonical_manifest_for_signing(signed)
    assert canonical == get_canonical_manifest_for_signing(DOCUMENT)
    verify_manifest_signature(canonical, signed["signature"], PUBLISHER.public_pem)


def test_signing_again_leaves_one_signature() -> None:
    signed = sign_manifest(sign_manifest(DOCUMENT, STRANGER.private, key_id="s"), PUBLISHER.private)
    assert signed == sign_manifest(DOCUMENT, PUBLISHER.private)


def test_appending_keeps_the_signatures_that_were_there() -> None:
    signed = append_signature(sign_manifest(DOCUMENT, PUBLISHER.private), STRANGER.private, key_id="s")
    assert "signature" not in signed
    first, second = signed["signatures"]
    assert first == {"signature": sign_manifest(DOCUMENT, PUBLISHER.private)["signature"], "algorithm": "ed25519"}
    assert second["key_id"] == "s"
    third = append_signature(signed, PUBLISHER.private)["signatures"]
    assert third[:2] == [first, second]


def test_an_envelope_names_the_key_by_its_fingerprint_unless_told_otherwise() -> None:
    envelope = sign_manifest(DOCUMENT, PUBLISHER.private, form="dsse")
    assert envelope["signatures"][0]["keyid"] == PublicKey(PUBLISHER.public).fingerprint
    named = append_signature(envelope, STRANGER.private, form="dsse", key_id="release")
    assert [item["keyid"] for item in named["signatures"]] == [PublicKey(PUBLISHER.public).fingerprint, "release"]
    assert named["payload"] == envelope["payload"]


def test_the_document_handed_in_is_left_alone() -> None:
    document = sign_manifest(DOCUMENT, PUBLISHER.private)
    before = json.dumps(document)
    append_signature(document, STRANGER.private)
    sign_manifest(document, STRANGER.private)
    assert json.dumps(document) == before


@pytest.mark.parametrize(
    ("form", "fix"),
    [
        ("DSSE", "Did you mean dsse?"),
        ("dsee", "Did you mean dsse?"),
        ("Flat", "Did you mean flat?"),
        ("envelope", "Ask for flat or dsse."),
        ("", "Ask for flat or dsse."),
        (None, "Ask for flat or dsse."),
        ("x" * 100_000, "Ask for flat or dsse."),
    ],
)
@pytest.mark.parametrize("sign", [sign_manifest, append_signature])
def test_a_form_that_there_is_not_is_refused_and_never_taken_for_another(sign: Any, form: Any, fix: str) -> None:
    with pytest.raises(ManifestError, match="there is no form") as refused:
        sign(DOCUMENT, PUBLISHER.private, form=form)
    assert str(refused.value).endswith(fix)
    assert len(str(refused.value)) < 200


def circular() -> dict[str, Any]:
    document: dict[str, Any] = {}
    document["self"] = document
    return document


@pytest.mark.parametrize(
    "document",
    [
        {"a": math.nan},
        {"a": {1, 2}},
        {"a": (1, 2)},
        {1: "a"},
        {"a": 2**53},
        {"a": "\ud800"},
        {"a": b"bytes"},
        {"a": json.loads("[" * 70 + "]" * 70)},
        circular(),
    ],
    ids=["nan", "set", "tuple", "key", "integer", "surrogate", "bytes", "depth", "circle"],
)
@pytest.mark.parametrize("form", ["flat", "dsse"])
def test_what_could_not_be_read_back_is_not_signed(document: dict[str, Any], form: Any) -> None:
    with pytest.raises(ManifestError):
        sign_manifest(document, PUBLISHER.private, form=form)


def test_appending_wants_the_form_it_was_told() -> None:
    with pytest.raises(ManifestError, match="envelope"):
        append_signature(sign_manifest(DOCUMENT, PUBLISHER.private), PUBLISHER.private, form="dsse")
    with pytest.raises(SignatureError):
        append_signature(DOCUMENT | {"signatures": "none"}, PUBLISHER.private)


def test_a_name_for_the_key_is_written_where_one_is_given_and_nowhere_else() -> None:
    assert sign_manifest(DOCUMENT, PUBLISHER.private, key_id="k")["signatures"][0]["key_id"] == "k"
    assert sign_manifest(DOCUMENT, PUBLISHER.private, form="dsse", key_id="k")["signatures"][0]["keyid"] == "k"
    appended = append_signature(sign_manifest(DOCUMENT, PUBLISHER.private), STRANGER.private)
    assert [sorted(item) for item in appended["signatures"]] == [["algorithm", "signature"]] * 2


def test_the_payload_of_an_envelope_can_be_read_by_people() -> None:
    payload = base64.b64decode(sign_manifest(DOCUMENT, PUBLISHER.private, form="dsse")["payload"])
    assert payload == '{"source":"acme","entries":[],"später":0.1}'.encode()


def test_whoever_signs_knows_how_much_it_is() -> None:
    """Bounds are for documents of strangers."""
    assert sign_manifest({"text": "x" * (Limits().max_bytes + 1)}, PUBLISHER.private)["signature"]


def test_a_publisher_signs_more_values_than_a_reader_takes_by_default() -> None:
    """The limits are those of whoever reads a stranger's bytes, and can be raised there."""
    document = {"source": "acme", "entries": [], "numbers": [0] * (Limits().max_nodes + 1)}
    signed = sign_manifest(document, PUBLISHER.private)
    assert signed["signature"]
