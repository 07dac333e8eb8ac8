"""Asking a runtime whether it believes a manifest, in each of the two ways there are."""

import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import JSON, Document, as_json, canonical, document_of, offered
from oneiric_conformance.runtime import Trust
from oneiric_core.testing import PUBLISHER, SECOND_PUBLISHER, KeyPair

__all__ = [
    "MALFORMED",
    "ONE",
    "TWO_OF_TWO",
    "UNBELIEVED",
    "Question",
    "asked",
    "asking_again",
    "expect_believed",
    "expect_each_refused",
    "expect_refused",
    "signed_part",
    "unsigned_of",
]

ONE: Final = Trust(keys=(PUBLISHER.public,))
TWO_OF_TWO: Final = Trust(keys=(PUBLISHER.public, SECOND_PUBLISHER.public), threshold=2)
UNBELIEVED: Final = frozenset({"SignatureError"})
MALFORMED: Final = frozenset({"SignatureError", "ManifestError"})
"""A signature field that is not even of the right type may be refused as such."""


@dataclass(frozen=True, slots=True)
class Question:
    """A manifest as a runtime is given it, so that a script can ask again.

    :param kinds: the errors as one of which it has to be refused; none if it has to be accepted.
    :param before: manifests (JSON) that a runtime in the same place was given first.
    :param restarted: whether that was another one, which is stopped by then.
    """

    document: bytes
    trust: Trust
    kinds: frozenset[str] = frozenset()
    before: tuple[bytes, ...] = ()
    restarted: bool = False
    media_type: str = JSON


@contextmanager
def asking_again(bench: Bench, question: Question) -> Iterator[None]:
    """What fails inside of the block is the answer to this question."""
    bench.tally.question = question
    yield
    bench.tally.question = None  # and not where it failed: the script is written of what stands here then


def unsigned_of(bench: Bench) -> Document:
    """A manifest of the package's components that nobody has signed."""
    return document_of(offered(bench.package.subjects))


def expect_believed(bench: Bench, document: Document, trust: Trust = ONE, told: str = "it") -> None:
    """Both ways in accept the document: asking whether it may be believed, and applying it."""
    with asking_again(bench, Question(as_json(document), trust)):
        for way, ok, kind, reason in asked(bench, document, trust):
            bench.expect(ok, seen=f"{way} refused {told} with {kind}: {reason}", expected="accepted")


def expect_refused(
    bench: Bench, document: Document, told: str, trust: Trust = ONE, kinds: frozenset[str] = UNBELIEVED
) -> None:
    """Both ways in refuse a document with what is ``told``, as an error of one of these kinds."""
    with asking_again(bench, Question(as_json(document), trust, kinds)):
        for way, ok, kind, _ in asked(bench, document, trust):
            expected = f"refused with {' or '.join(sorted(kinds))}"
            bench.expect(not ok, seen=f"{way} accepted a manifest with {told}", expected=expected, example=told)
            bench.expect(kind in kinds, seen=f"{way} refused {told} as {kind}", expected=expected, example=told)


def asked(bench: Bench, document: Document, trust: Trust) -> list[tuple[str, bool, str, str]]:
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


def signed_part(document: Document, signer: KeyPair, key_id: str | None = None) -> dict[str, str]:
    """One item of ``signatures``."""
    text = base64.b64encode(signer.sign(canonical(document))).decode("ascii")
    return {"signature": text, "algorithm": "ed25519", "key_id": signer.name if key_id is None else key_id}


def expect_each_refused(
    bench: Bench,
    attempts: Iterable[tuple[str, Document]],
    trust: Trust = ONE,
    kinds: frozenset[str] = UNBELIEVED,
) -> None:
    """:func:`expect_refused` of each, which counts as a case."""
    for told, document in bench.each(attempts):
        expect_refused(bench, document, told, trust, kinds)
        bench.exercised()
