"""Signing a manifest as it lies in a file, in the form of that file.

What comes out was verified with the signer's own public key, from the very bytes: a manifest that nobody could believe
is an error here and not at those who fetch it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from oneiric_core.errors import ManifestError, SignatureError
from oneiric_core.manifest import ENVELOPE, JSON, YAML, Limits, RemoteManifest, parse_document
from oneiric_core.publish.render import render_document
from oneiric_core.publish.stamp import Previous, next_sequence_number, stamped
from oneiric_core.publish.yaml_edit import edit_yaml
from oneiric_core.trust import (
    Signature,
    TrustPolicy,
    VerifiedManifest,
    append_signature,
    public_key_of,
    read_envelope,
    sign_manifest,
    verify_manifest,
)
from oneiric_core.trust.envelope import MANIFEST_PAYLOAD
from oneiric_core.trust.signatures import flat_signatures
from oneiric_core.trust.signing import Form

__all__ = ["Signed", "add_signer", "sign_anew"]

_DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed manifest, as bytes to be published.

    :param verified: what it says, as believed by someone who trusts only whoever signed just now.
    :param signatures: how many it carries.
    """

    data: bytes
    media_type: str
    verified: VerifiedManifest
    signatures: int


def sign_anew(
    data: bytes,
    media_type: str,
    private_key: Ed25519PrivateKey,
    *,
    into: str,
    now: datetime,
    sequence_number: int | None = None,
    previous: Previous | None = None,
    expires_in: timedelta | None = None,
    key_id: str | None = None,
) -> Signed:
    """The manifest in ``data``, numbered, dated and signed by one key; signatures it had are gone.

    :param media_type: of ``data``, a flat manifest or the envelope of one.
    :param into: the media type to write: JSON or YAML for the flat form, ``ENVELOPE`` for an envelope. Where it is the
        YAML that came in, its comments stay.
    :raises ManifestError: it cannot be read, or says something that has no meaning.
    :raises TrustError: its number would not grow, it would have expired, or the key cannot be used.
    """
    document, signatures = _content(data, media_type)
    number = next_sequence_number(document, sequence_number, previous, was_signed=bool(signatures))
    unsigned = stamped(document, number, now, expires_in)
    _refuse_without_entries(document)
    RemoteManifest.from_document(unsigned)
    signed = sign_manifest(unsigned, private_key, form=_form(into), key_id=key_id)
    template = data.decode("utf-8") if media_type == into == YAML else ""
    return _checked(_written(signed, into, template), into, private_key, now)


def add_signer(
    data: bytes, media_type: str, private_key: Ed25519PrivateKey, *, now: datetime, key_id: str | None = None
) -> Signed:
    """The manifest in ``data`` with one more signature, over exactly what the others signed.

    :raises ManifestError: it cannot be read.
    :raises SignatureError: it has no signature yet, or one of this key already.
    :raises ExpiredError: there is no point any more.
    """
    _, former = _content(data, media_type)
    if not former:
        raise SignatureError("there is no signature yet that another one could join", fix="Sign it without --append")
    document = parse_document(data, media_type)
    signed = append_signature(document, private_key, form=_form(media_type), key_id=key_id)
    template = data.decode("utf-8") if media_type == YAML else ""
    result = _checked(_written(signed, media_type, template), media_type, private_key, now)
    _, present = _content(result.data, media_type)
    if present[-1].value in {signature.value for signature in former}:  # Ed25519 signs the same in the same way
        raise SignatureError("this key has signed it already", fix="Sign with another key")
    return result


def _refuse_without_entries(document: Mapping[str, Any]) -> None:
    """A reader takes it for a manifest that withdraws everything: what is meant so says so with an empty list."""
    if "entries" not in document:
        near = get_close_matches("entries", map(str, document), n=1)
        fix = f"Write entries for {near[0]}" if near else "Write entries: [] if everything is to be withdrawn"
        raise ManifestError("the document has no entries", fix=fix, fields=sorted(map(str, document)))


def _form(media_type: str) -> Form:
    return "dsse" if media_type == ENVELOPE else "flat"


def _content(data: bytes, media_type: str) -> tuple[dict[str, Any], tuple[Signature, ...]]:
    """The document in ``data``, flat, and the signatures over it."""
    if media_type == ENVELOPE:
        envelope = read_envelope(data, MANIFEST_PAYLOAD, _DEFAULT_LIMITS)
        return parse_document(envelope.payload, JSON), envelope.signatures
    document = parse_document(data, media_type)
    return document, flat_signatures(document)


def _written(signed: Mapping[str, Any], media_type: str, template: str) -> bytes:
    edited = edit_yaml(template, signed) if template else None
    return render_document(signed, media_type) if edited is None else edited.encode("utf-8")


def _checked(data: bytes, media_type: str, private_key: Ed25519PrivateKey, now: datetime) -> Signed:
    verified = verify_manifest(data, media_type, TrustPolicy([public_key_of(private_key)]), now=now)
    return Signed(data, media_type, verified, len(_content(data, media_type)[1]))
