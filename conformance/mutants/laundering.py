"""A frame for wrong runtimes: what they believe is signed anew, and our own runtime does the rest.

So a wrong runtime says in one method what it believes, whatever the insides of ours look like.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from oneiric_conformance.handling.offer import JSON, as_json, canonical, sign
from oneiric_conformance.runtime import Limits, Trust
from oneiric_core.manifest import parse_document
from oneiric_core.testing import PUBLISHER, SECOND_PUBLISHER, CoreRuntime

_PAIRS = {pair.public: pair for pair in (PUBLISHER, SECOND_PUBLISHER)}


class Laundering(CoreRuntime):
    """As strict as ours while :meth:`believes` is; a subclass changes one of the methods below."""

    async def start(self, workdir: Path, trust: Trust, limits: Limits) -> None:  # type: ignore[override]  # the kit's own types
        self.trust = trust
        await super().start(workdir, trust, limits)

    def read(self, data: bytes, media_type: str) -> dict[str, Any]:
        """The document in the bytes."""
        return parse_document(data, media_type)

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        """Whether the document is signed well enough."""
        return len({key for key, _ in self.valid(document)}) >= self.trust.threshold

    def message(self, document: Mapping[str, Any]) -> bytes:
        """What the signatures cover."""
        return canonical(document)

    def decode(self, text: Any) -> bytes:
        """A signature from its text; anything wrong with it is a ValueError."""
        raw = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
        if base64.b64encode(raw).decode("ascii") != text:
            raise ValueError("not strict base64")
        return raw

    def keys(self, document: Mapping[str, Any]) -> tuple[bytes, ...]:
        """The keys that may sign."""
        return self.trust.keys

    def verifies(self, key: bytes, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def valid(self, document: dict[str, Any]) -> Iterator[tuple[bytes, Any]]:
        """Each valid signature, as the key that made it and the id it names."""
        message = self.message(document)
        for text, key_id in self.texts(document):
            try:
                signature = self.decode(text)
            except (ValueError, binascii.Error):
                continue
            for key in self.keys(document):
                if self.verifies(key, signature, message):
                    yield key, key_id

    def knows(self, algorithm: Any) -> bool:
        """Whether a signature of this algorithm counts."""
        return bool(algorithm == "ed25519")

    def texts(self, document: Mapping[str, Any]) -> list[tuple[Any, Any]]:
        """All signatures in the document that can count, each with its key id."""
        listed = document.get("signatures")
        flat = {"signature": document.get("signature"), "algorithm": document.get("signature_algorithm", "ed25519")}
        parts = [flat, *([part for part in listed if isinstance(part, dict)] if isinstance(listed, list) else [])]
        known = [part for part in parts if self.knows(part.get("algorithm", "ed25519"))]
        return [(part.get("signature"), part.get("key_id")) for part in known]

    def passed_on(self, content: dict[str, Any]) -> dict[str, Any]:
        """What our own runtime is given of what is believed."""
        return content

    def launder(self, data: bytes, media_type: str) -> tuple[bytes, str]:
        """What is believed, signed as our own runtime wants it; else as it came, its signatures spoilt."""
        if self.trust.root is not None:  # who may sign is said elsewhere
            return data, media_type
        document = self.read(data, media_type)
        content = {name: value for name, value in document.items() if not name.startswith("signature")}
        if self.believes(document, data):
            return as_json(sign(self.passed_on(content), *(_PAIRS[key] for key in self.trust.keys))), JSON
        return as_json({**content, "signature": "", "signature_algorithm": "ed25519"}), JSON

    def _verify(self, document: bytes, media_type: str) -> Any:
        return super()._verify(*self.launder(document, media_type))

    async def _sync(self, document: bytes, media_type: str) -> Any:
        return await super()._sync(*self.launder(document, media_type))
