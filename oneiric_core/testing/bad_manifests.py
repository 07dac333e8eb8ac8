"""Manifests that are wrong in exactly one way."""

import base64
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TypeAlias

from oneiric_core.testing.keys import PUBLISHER, STRANGER, KeyPair
from oneiric_core.testing.manifests import (
    SOURCE,
    Document,
    dump,
    encode,
    make_document,
    sign,
    signature_of,
    signed_part,
)

__all__ = ["BadManifest", "bad_manifest"]

# The order of the base point (RFC 8032, 5.1): adding it to S gives another encoding of the same signature.
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_BASE64: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

_Spoil: TypeAlias = Callable[[Document, KeyPair], None]


class BadManifest(StrEnum):
    """Each way in which :func:`bad_manifest` can be wrong. Nothing else about it is."""

    UNSIGNED = "unsigned"
    STRANGER = "signed by a key nobody trusts"
    FLIPPED_SIGNATURE = "one bit of the signature flipped"
    CUT_SIGNATURE = "the signature's last byte cut off"
    PADDED_SIGNATURE = "a byte appended to the signature"
    EMPTY_SIGNATURE = "the signature empty"
    NULL_SIGNATURE = "the signature null"
    MALLEATED_SIGNATURE = "S replaced by S + L, which lax verifiers take for the same"
    OTHER_ALGORITHM = "another algorithm named"
    NO_ALGORITHM = "the algorithm named by an empty string"
    REPEATED_SIGNER = "one key signing twice where two must sign"
    RENAMED_SIGNER = "one key signing under two ids where two must sign"
    LAX_BASE64 = "unused bits set in the signature's base64"
    URLSAFE_BASE64 = "the signature in the URL-safe alphabet, without padding"
    BROKEN_BASE64 = "a line break inside the signature's base64"
    BORROWED_SIGNATURE = "the signature of another document"
    CHANGED_VALUE = "a value changed after signing"
    CHANGED_TYPE = "a number turned into text after signing"
    CHANGED_KEY = "a key renamed after signing"
    CHANGED_STRUCTURE = "a value wrapped into a list after signing"
    ADDED_FIELD = "an unknown field added after signing"
    REMOVED_FIELD = "a field removed after signing"
    ADDED_ENTRY = "an entry added after signing"
    REMOVED_ENTRY = "an entry removed after signing"
    OTHER_SOURCE = "another source put in after signing"
    OTHER_NUMBER = "a higher sequence number put in after signing"

    @property
    def threshold(self) -> int:
        """How many keys the verifier must ask for, so that this is wrong."""
        return 2 if self in {BadManifest.REPEATED_SIGNER, BadManifest.RENAMED_SIGNER} else 1


def bad_manifest(
    kind: BadManifest,
    entries: Sequence[Mapping[str, Any]],
    signed_by: KeyPair = PUBLISHER,
    source: str = SOURCE,
    sequence_number: int = 1,
) -> bytes:
    """A manifest that would be :func:`signed_manifest` but for the one thing ``kind`` says.

    :param entries: at least one.
    :param signed_by: the trusted signer; for :attr:`BadManifest.STRANGER` a fixed other one signs.
    """
    if not entries:
        raise ValueError("a bad manifest needs an entry to be wrong about. Pass at least one.")
    document = sign(make_document(entries, source, sequence_number), [signed_by])
    _SPOILERS[kind](document, signed_by)
    return dump(document)


def _raw(document: Document) -> bytes:
    return base64.b64decode(document["signature"])


# Each spoiler changes a document that is signed and right.


def _unsign(document: Document, _: KeyPair) -> None:
    del document["signature"], document["signature_algorithm"]


def _sign_as_stranger(document: Document, _: KeyPair) -> None:
    document["signature"] = signature_of(document, STRANGER)


def _flip(document: Document, _: KeyPair) -> None:
    raw = _raw(document)
    document["signature"] = encode(bytes([raw[0] ^ 1]) + raw[1:])


def _cut(document: Document, _: KeyPair) -> None:
    document["signature"] = encode(_raw(document)[:-1])


def _pad(document: Document, _: KeyPair) -> None:
    document["signature"] = encode(_raw(document) + b"\0")


def _malleate(document: Document, _: KeyPair) -> None:
    raw = _raw(document)
    other = int.from_bytes(raw[32:], "little") + _ORDER
    document["signature"] = encode(raw[:32] + other.to_bytes(32, "little"))


def _sign_twice(document: Document, key: KeyPair, *names: str) -> None:
    parts = [signed_part(document, key, name) for name in names or (key.name, key.name)]
    _unsign(document, key)
    document["signatures"] = parts


def _set_unused_bits(document: Document, _: KeyPair) -> None:
    # 64 bytes end in one left-over byte: "x?==" where the low four bits of "?" mean nothing and must be zero.
    text = document["signature"]
    document["signature"] = f"{text[:-3]}{_BASE64[_BASE64.index(text[-3]) | 1]}=="


def _make_urlsafe(document: Document, _: KeyPair) -> None:
    document["signature"] = base64.urlsafe_b64encode(_raw(document)).decode("ascii").rstrip("=")


def _break_line(document: Document, _: KeyPair) -> None:
    text = document["signature"]
    document["signature"] = f"{text[:40]}\n{text[40:]}"


def _borrow(document: Document, key: KeyPair) -> None:
    document["signature"] = signature_of(document | {"sequence_number": document["sequence_number"] + 1}, key)


def _rename_key(document: Document, _: KeyPair) -> None:
    entry = document["entries"][0]
    entry["provider_"] = entry.pop("provider")


def _put(name: str, value: object) -> _Spoil:
    def spoil(document: Document, _: KeyPair) -> None:
        document[name] = value

    return spoil


def _alter(name: str, change: Callable[[Any], object]) -> _Spoil:
    def spoil(document: Document, _: KeyPair) -> None:
        document[name] = change(document[name])

    return spoil


def _alter_entry(name: str, change: Callable[[Any], object]) -> _Spoil:
    def spoil(document: Document, _: KeyPair) -> None:
        document["entries"][0][name] = change(document["entries"][0][name])

    return spoil


_SPOILERS: Final[Mapping[BadManifest, _Spoil]] = {
    BadManifest.UNSIGNED: _unsign,
    BadManifest.STRANGER: _sign_as_stranger,
    BadManifest.FLIPPED_SIGNATURE: _flip,
    BadManifest.CUT_SIGNATURE: _cut,
    BadManifest.PADDED_SIGNATURE: _pad,
    BadManifest.EMPTY_SIGNATURE: _put("signature", ""),
    BadManifest.NULL_SIGNATURE: _put("signature", None),
    BadManifest.MALLEATED_SIGNATURE: _malleate,
    BadManifest.OTHER_ALGORITHM: _put("signature_algorithm", "rsa-pss-sha256"),
    BadManifest.NO_ALGORITHM: _put("signature_algorithm", ""),
    BadManifest.REPEATED_SIGNER: _sign_twice,
    BadManifest.RENAMED_SIGNER: lambda document, key: _sign_twice(document, key, "first", "second"),
    BadManifest.LAX_BASE64: _set_unused_bits,
    BadManifest.URLSAFE_BASE64: _make_urlsafe,
    BadManifest.BROKEN_BASE64: _break_line,
    BadManifest.BORROWED_SIGNATURE: _borrow,
    BadManifest.CHANGED_VALUE: _alter_entry("factory", lambda text: f"{text}_"),
    BadManifest.CHANGED_TYPE: _alter("sequence_number", str),
    BadManifest.CHANGED_KEY: _rename_key,
    BadManifest.CHANGED_STRUCTURE: _alter_entry("provider", lambda text: [text]),
    BadManifest.ADDED_FIELD: _put("added", True),
    BadManifest.REMOVED_FIELD: lambda document, _: document.pop("signed_at"),
    BadManifest.ADDED_ENTRY: _alter("entries", lambda entries: [*entries, {**entries[0], "provider": "added"}]),
    BadManifest.REMOVED_ENTRY: _alter("entries", lambda entries: entries[1:]),
    BadManifest.OTHER_SOURCE: _alter("source", lambda text: f"{text}/other"),
    BadManifest.OTHER_NUMBER: _alter("sequence_number", lambda number: number + 1),
}
