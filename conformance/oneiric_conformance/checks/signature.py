"""SIG: a manifest with the package's own entries is believed when it is signed as asked, and in no other case."""

import base64
from collections.abc import Iterable, Sequence
from typing import Any, Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import JSON, Document, as_json, canonical, document_of, offered, sign
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import Trust
from oneiric_conformance.strategies import (
    Change,
    Damage,
    Spelling,
    changed_documents,
    damaged,
    lax_spellings,
    nasty_changes,
    nasty_damage,
    nasty_spellings,
)
from oneiric_core.testing import PUBLISHER, SECOND_PUBLISHER, STRANGER, KeyPair

__all__: list[str] = []

_ONE: Final = Trust(keys=(PUBLISHER.public,))
_TWO_OF_TWO: Final = Trust(keys=(PUBLISHER.public, SECOND_PUBLISHER.public), threshold=2)
_UNBELIEVED: Final = frozenset({"SignatureError"})
_MALFORMED: Final = frozenset({"SignatureError", "ManifestError"})
"""A signature field that is not even of the right type may be refused as such."""


def _unsigned(bench: Bench) -> Document:
    return document_of(offered(bench.package.subjects))


def _believed(bench: Bench, document: Document, trust: Trust = _ONE) -> None:
    """Both ways in accept the document: asking whether it may be believed, and applying it."""
    for way, ok, kind, reason in _asked(bench, document, trust):
        bench.expect(ok, seen=f"{way} refused it with {kind}: {reason}", expected="accepted")


def _refused(
    bench: Bench, document: Document, told: str, trust: Trust = _ONE, kinds: frozenset[str] = _UNBELIEVED
) -> None:
    for way, ok, kind, _ in _asked(bench, document, trust):
        expected = f"refused with {' or '.join(sorted(kinds))}"
        bench.expect(not ok, seen=f"{way} accepted a manifest with {told}", expected=expected, example=told)
        bench.expect(kind in kinds, seen=f"{way} refused {told} as {kind}", expected=expected, example=told)


def _asked(bench: Bench, document: Document, trust: Trust) -> list[tuple[str, bool, str, str]]:
    """Ask a fresh runtime both ways: the way in, whether it said yes, the kind and the reason of a refusal."""
    written = as_json(document)

    async def ask() -> list[tuple[str, bool, str, str]]:
        async with bench.runtime(trust=trust) as runtime:
            verdict = await runtime.verify(written, JSON)
            outcome = await runtime.sync(written, JSON)
            return [
                ("verify", verdict.ok, verdict.kind, verdict.reason),
                ("sync", outcome.ok, outcome.kind, outcome.reason),
            ]

    return bench.run(ask())


def _part(document: Document, signer: KeyPair, key_id: str | None = None) -> dict[str, str]:
    """One item of ``signatures``."""
    text = base64.b64encode(signer.sign(canonical(document))).decode("ascii")
    return {"signature": text, "algorithm": "ed25519", "key_id": signer.name if key_id is None else key_id}


def _each_refused(
    bench: Bench,
    attempts: Iterable[tuple[str, Document]],
    trust: Trust = _ONE,
    kinds: frozenset[str] = _UNBELIEVED,
) -> None:
    for told, document in attempts:
        _refused(bench, document, told, trust, kinds)
        bench.exercised()


@check("SIG-001", judges="runtime", level="must", since="2026.1", floor=16)
def any_change_is_refused(bench: Bench) -> None:
    """A signed manifest in which any value, key, piece of structure or entry was changed is refused.

    Troubleshooting: a signature that covers only known fields, only the entries, or a model's view of the document
    instead of the document as it was parsed.
    """
    signed = sign(_unsigned(bench))
    with bench.control("unchanged, it is accepted"):
        _believed(bench, signed)

    def refused(change: Change) -> None:
        _refused(bench, change.document, f"a change: {change.told}")

    bench.for_all(changed_documents(signed), refused, nasty=nasty_changes(signed), show=lambda change: change.told)


@check("SIG-002", judges="runtime", level="must", since="2026.1", floor=12)
def a_damaged_signature_is_refused(bench: Bench) -> None:
    """A manifest whose signature has any bit flipped, or is cut, lengthened or rearranged, is refused.

    Troubleshooting: a comparison that stops at the shorter of two texts, a prefix taken for the whole, or a signature
    that is looked up and not verified.
    """
    unsigned = _unsigned(bench)
    signed = sign(unsigned)
    with bench.control("undamaged, it is accepted"):
        _believed(bench, signed)
    raw = PUBLISHER.sign(canonical(unsigned))

    def refused(damage: Damage) -> None:
        text = base64.b64encode(damage.data).decode("ascii")
        _refused(bench, {**signed, "signature": text}, f"a signature with {damage.told}", kinds=_MALFORMED)

    bench.for_all(damaged(raw), refused, nasty=nasty_damage(raw), show=lambda damage: damage.told)


@check("SIG-003", judges="runtime", level="must", since="2026.1", floor=5)
def a_strangers_signature_is_refused(bench: Bench) -> None:
    """A manifest signed by a key that is not trusted is refused, whatever the manifest says about that key.

    Troubleshooting: a key taken from the manifest itself, or chosen by its key_id; only the keys that the operator
    configured may verify anything.
    """
    unsigned = _unsigned(bench)
    with bench.control("signed by the trusted key, it is accepted"):
        _believed(bench, sign(unsigned))
    with bench.control("with a stranger's signature beside the trusted one, it is accepted"):
        _believed(bench, {**unsigned, "signatures": [_part(unsigned, STRANGER), _part(unsigned, PUBLISHER)]})
    key = base64.b64encode(STRANGER.public).decode("ascii")
    bringing = {**unsigned, "public_key": key, "keys": {"publisher": key}}
    attempts = [
        ("a stranger's signature", sign(unsigned, STRANGER)),
        ("a stranger's signature in a list", {**unsigned, "signatures": [_part(unsigned, STRANGER)]}),
        (
            "a stranger's signature under the trusted key's id",
            {**unsigned, "signatures": [_part(unsigned, STRANGER, PUBLISHER.name)]},
        ),
        ("a stranger's signature and the stranger's key", sign(bringing, STRANGER)),
        (
            "a stranger's signature that brings its key",
            {**unsigned, "signatures": [{**_part(unsigned, STRANGER), "public_key": key}]},
        ),
        ("signatures by two strangers", sign(unsigned, STRANGER, SECOND_PUBLISHER)),
    ]
    _each_refused(bench, attempts)


@check("SIG-004", judges="runtime", level="must", since="2026.1", floor=6)
def no_signature_is_refused(bench: Bench) -> None:
    """A manifest without a signature is refused, however it says that it has none.

    Troubleshooting: code that verifies a signature if there is one; what is not signed must fall out first.
    """
    unsigned = _unsigned(bench)
    with bench.control("signed, it is accepted"):
        _believed(bench, sign(unsigned))
    forms: Sequence[tuple[str, dict[str, Any]]] = (
        ("no signature field", {}),
        ("an empty signature", {"signature": "", "signature_algorithm": "ed25519"}),
        ("null for a signature", {"signature": None, "signature_algorithm": "ed25519"}),
        ("an algorithm but no signature", {"signature_algorithm": "ed25519"}),
        ("the algorithm none", {"signature": "", "signature_algorithm": "none"}),
        ("an empty list of signatures", {"signatures": []}),
        ("an empty object as a signature", {"signatures": [{}]}),
        ("a list of empty signatures", {"signatures": [{"signature": "", "algorithm": "ed25519"}]}),
        ("false for a signature", {"signature": False}),
    )
    _each_refused(bench, [(told, {**unsigned, **form}) for told, form in forms], kinds=_MALFORMED)


@check("SIG-006", judges="runtime", level="must", since="2026.1", floor=6)
def a_threshold_counts_keys(bench: Bench) -> None:
    """Where two keys have to sign, one key that signs repeatedly, or under several ids, is refused.

    Troubleshooting: counting signatures or key ids instead of distinct keys.
    """
    unsigned = _unsigned(bench)
    with bench.control("signed by both keys, it is accepted"):
        _believed(bench, sign(unsigned, PUBLISHER, SECOND_PUBLISHER), _TWO_OF_TWO)
    once = _part(unsigned, PUBLISHER)
    flat = sign(unsigned)
    lists: Sequence[tuple[str, list[dict[str, str]]]] = (
        ("one of two signatures", [once]),
        ("one signature twice", [once, once]),
        ("one signature a hundred times", [once] * 100),
        ("one key under two ids", [_part(unsigned, PUBLISHER, "first"), _part(unsigned, PUBLISHER, "second")]),
        ("one key under the other's id", [once, _part(unsigned, PUBLISHER, SECOND_PUBLISHER.name)]),
        ("one signature with and without its id", [once, {"signature": once["signature"], "algorithm": "ed25519"}]),
        ("a trusted key and a stranger", [once, _part(unsigned, STRANGER, SECOND_PUBLISHER.name)]),
    )
    attempts = [(told, {**unsigned, "signatures": parts}) for told, parts in lists]
    attempts.append(("one signature in both fields", {**flat, "signatures": [once]}))
    _each_refused(bench, attempts, _TWO_OF_TWO)


@check("SIG-007", judges="runtime", level="must", since="2026.1", floor=16)
def lax_base64_is_refused(bench: Bench) -> None:
    """A signature that is not strict base64 of 64 bytes is refused, though a lax decoder would read the right one.

    Troubleshooting: base64.b64decode() without validate=True, and even with it unused bits are let through; decode,
    encode again, and compare.
    """
    unsigned = _with_both_special_characters(_unsigned(bench))
    signed = sign(unsigned)
    with bench.control("in strict base64, it is accepted"):
        _believed(bench, signed)
    raw = PUBLISHER.sign(canonical(unsigned))

    def refused(spelling: Spelling) -> None:
        _refused(bench, {**signed, "signature": spelling.text}, f"base64 with {spelling.told}", kinds=_MALFORMED)

    bench.for_all(lax_spellings(raw), refused, nasty=nasty_spellings(raw), show=lambda spelling: spelling.told)


def _with_both_special_characters(document: Document) -> Document:
    """The document, varied until its signature's base64 has a "+" and a "/", so that alphabets can be told apart."""
    for number in range(1000):
        varied = {**document, "x-note": number}
        text = base64.b64encode(PUBLISHER.sign(canonical(varied)))
        if b"+" in text and b"/" in text:
            return varied
    raise AssertionError("a thousand signatures without + and /: the signer does not sign")
