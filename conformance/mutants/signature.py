"""Runtimes that believe what they must not."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from mutants import mutant
from mutants.laundering import Laundering
from oneiric_conformance.handling.offer import document_of
from oneiric_core.testing import PUBLISHER, SECOND_PUBLISHER


def _note(document: Mapping[str, Any]) -> dict[str, Any]:
    """The note as the kit signs it: its number where it has one, else what it always is."""
    note = document.get("x-note")
    return {"x-note": note if isinstance(note, int) else document_of([])["x-note"]}


_BLIND = "who looks at no signature believes whatever is wrong with one"
_OTHERS = dict.fromkeys(("SIG-002", "SIG-003", "SIG-004", "SIG-005", "SIG-006", "SIG-007", "MAN-005"), _BLIND)


@mutant("SIG-001", expects="verify accepted", also=_OTHERS)
class IgnoresSignatures(Laundering):
    """Looks at no signature at all."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        return True


@mutant("SIG-001", expects="sync accepted", also=_OTHERS)
class AppliesUnverified(Laundering):
    """Verifies when it is asked to, and applies what it is given without verifying."""

    applying = False

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        return self.applying or super().believes(document, data)

    async def _sync(self, document: bytes, media_type: str) -> Any:
        self.applying = True
        try:
            return await super()._sync(document, media_type)
        finally:
            self.applying = False


@mutant("SIG-001", expects="unknown field")
class CoversKnownFields(Laundering):
    """Its signature does not cover the fields that it does not know."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        fresh = document_of([])
        known = {name: value for name, value in document.items() if name in fresh or name.startswith("signature")}
        return super().believes(document, data) or super().believes({**known, **_note(document)}, data)


@mutant("SIG-001", expects="the source is another")
class CoversEntriesOnly(Laundering):
    """Its signature covers the entries and nothing else."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        signatures = {name: value for name, value in document.items() if name.startswith("signature")}
        entries = document.get("entries")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return False
        covered = {**document_of(entries), **_note(document), **signatures}
        return super().believes(document, data) or super().believes(covered, data)


@mutant("SIG-002", expects="byte 63")
class VerifiesHalf(Laundering):
    """Looks at the first half of a signature."""

    def verifies(self, key: bytes, signature: bytes, message: bytes) -> bool:
        pair = {pair.public: pair for pair in (PUBLISHER, SECOND_PUBLISHER)}[key]
        return len(signature) == 64 and signature[:32] == pair.sign(message)[:32]


@mutant("SIG-003", expects="the stranger's key")
class TakesKeysFromTheManifest(Laundering):
    """Trusts the key that a manifest brings along."""

    def keys(self, document: Mapping[str, Any]) -> tuple[bytes, ...]:
        brought = document.get("public_key")
        return (*super().keys(document), *([base64.b64decode(brought)] if isinstance(brought, str) else []))


@mutant(
    "SIG-003",
    expects="under the trusted key's id",
    also={
        "SIG-005": "the id counts whatever algorithm is named beside it",
        "SIG-006": "the second id counts without its key",
    },
)
class TrustsIds(Laundering):
    """Believes a signature for the id it names, whoever made it."""

    def valid(self, document: dict[str, Any]) -> Iterator[tuple[bytes, Any]]:
        yield from super().valid(document)
        for part in document.get("signatures") or []:
            if part.get("signature") and part.get("key_id") == PUBLISHER.name:
                yield PUBLISHER.public, PUBLISHER.name
            if part.get("signature") and part.get("key_id") == SECOND_PUBLISHER.name and self.trust.threshold > 1:
                yield SECOND_PUBLISHER.public, SECOND_PUBLISHER.name


@mutant("SIG-004", expects="no signature field")
class VerifiesIfPresent(Laundering):
    """Verifies signatures, if there are any."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        return not {"signature", "signatures", "signature_algorithm"} & set(document) or super().believes(
            document, data
        )


@mutant("SIG-004", expects="algorithm none")
class AcceptsNone(Laundering):
    """Knows an algorithm that needs no signature."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        return document.get("signature_algorithm") == "none" or super().believes(document, data)


@mutant("SIG-005", expects="rsa-pss-sha256")
class IgnoresAlgorithms(Laundering):
    """Verifies the bytes of a signature, whatever algorithm it names."""

    def knows(self, algorithm: Any) -> bool:
        return True


@mutant("SIG-005", expects="'ED25519'")
class FoldsAlgorithms(Laundering):
    """Takes the name of an algorithm in any case, and with blanks around it."""

    def knows(self, algorithm: Any) -> bool:
        return isinstance(algorithm, str) and algorithm.strip().lower() == "ed25519"


@mutant("SIG-005", expects="verify refused the trusted signature beside one of an unknown algorithm")
class GivesUpAtTheUnknown(Laundering):
    """Refuses a manifest as soon as one of its signatures is of an algorithm it does not know."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        listed = document.get("signatures") or []
        return super().believes(document, data) and all(self.knows(part.get("algorithm")) for part in listed)


@mutant("SIG-006", expects="one signature twice")
class CountsSignatures(Laundering):
    """Counts signatures instead of keys."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        return len(list(self.valid(document))) >= self.trust.threshold


@mutant("SIG-006", expects="under two ids")
class CountsIds(Laundering):
    """Counts key ids instead of keys."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        return len({key_id for _, key_id in self.valid(document)}) >= self.trust.threshold


@mutant("SIG-007", expects="line break")
class DecodesLaxly(Laundering):
    """Skips what is not base64 when it decodes."""

    def decode(self, text: Any) -> bytes:
        return base64.b64decode(text) if isinstance(text, str) else b""


@mutant("SIG-007", expects="unused bits")
class IgnoresUnusedBits(Laundering):
    """Decodes strictly, but does not compare."""

    def decode(self, text: Any) -> bytes:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""


@mutant("SIG-007", expects="URL-safe")
class TakesEitherAlphabet(Laundering):
    """Takes the URL-safe alphabet for the ordinary one."""

    def decode(self, text: Any) -> bytes:
        return super().decode(text.translate(str.maketrans("-_", "+/")) if isinstance(text, str) else text)
