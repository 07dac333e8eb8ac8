"""Ed25519 pairs that are the same on every machine: made from a name, so that no test has to keep a key file.

They are public knowledge, hence worthless: never trust one outside a test. Policies refuse those that have a name here
or in our samples (:data:`oneiric_core.trust.PUBLISHED_KEYS`). There is no end of other names: those they cannot know.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["PUBLISHER", "SECOND_PUBLISHER", "STRANGER", "KeyPair", "key_pair"]


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and the ways its public half is written.

    :param name: what it was made from; used as ``key_id`` where one is written.
    """

    name: str
    private: Ed25519PrivateKey = field(repr=False, compare=False)

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self.private.public_key().public_bytes_raw()

    @property
    def public_pem(self) -> str:
        """The public key as PEM, SubjectPublicKeyInfo (RFC 8410)."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(encoding, form).decode("ascii")

    @property
    def private_pem(self) -> str:
        """The private key as PEM, PKCS #8, not encrypted."""
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return self.private.private_bytes(encoding, form, serialization.NoEncryption()).decode("ascii")

    def sign(self, message: bytes) -> bytes:
        """The signature of ``message``, 64 bytes (RFC 8032; the same every time)."""
        return self.private.sign(message)


def key_pair(name: str) -> KeyPair:
    """The pair that belongs to ``name``."""
    seed = hashlib.sha256(b"oneiric test key: " + name.encode("utf-8")).digest()
    return KeyPair(name, Ed25519PrivateKey.from_private_bytes(seed))


PUBLISHER: Final = key_pair("publisher")
SECOND_PUBLISHER: Final = key_pair("second publisher")
STRANGER: Final = key_pair("stranger")
