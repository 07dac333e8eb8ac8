"""DSSE, the envelope: signatures over the exact bytes of the payload, nothing canonicalised (DSSE v1.0.2)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from oneiric_core.errors import ManifestError, SignatureError
from oneiric_core.manifest.documents import ENVELOPE, parse_document
from oneiric_core.manifest.limits import Limits
from oneiric_core.manifest.text import shown
from oneiric_core.trust.base64_strict import decode_strictly
from oneiric_core.trust.signatures import Signature, bounded

__all__ = ["MANIFEST_PAYLOAD", "Envelope", "pre_authentication_encoding", "read_envelope"]

MANIFEST_PAYLOAD: Final = "application/vnd.oneiric.manifest+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload of some type with its signatures; nothing in it is believed yet."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""
        return pre_authentication_encoding(self.payload_type, self.payload)

    def to_document(self) -> dict[str, Any]:
        """The envelope as JSON values."""
        return {
            "payload": base64.b64encode(self.payload).decode("ascii"),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": signature.key_id, "sig": signature.value} for signature in self.signatures],
        }


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """PAE of DSSE: the type and the payload, each after its length in bytes."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def read_envelope(data: bytes, payload_type: str, limits: Limits) -> Envelope:
    """The envelope in ``data``. Fields it does not know are not looked at, as the specification asks.

    :param payload_type: the only type of payload accepted.
    :raises ManifestError: no envelope, or one around something else.
    :raises SignatureError: signatures that are none.
    """
    document = parse_document(data, ENVELOPE, limits)
    kind, payload = document.get("payloadType"), document.get("payload")
    if kind != payload_type:
        raise ManifestError(
            f"the envelope holds {shown(kind)} instead of {payload_type!r}",
            fix="Give an envelope around that, or declare the media type that it is",
            payload_type=kind,
        )
    if not isinstance(payload, str):
        raise ManifestError(f"the envelope's payload is {shown(payload)}", fix="Write it as base64")
    try:
        content = decode_strictly(payload)
    except ValueError as error:
        raise ManifestError(f"the envelope's payload cannot be read: {error}", fix="Write it as base64") from error
    return Envelope(payload_type, content, _signatures(document))


def _signatures(document: Mapping[str, Any]) -> tuple[Signature, ...]:
    items = document.get("signatures")
    if not isinstance(items, list) or not all(_is_signature(item) for item in items):
        raise SignatureError(
            f"the envelope's signatures are {shown(items)}", fix="Write them as a list of {keyid, sig}, all text"
        )
    return tuple(Signature(item["sig"], key_id=item.get("keyid") or "") for item in bounded(items))


def _is_signature(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("sig"), str) and isinstance(item.get("keyid", ""), str | None)
