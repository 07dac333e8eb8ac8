"""Keys: read from what people have, checked once, and never silently dropped."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from oneiric_core.errors import UntrustedKeyError
from oneiric_core.trust.base64_strict import decode_strictly
from oneiric_core.trust.curve import is_point, is_small_order

__all__ = ["PublicKey", "generate_private_key", "load_private_key", "load_public_key", "private_pem", "public_key_of"]

_KEY_BYTES: Final = 32
_PEM: Final = b"-----BEGIN "
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]{43}=\s*")


@dataclass(frozen=True)
class PublicKey:
    """An Ed25519 public key; equal to another exactly when its 32 bytes are.

    :param raw: 32 bytes (RFC 8032): the canonical encoding of a point that is not of small order.
    :param name: what people call it (a file name); says nothing about trust.
    :raises UntrustedKeyError: any other bytes.
    """

    raw: bytes
    name: str = ""

    def __post_init__(self) -> None:
        what = ""
        if len(self.raw) != _KEY_BYTES:
            what = f"has {len(self.raw)} bytes instead of {_KEY_BYTES}"
        elif is_small_order(self.raw):
            what = "is of small order: signatures can be made that verify for any message"
        elif not is_point(self.raw):
            what = "is not a point of the curve in its one encoding"
        if what:
            raise UntrustedKeyError(
                f"the public key {self.name or self.raw[:8].hex()} {what}",
                fix="Generate a new pair with `oneiric-core keys generate`",
                name=self.name,
                raw=self.raw.hex(),
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the raw key, 64 hexadecimal digits."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def pem(self) -> str:
        """SubjectPublicKeyInfo in PEM (RFC 8410)."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_bytes(encoding, form).decode("ascii")

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Did this key make ``signature`` (64 bytes, checked by the caller for canonical form) over ``message``?"""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @cached_property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)


def load_public_key(data: bytes | str, *, name: str) -> PublicKey:
    """The key in ``data``: PEM, 32 raw bytes, or their base64.

    :param name: the file or setting it came from, for messages.
    :raises UntrustedKeyError: none of these, more than one, or a key that must not be trusted.
    """
    content = _bytes_of(data, name)
    if content.lstrip().startswith(_PEM):
        _refuse_more_than_one(content, name)
        return PublicKey(_raw_from_pem(content, name), name)
    if len(content) == _KEY_BYTES:
        return PublicKey(content, name)
    return PublicKey(_raw_from_base64(content, name), name)


def load_private_key(data: bytes | str, *, name: str, password: bytes | None = None) -> Ed25519PrivateKey:
    """The private key in ``data``: PEM (PKCS #8, encrypted where there is a ``password``), 32 raw bytes, or base64.

    :raises UntrustedKeyError: none of these, more than one, another kind of key, or a wrong or missing password.
    """
    content = _bytes_of(data, name)
    if not content.lstrip().startswith(_PEM):
        raw = content if len(content) == _KEY_BYTES else _raw_from_base64(content, name)
        return Ed25519PrivateKey.from_private_bytes(raw)
    _refuse_more_than_one(content, name)
    try:
        key = serialization.load_pem_private_key(content, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(name, f"cannot be read as a private key: {error}", "Check the file and its password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(name, "is not an Ed25519 private key", "Generate one with `oneiric-core keys generate`")
    return key


def generate_private_key() -> Ed25519PrivateKey:
    """A new key from the system's randomness."""
    return Ed25519PrivateKey.generate()


def public_key_of(private_key: Ed25519PrivateKey, *, name: str = "") -> PublicKey:
    """The public half."""
    return PublicKey(private_key.public_key().public_bytes_raw(), name)


def private_pem(private_key: Ed25519PrivateKey, *, password: bytes | None = None) -> str:
    """PKCS #8 in PEM, encrypted where there is a ``password``; keep it in a file that only you can read."""
    protection: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return private_key.private_bytes(encoding, form, protection).decode("ascii")


def _bytes_of(data: bytes | str, name: str) -> bytes:
    try:
        return data.encode("utf-8") if isinstance(data, str) else data
    except UnicodeEncodeError as error:
        raise _unusable(name, "is text with half of a surrogate pair", "Read it as bytes") from error


def _refuse_more_than_one(content: bytes, name: str) -> None:
    """The parsers of PEM read the first block and drop whatever follows it."""
    if (count := content.count(_PEM)) > 1:
        raise _unusable(
            name, f"holds {count} blocks of PEM, and one key is asked for", "Keep each in a file of its own"
        )
    _, _, end = content.partition(b"-----END ")
    if end.partition(b"-----")[2].strip():
        raise _unusable(name, "goes on after the end of its PEM", "Keep each key in a file of its own")


def _raw_from_pem(content: bytes, name: str) -> bytes:
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        secret = " (it seems to be a private key)" if b"PRIVATE KEY" in content else ""
        raise _unusable(
            name, f"cannot be read as a public key{secret}: {error}", "Give the public half of the pair"
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _unusable(name, "is not an Ed25519 public key", "Generate one with `oneiric-core keys generate`")
    return key.public_bytes_raw()


def _raw_from_base64(content: bytes, name: str) -> bytes:
    if not _BASE64.fullmatch(content):
        raise _unusable(name, "is neither PEM, nor 32 raw bytes, nor their base64", "Give it in one of these forms")
    try:
        return decode_strictly(content.decode("ascii").rstrip())
    except ValueError as error:
        raise _unusable(name, f"cannot be read: {error}", "Write it with a standard encoder") from error


def _unusable(name: str, what: str, fix: str) -> UntrustedKeyError:
    return UntrustedKeyError(f"the key {name!r} {what}", fix=fix, name=name)
