"""From bytes to a manifest that may be believed, in the order in which belief is earned.

Flat: bounds → strict parse → threshold → source → age → entries.
Envelope: bounds → strict envelope → threshold over the payload's bytes → strict parse of the same bytes → the same.

A caller with a memory puts its own rule between source and age: see :mod:`oneiric_core.trust.trusted_state`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from oneiric_core.manifest.canonical import get_canonical_manifest_for_signing
from oneiric_core.manifest.documents import ENVELOPE, JSON, base_type, parse_document
from oneiric_core.manifest.limits import Limits
from oneiric_core.manifest.models import ManifestHeader, RemoteManifest
from oneiric_core.manifest.moments import read_rfc3339
from oneiric_core.trust.envelope import MANIFEST_PAYLOAD, read_envelope
from oneiric_core.trust.policy import Policy
from oneiric_core.trust.signatures import flat_signatures

__all__ = ["Authentic", "VerifiedManifest", "authenticate", "verify_manifest"]

_DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Authentic:
    """A document that those the policy trusts have signed; it may still be old, and its entries are not looked at.

    :param document: as parsed; in the flat form with its signatures.
    :param signers: fingerprints of the trusted keys that signed, sorted.
    :param digest: SHA-256 of the bytes that were signed, 64 hexadecimal digits.
    """

    document: Mapping[str, Any]
    header: ManifestHeader
    signers: tuple[str, ...]
    digest: str
    form: Literal["flat", "envelope"]


@dataclass(frozen=True, slots=True)
class VerifiedManifest:
    """A manifest that may be believed.

    :param document: as parsed, unknown fields included.
    :param signers: fingerprints of the trusted keys that signed, sorted; empty under ``UnsafeAcceptUnsigned``.
    :param digest: SHA-256 of the bytes that were signed, 64 hexadecimal digits.
    """

    document: Mapping[str, Any]
    manifest: RemoteManifest
    signers: tuple[str, ...]
    digest: str
    form: Literal["flat", "envelope"]


def authenticate(data: bytes, media_type: str, policy: Policy, limits: Limits = _DEFAULT_LIMITS) -> Authentic:
    """What ``data`` says, if those the policy trusts signed it and it is from a source the policy accepts.

    :param media_type: ``application/json``, ``application/yaml`` or ``application/vnd.dsse.envelope.v1+json``; never
        guessed from the bytes.
    :raises ManifestError: it cannot be read.
    :raises TrustError: it may not be believed.
    """
    authentic = (
        _envelope(data, policy, limits)
        if base_type(media_type) == ENVELOPE
        else _flat(data, media_type, policy, limits)
    )
    policy.check_source(authentic.header.source)
    return authentic


def verify_manifest(
    data: bytes, media_type: str, policy: Policy, *, now: datetime, limits: Limits = _DEFAULT_LIMITS
) -> VerifiedManifest:
    """The manifest in ``data``, if the policy believes it at the moment ``now``.

    :param now: an aware datetime, read once per update.
    :raises ManifestError: it cannot be read, or says something that has no meaning.
    :raises TrustError: it may not be believed; the class says why.
    """
    authentic = authenticate(data, media_type, policy, limits)
    policy.check_age(authentic.header, now)
    return open_manifest(authentic)


def open_manifest(authentic: Authentic) -> VerifiedManifest:
    """The last step: its entries.

    :raises ManifestError: one of them breaks the schema.
    """
    manifest = RemoteManifest.from_document(authentic.document)
    return VerifiedManifest(authentic.document, manifest, authentic.signers, authentic.digest, authentic.form)


def _flat(data: bytes, media_type: str, policy: Policy, limits: Limits) -> Authentic:
    document = parse_document(data, media_type, limits)
    message = get_canonical_manifest_for_signing(document).encode("utf-8")
    signers = policy.check_signatures(message, flat_signatures(document))
    return Authentic(document, _header(document), signers, hashlib.sha256(message).hexdigest(), "flat")


def _envelope(data: bytes, policy: Policy, limits: Limits) -> Authentic:
    envelope = read_envelope(data, MANIFEST_PAYLOAD, limits)
    signers = policy.check_signatures(envelope.message, envelope.signatures)
    document = parse_document(envelope.payload, JSON, limits)
    header = _header(document)
    for moment in (header.signed_at, header.expires_at):
        if moment is not None:
            read_rfc3339(moment)
    return Authentic(document, header, signers, hashlib.sha256(envelope.payload).hexdigest(), "envelope")


def _header(document: Mapping[str, Any]) -> ManifestHeader:
    return ManifestHeader.from_document({name: value for name, value in document.items() if name in _HEADER_FIELDS})


_HEADER_FIELDS: Final = frozenset(ManifestHeader.model_fields)
