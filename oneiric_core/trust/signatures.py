"""Signatures as written, which of them count, and for which keys."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from oneiric_core.errors import SignatureError
from oneiric_core.manifest.models import ALGORITHM
from oneiric_core.manifest.text import shown
from oneiric_core.trust.base64_strict import decode_strictly
from oneiric_core.trust.curve import is_canonical_scalar, is_point, is_small_order
from oneiric_core.trust.keys import PublicKey, load_public_key

__all__ = ["ALGORITHM", "Signature", "Signers", "flat_signatures", "signers_of", "verify_manifest_signature"]

T = TypeVar("T")

MAX_SIGNATURES: Final = 64
"""How many a document may carry: each is tried against each key."""

_SIGNATURE_BYTES: Final = 64
_HALF: Final = 32


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature as a document has it.

    :param value: base64 of 64 bytes, R and S.
    :param key_id: a hint for people; it decides nothing.
    """

    value: str
    algorithm: str = ALGORITHM
    key_id: str = ""

    def decode(self) -> bytes:
        """The 64 bytes.

        :raises SignatureError: not strict base64, not 64 bytes, or not the one canonical encoding of a signature.
        """
        try:
            raw = decode_strictly(self.value)
        except ValueError as error:
            raise SignatureError(
                f"the signature cannot be read: {error}", fix="Sign the manifest again", key_id=self.key_id
            ) from error
        what = ""
        if len(raw) != _SIGNATURE_BYTES:
            what = f"has {len(raw)} bytes instead of {_SIGNATURE_BYTES}"
        elif not is_canonical_scalar(raw[_HALF:]):
            what = "has an S that is not below the order of the group"
        elif is_small_order(raw[:_HALF]):
            what = "has an R of small order"
        elif not is_point(raw[:_HALF]):
            what = "has an R that is not a point of the curve in its one encoding"
        if what:
            raise SignatureError(f"the signature {what}", fix="Sign the manifest again", key_id=self.key_id)
        return raw


@dataclass(frozen=True, slots=True)
class Signers:
    """Who signed, of those asked about.

    :param keys: distinct keys of which one signature at least verified.
    :param rejected: a reason for every signature that did not count.
    """

    keys: frozenset[PublicKey]
    rejected: tuple[str, ...]


def signers_of(message: bytes, signatures: Iterable[Signature], keys: Collection[PublicKey]) -> Signers:
    """Which of ``keys`` signed ``message``. A signature that cannot count does not spoil the others."""
    found: set[PublicKey] = set()
    rejected: list[str] = []
    for place, signature in enumerate(signatures, start=1):
        try:
            found.add(_signer_of(message, signature, keys))
        except SignatureError as error:
            rejected.append(f"signature {place}: {error.what}")
    return Signers(frozenset(found), tuple(rejected))


def _signer_of(message: bytes, signature: Signature, keys: Collection[PublicKey]) -> PublicKey:
    if signature.algorithm != ALGORITHM:
        raise SignatureError(
            f"the algorithm {shown(signature.algorithm)} is not known here", fix=f"Sign with {ALGORITHM}"
        )
    raw = signature.decode()
    for key in keys:
        if key.verifies(raw, message):
            return key
    raise SignatureError("none of the trusted keys made the signature", fix="Sign with a trusted key")


def verify_manifest_signature(canonical: str, signature: str, public_key_pem: str | bytes) -> str:
    """The fingerprint of the key that made ``signature`` over the canonical text of a manifest.

    :param canonical: what :func:`~oneiric_core.manifest.get_canonical_manifest_for_signing` gives.
    :param signature: strict base64.
    :param public_key_pem: the key, in any form :func:`~oneiric_core.trust.load_public_key` reads.
    :raises SignatureError: it did not.
    :raises UntrustedKeyError: the key cannot be used.
    """
    key = load_public_key(public_key_pem, name="public_key_pem")
    try:
        message = canonical.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SignatureError(
            "the text has half of a surrogate pair, so it has no bytes that anybody signed",
            fix="Pass what get_canonical_manifest_for_signing gives",
        ) from error
    return _signer_of(message, Signature(signature), [key]).fingerprint


def flat_signatures(document: Mapping[str, Any]) -> tuple[Signature, ...]:
    """The signatures of a flat document: those of ``signatures``, then the one of ``signature``.

    :raises SignatureError: they do not have the shape of signatures, or are more than :data:`MAX_SIGNATURES`.
    """
    return tuple(_from_item(item) for item in bounded(signature_items(document)))


def signature_items(document: Mapping[str, Any]) -> list[Any]:
    """The signatures of a flat document as they are written, the single one like those of the list.

    :raises SignatureError: the list is none.
    """
    listed = document.get("signatures")
    items = [] if listed is None else listed
    if not isinstance(items, list):
        raise _shapeless("signatures", items)
    single = document.get("signature")
    if single is None:
        return items
    return [*items, {"signature": single, "algorithm": document.get("signature_algorithm", ALGORITHM)}]


def bounded(signatures: Sequence[T]) -> Sequence[T]:
    """``signatures``, unless they are too many.

    :raises SignatureError: more than :data:`MAX_SIGNATURES`.
    """
    if len(signatures) > MAX_SIGNATURES:
        raise SignatureError(
            f"the document has {len(signatures)} signatures, more than the {MAX_SIGNATURES} allowed",
            fix="Keep those of the trusted keys",
        )
    return signatures


def _from_item(item: object) -> Signature:
    if not isinstance(item, dict):
        raise _shapeless("signatures", item)
    value, algorithm = item.get("signature"), item.get("algorithm", ALGORITHM)
    key_id = item.get("key_id")
    if not isinstance(algorithm, str):
        raise _shapeless("algorithm", algorithm)
    if not isinstance(value, str):
        if algorithm == ALGORITHM:
            raise _shapeless("signature", value)
        value = ""  # what the signatures of other algorithms look like is for those who know them
    return Signature(value, algorithm, key_id if isinstance(key_id, str) else "")


def _shapeless(field: str, value: object) -> SignatureError:
    return SignatureError(
        f"the field {field!r} of a signature is a {type(value).__name__}",
        fix="Write signatures as a list of {signature, algorithm, key_id}, all text",
        field=field,
    )
