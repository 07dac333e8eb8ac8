"""SIG: a manifest that is signed as asked, and is too old, repeats a number, or speaks for somebody else."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

from oneiric_conformance.handling.believing import (
    ONE,
    Question,
    asking_again,
    expect_believed,
    expect_each_refused,
    unsigned_of,
)
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import JSON, SOURCE, Document, as_json, sign
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import Trust
from oneiric_core.testing import PUBLISHER

__all__: list[str] = []

_EXPIRED: Final = frozenset({"ExpiredError"})
_ELSEWHERE: Final = frozenset({"TrustError"})
_NAMELESS: Final = frozenset({"TrustError", "ManifestError"})
_LONG_AGO: Final = {"signed_at": "2019-01-01T00:00:00+00:00", "expires_at": "2020-01-01T00:00:00+00:00"}
_ANOTHER: Final = "https://elsewhere.invalid/manifest"


@check("SIG-008", judges="runtime", level="must", since="2026.1", floor=6)
def what_is_not_of_today_is_refused(bench: Bench) -> None:
    """A manifest that has expired, or says that it was signed in the future, is refused.

    Troubleshooting: times compared as text, a time without a zone read as local time, an expiry that is looked at only
    when the manifest is fetched, or a future signature that makes one valid for ever.
    """
    unsigned = unsigned_of(bench)
    with bench.control("signed some time ago and not yet expired, it is accepted"):
        expect_believed(bench, sign(unsigned))
        expect_believed(bench, sign({**unsigned, "expires_at": "2999-01-01T00:00:00+14:00"}))
    moments: Sequence[tuple[str, dict[str, str]]] = (
        ("an expiry long ago", _LONG_AGO),
        ("an expiry long ago, and no time of signing", {"expires_at": _LONG_AGO["expires_at"]}),
        ("an expiry long ago in Z", {**_LONG_AGO, "expires_at": "2020-01-01T00:00:00Z"}),
        ("an expiry long ago in another zone", {**_LONG_AGO, "expires_at": "2020-01-01T00:00:00-12:00"}),
        ("an expiry long ago without a zone", {**_LONG_AGO, "expires_at": "2020-01-01T00:00:00"}),
        ("an expiry before its signing", {"signed_at": "2026-01-01T00:00:00Z", "expires_at": "2025-01-01T00:00:00Z"}),
        ("a signing in the future", {"signed_at": "2998-01-01T00:00:00+00:00"}),
        ("a signing in the future, in another zone", {"signed_at": "2998-01-01T00:00:00+14:00"}),
    )
    expect_each_refused(bench, [(told, sign({**unsigned, **fields})) for told, fields in moments], kinds=_EXPIRED)


@check("SIG-009", judges="runtime", level="must", since="2026.1", floor=8)
def an_older_number_is_refused(bench: Bench) -> None:
    """Once a manifest was seen, an older sequence number is refused, and so is the same one with other bytes; a newer
    one is still accepted.

    It is remembered over a restart, and it counts as seen as soon as its signature was verified.

    Troubleshooting: numbers that are kept in memory only, written after the manifest was applied instead of before, or
    compared with "less than" where "other bytes" has to be asked as well.
    """
    fifth = sign({**unsigned_of(bench), "sequence_number": 5})
    with bench.control("newer ones, and the same one again, are accepted"):
        bench.run(_accepts_newer(bench, fifth))
    stale = sign({**unsigned_of(bench), "sequence_number": 5, **_LONG_AGO})
    attempts: Sequence[tuple[str, Document, dict[str, Any], str]] = (
        ("an older number", fifth, {"sequence_number": 4}, "RollbackError"),
        ("the number 0", fifth, {"sequence_number": 0}, "RollbackError"),
        ("no number", fifth, {"sequence_number": None}, "RollbackError"),
        ("the same number and other bytes", fifth, {"sequence_number": 5, "x-note": 1}, "EquivocationError"),
        ("a number older than one that had expired", stale, {"sequence_number": 4}, "RollbackError"),
    )
    for restarted, (told, seen, fields, kind) in bench.each(product((False, True), attempts)):
        bench.run(_remembers(bench, seen, fields, told + " after a restart" * restarted, kind, restarted=restarted))
        bench.exercised()


async def _accepts_newer(bench: Bench, fifth: Document) -> None:
    with bench.sandbox() as box:
        async with bench.runtime(workdir=box.path) as runtime:
            sixth = sign({**_content(fifth), "sequence_number": 6})
            given: list[bytes] = []
            for document in (fifth, fifth, sixth, sixth):
                with asking_again(bench, Question(as_json(document), bench.trust, before=tuple(given))):
                    await _expect_applied(bench, runtime, document)
                given.append(as_json(document))


async def _remembers(
    bench: Bench, seen: Document, fields: dict[str, Any], told: str, kind: str, *, restarted: bool
) -> None:
    changed = {name: value for name, value in {**_content(seen), **fields}.items() if value is not None}
    fresh = {"signed_at": "2026-01-01T00:00:00+00:00", "expires_at": "2999-01-01T00:00:00+00:00"}
    other, newer = sign({**changed, **fresh}), sign({**_content(seen), **fresh, "sequence_number": 7})
    question = Question(as_json(other), bench.trust, frozenset({kind}), (as_json(seen),), restarted)
    before = (as_json(seen), as_json(other))
    with bench.sandbox() as box:
        async with bench.runtime(workdir=box.path) as runtime:
            await runtime.sync(as_json(seen), JSON)
            if not restarted:
                with asking_again(bench, question):
                    await _expect_kind(bench, runtime, other, told, kind)
        async with bench.runtime(workdir=box.path) as runtime:
            if restarted:
                with asking_again(bench, question):
                    await _expect_kind(bench, runtime, other, told, kind)
            with asking_again(bench, Question(as_json(newer), bench.trust, before=before, restarted=True)):
                await _expect_applied(bench, runtime, newer)


def _content(document: Document) -> Document:
    return {name: value for name, value in document.items() if not name.startswith("signature")}


async def _expect_applied(bench: Bench, runtime: Any, document: Document) -> None:
    outcome = await runtime.sync(as_json(document), JSON)
    number = document["sequence_number"]
    bench.expect(outcome.ok, seen=f"number {number} was refused with {outcome.kind}: {outcome.reason}")


async def _expect_kind(bench: Bench, runtime: Any, document: Document, told: str, kind: str) -> None:
    outcome = await runtime.sync(as_json(document), JSON)
    expected = f"refused with {kind}"
    bench.expect(not outcome.ok, seen=f"after number 5, {told} was accepted", expected=expected, example=told)
    bench.expect(outcome.kind == kind, seen=f"{told} was refused as {outcome.kind}", expected=expected, example=told)


@check("SIG-010", judges="runtime", level="must", since="2026.1", floor=8)
def another_source_is_refused(bench: Bench) -> None:
    """A manifest for another source is refused, be it one that the policy does not name or another than the first one
    from that place.

    Troubleshooting: a source that is not looked at because the signature is good (one publisher signs for many), names
    that are compared by their beginning or without regard to case, or a first source that a restart forgets.
    """
    unsigned = unsigned_of(bench)
    named = Trust(keys=(PUBLISHER.public,), source=SOURCE)
    with bench.control("for the source that is expected, it is accepted"):
        expect_believed(bench, sign(unsigned), named)
        expect_believed(bench, sign({**unsigned, "source": _ANOTHER}), Trust(keys=named.keys, source=_ANOTHER))
    others = (_ANOTHER, f"{SOURCE}/", SOURCE.upper(), SOURCE[:-1], f"{SOURCE} ", f"{SOURCE}\x00")
    attempts = [(f"the source {other!r}", sign({**unsigned, "source": other})) for other in others]
    expect_each_refused(bench, attempts, named, _ELSEWHERE)
    nameless = {name: value for name, value in unsigned.items() if name != "source"}
    expect_each_refused(
        bench, [("no source", sign(nameless)), ("an empty source", sign({**unsigned, "source": ""}))], named, _NAMELESS
    )
    for restarted in (False, True):
        bench.run(_pins(bench, unsigned, restarted=restarted))
        bench.exercised()


async def _pins(bench: Bench, unsigned: Document, *, restarted: bool) -> None:
    """The first source of a place stays the only one."""
    with bench.sandbox() as box:
        async with bench.runtime(trust=ONE, workdir=box.path) as runtime:
            with asking_again(bench, Question(as_json(sign(unsigned)), ONE)):
                await _expect_applied(bench, runtime, sign(unsigned))
            if not restarted:
                await _expect_pinned(bench, runtime, unsigned, "")
        if restarted:
            await _after_restart(bench, unsigned, box.path)


async def _after_restart(bench: Bench, unsigned: Document, place: Path) -> None:
    async with bench.runtime(trust=ONE, workdir=place) as runtime:
        await _expect_pinned(bench, runtime, unsigned, " after a restart")


async def _expect_pinned(bench: Bench, runtime: Any, unsigned: Document, when: str) -> None:
    other = sign({**unsigned, "source": _ANOTHER, "sequence_number": 2})
    first = as_json(sign(unsigned))
    told = f"another source than the first one{when}"
    with asking_again(bench, Question(as_json(other), ONE, _ELSEWHERE, (first,), bool(when))):
        outcome = await runtime.sync(as_json(other), JSON)
        bench.expect(not outcome.ok, seen=f"it accepted {told}", expected="refused with TrustError", example=told)
        bench.expect(outcome.kind == "TrustError", seen=f"{told} was refused as {outcome.kind}", expected="TrustError")
    third = sign({**unsigned, "sequence_number": 3})
    with asking_again(bench, Question(as_json(third), ONE, before=(first, as_json(other)), restarted=bool(when))):
        await _expect_applied(bench, runtime, third)
