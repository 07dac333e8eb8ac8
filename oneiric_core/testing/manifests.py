"""Signed manifests for tests.

They are put together by hand, not by :mod:`oneiric_core.trust`: whoever verifies must not be fed by itself.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias, get_args

from oneiric_core.errors import MisuseError
from oneiric_core.manifest import get_canonical_manifest_for_signing
from oneiric_core.testing.choosing import did_you_mean
from oneiric_core.testing.keys import PUBLISHER, KeyPair

__all__ = ["MEDIA_TYPES", "SOURCE", "Document", "manifest_entry", "signed_manifest"]

Document: TypeAlias = dict[str, Any]
Form: TypeAlias = Literal["flat", "dsse"]

SOURCE: Final = "https://publisher.test/manifest"
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "flat": "application/json",
    "dsse": "application/vnd.dsse.envelope.v1+json",
}
"""How to declare what :func:`signed_manifest` gives, by form."""

_ALGORITHM: Final = "ed25519"
_PAYLOAD: Final = "application/vnd.oneiric.manifest+json"
_SIGNED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def manifest_entry(domain: str, key: str, provider: str, factory: str, **more: object) -> Document:
    """One entry; ``more`` are further fields by their manifest names."""
    return {"domain": domain, "key": key, "provider": provider, "factory": factory, **more}


def signed_manifest(
    entries: Sequence[Mapping[str, Any]],
    signed_by: Sequence[KeyPair] = (PUBLISHER,),
    source: str = SOURCE,
    sequence_number: int = 1,
    form: Form = "flat",
    **more: object,
) -> bytes:
    """A manifest as UTF-8 JSON.

    :param signed_by: in the flat form one signer gives ``signature`` and ``signature_algorithm``, several give
        ``signatures``, none leaves it unsigned.
    :param form: ``flat``, or ``dsse`` for an envelope around the same document; see :data:`MEDIA_TYPES`.
    :param more: further fields of the document, signed like all others; None leaves a field out.
    :raises MisuseError: a form that does not exist.
    """
    if form not in get_args(Form):
        raise MisuseError(f"there is no form {form!r}", fix=did_you_mean(form, get_args(Form)), form=form)
    document = make_document(entries, source, sequence_number) | more
    document = {name: value for name, value in document.items() if value is not None}
    return dump(sign(document, signed_by) if form == "flat" else _envelope(dump(document), signed_by))


def make_document(entries: Sequence[Mapping[str, Any]], source: str, sequence_number: int) -> Document:
    """An unsigned document that shares nothing with ``entries``."""
    return {
        "schema_version": 2,
        "source": source,
        "sequence_number": sequence_number,
        "signed_at": _SIGNED_AT.isoformat(),
        "entries": [deepcopy(dict(entry)) for entry in entries],
    }


def sign(document: Document, keys: Sequence[KeyPair]) -> Document:
    """The document in the flat form."""
    if len(keys) == 1:
        return document | {"signature": signature_of(document, keys[0]), "signature_algorithm": _ALGORITHM}
    if keys:
        return document | {"signatures": [signed_part(document, key, key.name) for key in keys]}
    return document


def signed_part(document: Document, key: KeyPair, key_id: str) -> Document:
    """One item of ``signatures``."""
    return {"signature": signature_of(document, key), "algorithm": _ALGORITHM, "key_id": key_id}


def signature_of(document: Document, key: KeyPair) -> str:
    """The flat form's signature, in base64."""
    return encode(key.sign(get_canonical_manifest_for_signing(document).encode("utf-8")))


def encode(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def dump(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8")


def _envelope(payload: bytes, keys: Sequence[KeyPair]) -> Document:
    # The pre-authentication encoding of DSSE v1.0.2.
    message = b"DSSEv1 %d %b %d %b" % (len(_PAYLOAD), _PAYLOAD.encode("ascii"), len(payload), payload)
    signatures = [{"keyid": key.name, "sig": encode(key.sign(message))} for key in keys]
    return {"payloadType": _PAYLOAD, "payload": encode(payload), "signatures": signatures}
