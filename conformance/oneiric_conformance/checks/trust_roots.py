"""SIG: keys that nobody may trust, and how those that somebody does may change."""

import base64
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from oneiric_conformance.abilities import Ability
from oneiric_conformance.handling.believing import expect_believed, signed_part, unsigned_of
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import JSON, Document, as_json, canonical, sign
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import Runtime, Trust
from oneiric_core.testing import PUBLISHER, SECOND_PUBLISHER, SOURCE, KeyPair, key_pair, signed_root

__all__: list[str] = []

_FIELD: Final = 2**255 - 19
_EIGHTH: Final = int("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", 16)
"""The y of a point of order eight (RFC 8032, 5.1; Chalkias et al., "Taming the many EdDSAs", table 5)."""
_CANONICAL: Final = (0, 1, _FIELD - 1, _EIGHTH, _FIELD - _EIGHTH)
_SMALL: Final = tuple((y | s << 255).to_bytes(32, "little") for y in (*_CANONICAL, _FIELD, _FIELD + 1) for s in (0, 1))
"""All 14 encodings of the eight points of small order."""
_NO_SCALAR: Final = bytes(32)
_MESSAGES: Final = 64


@check("SIG-011", judges="runtime", level="must", since="2026.1", floor=14)
def weak_keys_are_not_trusted(bench: Bench) -> None:
    """A key of small order, in any of its encodings, or of the wrong length cannot be trusted: the runtime does not
    start with it, or refuses what anybody can sign for it.

    Troubleshooting: keys handed to the verifier as they are configured. For a key of small order one constant signature
    fits many messages or all; refuse its 14 encodings, and any that is not 32 bytes.
    """
    unsigned = unsigned_of(bench)
    with bench.control("signed by a key that is fit, it is accepted"):
        expect_believed(bench, sign(unsigned))
    forged = 0
    for key in _SMALL:
        for document in islice(_forged(unsigned, key), 1):
            forged += 1
            _expect_untrusted(bench, (key,), document, f"the key {key.hex()}")
            _expect_untrusted(bench, (PUBLISHER.public, key), document, f"the key {key.hex()} beside a good one")
            bench.exercised()
    whole = PUBLISHER.public
    for told, key in (("with a byte after it", whole + b"\0"), ("twice", whole * 2), ("without its end", whole[:31])):
        _expect_untrusted(bench, (key,), sign(unsigned), f"the publisher's key {told}")
        bench.exercised()
    bench.expect(forged == len(_SMALL), seen=f"only {forged} of {len(_SMALL)} forgeries could be made here")


def _forged(unsigned: Document, key: bytes) -> Iterator[Document]:
    """Manifests with a signature that nobody made, and that plain verification with the key lets pass."""
    points = [point for point in _SMALL if int.from_bytes(point, "little") & ~(1 << 255) < _FIELD]
    verifier = Ed25519PublicKey.from_public_bytes(key)
    for number in islice(count(), _MESSAGES):
        document = {**unsigned, "x-note": number}
        message = canonical(document)
        for point in points:
            signature = point + _NO_SCALAR
            try:
                verifier.verify(signature, message)
            except InvalidSignature:
                continue
            text = base64.b64encode(signature).decode("ascii")
            yield {**document, "signature": text, "signature_algorithm": "ed25519"}


def _expect_untrusted(bench: Bench, keys: tuple[bytes, ...], document: Document, told: str) -> None:
    """A runtime that trusts these keys does not come up, or does not believe the document."""

    async def accepted() -> list[str]:
        begun = False
        try:
            async with bench.runtime(trust=Trust(keys=keys)) as runtime:
                begun = True
                verdict = await runtime.verify(as_json(document), JSON)
                outcome = await runtime.sync(as_json(document), JSON)
                return [way for way, answer in (("verify", verdict), ("sync", outcome)) if answer.ok]
        except Exception:
            if begun:
                raise
            return []

    ways = bench.run(accepted())
    seen = f"with {told} among those trusted, {' and '.join(ways)} accepted what nobody signed"
    bench.expect(not ways, seen=seen, expected="no such key among those trusted", example=told)


_OLD: Final = (key_pair("old root, first"), key_pair("old root, second"))
_NEW: Final = (key_pair("new root, first"), key_pair("new root, second"))
_ANCHOR: Final = signed_root(1, _OLD, [PUBLISHER], root_threshold=2)


@check("SIG-012", judges="runtime", level="must", since="2026.1", floor=8, needs=[Ability.ROTATION])
def a_rotation_needs_both_thresholds(bench: Bench) -> None:
    """A new root takes over only if the threshold of the old one signed it and its own, as the next version of the same
    source; what is refused leaves the old keys in force.

    Troubleshooting: one threshold taken for both, signatures counted instead of keys, versions that may be skipped or
    repeated, or new keys that count before the new root was remembered.
    """
    with bench.control("signed by both thresholds, a root takes over, and stays over a restart"):
        bench.run(_rotates(bench))
    (old, second_old), (new, second_new) = _OLD, _NEW
    signers: Sequence[tuple[str, Sequence[KeyPair]]] = (
        ("nobody's signature", ()),
        ("the old threshold only", _OLD),
        ("the new threshold only", _NEW),
        ("one of two old keys", (old, *_NEW)),
        ("one of two new keys", (*_OLD, second_new)),
        ("one old key twice", (second_old, second_old, *_NEW)),
        ("one new key twice", (*_OLD, new, new)),
        ("a manifest's key in the place of a root's", (old, PUBLISHER, *_NEW)),
    )
    attempts = [(told, _root(2, keys), frozenset({"SignatureError"})) for told, keys in signers]
    everyone = (*_OLD, *_NEW)
    attempts += [
        ("a version skipped", _root(3, everyone), frozenset({"TrustError"})),
        ("the version in force, with other keys", _root(1, everyone), frozenset({"EquivocationError"})),
        ("another source", _root(2, everyone, source="https://elsewhere.invalid/manifest"), frozenset({"TrustError"})),
    ]
    for told, root, kinds in bench.each(attempts):
        bench.run(_stays(bench, root, told, kinds))
        bench.exercised()


def _root(version: int, signers: Sequence[KeyPair], source: str = SOURCE) -> bytes:
    """A root with new keys for both roles."""
    return signed_root(version, _NEW, [SECOND_PUBLISHER], signers, root_threshold=2, source=source)


async def _rotates(bench: Bench) -> None:
    trust = Trust(keys=(), root=_ANCHOR)
    with bench.sandbox() as box:
        async with bench.runtime(trust=trust, workdir=box.path) as runtime:
            await _expect_in_force(bench, runtime, PUBLISHER, SECOND_PUBLISHER, "at first")
            verdict = await runtime.rotate(_root(2, (*_OLD, *_NEW)))
            bench.expect(verdict.ok, seen=f"it was refused with {verdict.kind}: {verdict.reason}", expected="accepted")
            await _expect_in_force(bench, runtime, SECOND_PUBLISHER, PUBLISHER, "after the rotation")
        async with bench.runtime(trust=trust, workdir=box.path) as runtime:
            await _expect_in_force(bench, runtime, SECOND_PUBLISHER, PUBLISHER, "after a restart")


async def _stays(bench: Bench, root: bytes, told: str, kinds: frozenset[str]) -> None:
    async with bench.runtime(trust=Trust(keys=(), root=_ANCHOR)) as runtime:
        verdict = await runtime.rotate(root)
        expected = f"refused with {' or '.join(sorted(kinds))}"
        bench.expect(not verdict.ok, seen=f"a root with {told} took over", expected=expected, example=told)
        bench.expect(verdict.kind in kinds, seen=f"{told} was refused as {verdict.kind}", expected=expected)
        await _expect_in_force(bench, runtime, PUBLISHER, SECOND_PUBLISHER, f"after a root with {told}")


async def _expect_in_force(bench: Bench, runtime: Runtime, right: KeyPair, wrong: KeyPair, when: str) -> None:
    unsigned = {**unsigned_of(bench), "source": SOURCE}
    for signer, believed in ((right, True), (wrong, False)):
        document = {**unsigned, "signatures": [signed_part(unsigned, signer)]}
        verdict = await runtime.verify(as_json(document), JSON)
        word = "refused" if believed else "believed"
        bench.expect(
            verdict.ok is believed, seen=f"{when}, a manifest signed by the {signer.name} was {word}: {verdict.reason}"
        )
