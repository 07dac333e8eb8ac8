"""The envelope: DSSE around the exact bytes of a manifest."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core.errors import ManifestError, OneiricError, SignatureError
from oneiric_core.manifest import Limits
from oneiric_core.testing import PUBLISHER
from oneiric_core.trust import MANIFEST_PAYLOAD, Envelope, PublicKey, read_envelope
from oneiric_core.trust.envelope import pre_authentication_encoding
from oneiric_core.trust.signatures import signers_of

KIND = "application/vnd.oneiric.manifest+json"
PAYLOAD = b'{"source": "acme"}'


def envelope(**changes: object) -> dict[str, Any]:
    signature = PUBLISHER.sign(pre_authentication_encoding(KIND, PAYLOAD))
    return {
        "payload": base64.b64encode(PAYLOAD).decode(),
        "payloadType": KIND,
        "signatures": [{"keyid": "k", "sig": base64.b64encode(signature).decode()}],
    } | changes


def read(document: object) -> Envelope:
    return read_envelope(json.dumps(document).encode(), MANIFEST_PAYLOAD, Limits())


def test_the_encoding_that_is_signed_is_the_one_of_the_specification() -> None:
    """The example of the DSSE protocol document."""
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_lengths_count_bytes_and_not_characters() -> None:
    assert pre_authentication_encoding("é", "ü".encode()) == "DSSEv1 2 é 2 ü".encode()


def test_an_envelope_gives_the_bytes_and_who_signed_them() -> None:
    opened = read(envelope())
    assert opened.payload == PAYLOAD
    key = PublicKey(PUBLISHER.public)
    assert signers_of(opened.message, opened.signatures, [key]).keys == {key}


@given(st.binary(max_size=50), st.text(max_size=5))
def test_an_envelope_survives_the_round_trip(payload: bytes, keyid: str) -> None:
    document = envelope(
        payload=base64.b64encode(payload).decode(),
        signatures=[{"keyid": keyid, "sig": "AAAA"}, {"keyid": "", "sig": ""}],
    )
    opened = read_envelope(json.dumps(document).encode(), MANIFEST_PAYLOAD, Limits())
    assert opened.payload == payload
    assert opened.to_document() == document


def test_unknown_fields_and_missing_key_ids_do_no_harm() -> None:
    """DSSE: consumers ignore what they do not know, and ``keyid`` is optional."""
    document = envelope(more=1)
    document["signatures"] = [{"sig": document["signatures"][0]["sig"], "cert": "x"}, {"sig": "AAAA", "keyid": None}]
    assert [signature.key_id for signature in read(document).signatures] == ["", ""]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"payloadType": "application/vnd.in-toto+json"}, ManifestError),
        ({"payloadType": None}, ManifestError),
        ({"payload": None}, ManifestError),
        ({"payload": {"source": "acme"}}, ManifestError),
        ({"payload": "e30"}, ManifestError),
        ({"payload": "e30=\n"}, ManifestError),
        ({"payload": "e31="}, ManifestError),
        ({"payload": "_-8="}, ManifestError),
        ({"signatures": None}, SignatureError),
        ({"signatures": {}}, SignatureError),
        ({"signatures": "sig"}, SignatureError),
        ({"signatures": ["AAAA"]}, SignatureError),
        ({"signatures": [{"keyid": "k"}]}, SignatureError),
        ({"signatures": [{"sig": 1}]}, SignatureError),
        ({"signatures": [{"sig": "AAAA", "keyid": 1}]}, SignatureError),
        ({"signatures": [{"sig": "AAAA"}] * 65}, SignatureError),
    ],
)
def test_what_is_no_envelope_of_a_manifest_is_refused(changes: dict[str, object], error: type[OneiricError]) -> None:
    with pytest.raises(error):
        read(envelope(**changes))


def test_the_envelope_itself_is_read_strictly() -> None:
    text = json.dumps(envelope())
    with pytest.raises(ManifestError, match="stands twice"):
        read_envelope((text[:-1] + ', "payload": "e30="}').encode(), MANIFEST_PAYLOAD, Limits())
    with pytest.raises(ManifestError, match="bytes, more than"):
        read_envelope(text.encode(), MANIFEST_PAYLOAD, Limits(max_bytes=10))
