"""SIG: a manifest with the package's own entries is believed when it is signed as asked, and in no other case."""

import base64
from collections.abc import Sequence
from typing import Any

from oneiric_conformance.handling.believing import (
    MALFORMED,
    TWO_OF_TWO,
    expect_believed,
    expect_each_refused,
    expect_refused,
    signed_part,
    unsigned_of,
)
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import Document, canonical, sign
from oneiric_conformance.registry import check
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
from oneiric_core.testing import PUBLISHER, SECOND_PUBLISHER, STRANGER

__all__: list[str] = []


@check("SIG-001", judges="runtime", level="must", since="2026.1", floor=16)
def any_change_is_refused(bench: Bench) -> None:
    """A signed manifest in which any value, key, piece of structure or entry was changed is refused.

    Troubleshooting: a signature that covers only known fields, only the entries, or a model's view of the document
    instead of the document as it was parsed.
    """
    signed = sign(unsigned_of(bench))
    with bench.control("unchanged, it is accepted"):
        expect_believed(bench, signed)

    def refused(change: Change) -> None:
        expect_refused(bench, change.document, f"a change: {change.told}")

    bench.for_all(changed_documents(signed), refused, nasty=nasty_changes(signed), show=lambda change: change.told)


@check("SIG-002", judges="runtime", level="must", since="2026.1", floor=12)
def a_damaged_signature_is_refused(bench: Bench) -> None:
    """A manifest whose signature has any bit flipped, or is cut, lengthened or rearranged, is refused.

    Troubleshooting: a comparison that stops at the shorter of two texts, a prefix taken for the whole, or a signature
    that is looked up and not verified.
    """
    unsigned = unsigned_of(bench)
    signed = sign(unsigned)
    with bench.control("undamaged, it is accepted"):
        expect_believed(bench, signed)
    raw = PUBLISHER.sign(canonical(unsigned))

    def refused(damage: Damage) -> None:
        text = base64.b64encode(damage.data).decode("ascii")
        expect_refused(bench, {**signed, "signature": text}, f"a signature with {damage.told}", kinds=MALFORMED)

    bench.for_all(damaged(raw), refused, nasty=nasty_damage(raw), show=lambda damage: damage.told)


@check("SIG-003", judges="runtime", level="must", since="2026.1", floor=5)
def a_strangers_signature_is_refused(bench: Bench) -> None:
    """A manifest signed by a key that is not trusted is refused, whatever the manifest says about that key.

    Troubleshooting: a key taken from the manifest itself, or chosen by its key_id; only the keys that the operator
    configured may verify anything.
    """
    unsigned = unsigned_of(bench)
    with bench.control("signed by the trusted key, it is accepted"):
        expect_believed(bench, sign(unsigned))
    with bench.control("with a stranger's signature beside the trusted one, it is accepted"):
        expect_believed(
            bench, {**unsigned, "signatures": [signed_part(unsigned, STRANGER), signed_part(unsigned, PUBLISHER)]}
        )
    key = base64.b64encode(STRANGER.public).decode("ascii")
    bringing = {**unsigned, "public_key": key, "keys": {"publisher": key}}
    attempts = [
        ("a stranger's signature", sign(unsigned, STRANGER)),
        ("a stranger's signature in a list", {**unsigned, "signatures": [signed_part(unsigned, STRANGER)]}),
        (
            "a stranger's signature under the trusted key's id",
            {**unsigned, "signatures": [signed_part(unsigned, STRANGER, PUBLISHER.name)]},
        ),
        ("a stranger's signature and the stranger's key", sign(bringing, STRANGER)),
        (
            "a stranger's signature that brings its key",
            {**unsigned, "signatures": [{**signed_part(unsigned, STRANGER), "public_key": key}]},
        ),
        ("signatures by two strangers", sign(unsigned, STRANGER, SECOND_PUBLISHER)),
    ]
    expect_each_refused(bench, attempts)


@check("SIG-004", judges="runtime", level="must", since="2026.1", floor=6)
def no_signature_is_refused(bench: Bench) -> None:
    """A manifest without a signature is refused, however it says that it has none.

    Troubleshooting: code that verifies a signature if there is one; what is not signed must fall out first.
    """
    unsigned = unsigned_of(bench)
    with bench.control("signed, it is accepted"):
        expect_believed(bench, sign(unsigned))
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
    expect_each_refused(bench, [(told, {**unsigned, **form}) for told, form in forms], kinds=MALFORMED)


@check("SIG-005", judges="runtime", level="must", since="2026.1", floor=8)
def another_algorithm_is_refused(bench: Bench) -> None:
    """A good signature under the name of another algorithm is refused; beside one that counts it does no harm.

    Troubleshooting: a verifier that looks at the bytes and not at what they are said to be, or one that chooses the
    algorithm by the name it finds in the manifest.
    """
    unsigned = unsigned_of(bench)
    once = signed_part(unsigned, PUBLISHER)
    with bench.control("under its own name, it is accepted"):
        expect_believed(bench, {**unsigned, "signatures": [once]})
    signed = sign(unsigned)
    attempts = [
        (f"the algorithm {name!r}", {**signed, "signature_algorithm": name})
        for name in ("rsa-pss-sha256", "ED25519", "ed25519 ", "ed25519ph", "ed448", "hmac-sha256", "", None, 7)
    ]
    listed = [{**once, "algorithm": name} for name in ("ed25519ctx", "Ed25519", "", ["ed25519"])]
    attempts += [
        (f"the algorithm {item['algorithm']!r} in a list", {**unsigned, "signatures": [item]}) for item in listed
    ]
    expect_each_refused(bench, attempts, kinds=MALFORMED)
    beside = {**unsigned, "signatures": [{**once, "algorithm": "ml-dsa-65"}, once]}
    expect_believed(bench, beside, told="the trusted signature beside one of an unknown algorithm")
    bench.exercised()


@check("SIG-006", judges="runtime", level="must", since="2026.1", floor=6)
def a_threshold_counts_keys(bench: Bench) -> None:
    """Where two keys have to sign, one key that signs repeatedly, or under several ids, is refused.

    Troubleshooting: counting signatures or key ids instead of distinct keys.
    """
    unsigned = unsigned_of(bench)
    with bench.control("signed by both keys, it is accepted"):
        expect_believed(bench, sign(unsigned, PUBLISHER, SECOND_PUBLISHER), TWO_OF_TWO)
    once = signed_part(unsigned, PUBLISHER)
    flat = sign(unsigned)
    lists: Sequence[tuple[str, list[dict[str, str]]]] = (
        ("one of two signatures", [once]),
        ("one signature twice", [once, once]),
        ("one signature a hundred times", [once] * 100),
        (
            "one key under two ids",
            [signed_part(unsigned, PUBLISHER, "first"), signed_part(unsigned, PUBLISHER, "second")],
        ),
        ("one key under the other's id", [once, signed_part(unsigned, PUBLISHER, SECOND_PUBLISHER.name)]),
        ("one signature with and without its id", [once, {"signature": once["signature"], "algorithm": "ed25519"}]),
        ("a trusted key and a stranger", [once, signed_part(unsigned, STRANGER, SECOND_PUBLISHER.name)]),
    )
    attempts = [(told, {**unsigned, "signatures": parts}) for told, parts in lists]
    attempts.append(("one signature in both fields", {**flat, "signatures": [once]}))
    expect_each_refused(bench, attempts, TWO_OF_TWO)


@check("SIG-007", judges="runtime", level="must", since="2026.1", floor=16)
def lax_base64_is_refused(bench: Bench) -> None:
    """A signature that is not strict base64 of 64 bytes is refused, though a lax decoder would read the right one.

    Troubleshooting: base64.b64decode() without validate=True, and even with it unused bits are let through; decode,
    encode again, and compare.
    """
    unsigned = _with_both_special_characters(unsigned_of(bench))
    signed = sign(unsigned)
    with bench.control("in strict base64, it is accepted"):
        expect_believed(bench, signed)
    raw = PUBLISHER.sign(canonical(unsigned))

    def refused(spelling: Spelling) -> None:
        expect_refused(bench, {**signed, "signature": spelling.text}, f"base64 with {spelling.told}", kinds=MALFORMED)

    bench.for_all(lax_spellings(raw), refused, nasty=nasty_spellings(raw), show=lambda spelling: spelling.told)


def _with_both_special_characters(document: Document) -> Document:
    """The document, varied until its signature's base64 has a "+" and a "/", so that alphabets can be told apart."""
    for number in range(1000):
        varied = {**document, "x-note": number}
        text = base64.b64encode(PUBLISHER.sign(canonical(varied)))
        if b"+" in text and b"/" in text:
            return varied
    raise AssertionError("a thousand signatures without + and /: the signer does not sign")
