"""The subject as a manifest brings it: by a factory of the kit's own, which makes it inside a witness.

A manifest names its factories by import path. This one leads to :func:`made`, which asks whoever is offering just now.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import Document, as_json, document_of, has_plain_names, sign
from oneiric_conformance.handling.staging import Stage
from oneiric_conformance.runtime import Limits, Verdict
from oneiric_conformance.subject import Subject
from oneiric_core.testing import make_settings

__all__ = [
    "FACTORY",
    "can_be_offered",
    "entry_for",
    "expect_ok",
    "made",
    "manifest",
    "offered_stage",
    "offering",
    "serves_offered",
]

FACTORY: Final = f"{__name__}:made"

_makers: list[Callable[[], Awaitable[object]]] = []


async def made() -> object:
    """An instance by whoever is offering; the factory that manifests name."""
    return await _makers[-1]()


@contextmanager
def offering(make: Callable[[], Awaitable[object]]) -> Iterator[None]:
    """While the block lasts, :data:`FACTORY` makes what ``make`` makes."""
    _makers.append(make)
    try:
        yield
    finally:
        _makers.remove(make)


def can_be_offered(subject: Subject) -> str:
    """Why it cannot stand in a manifest, by whatever factory; empty if it can."""
    return "" if has_plain_names(subject) else "its name is not one a manifest can hold"


def entry_for(subject: Subject, **fields: Any) -> Document:
    """The entry that offers the subject by the kit's factory, with ``fields``.

    Nothing else that it declares: what is wrong with that is for other checks to say.
    """
    names = {"domain": subject.domain, "key": subject.key, "provider": subject.provider}
    blocking = {"metadata": {"blocking": True}} if subject.metadata.get("blocking") is True else {}
    return {**names, "factory": FACTORY, **blocking, **fields}


def manifest(number: int, *entries: Mapping[str, Any], **fields: Any) -> bytes:
    """A signed manifest with that sequence number, as JSON."""
    return as_json(sign(document_of(entries, sequence_number=number, **fields)))


@asynccontextmanager
async def offered_stage(
    bench: Bench, limits: Limits | None = None, workdir: Path | None = None
) -> AsyncIterator[Stage]:
    """A stage on which manifests can bring the subject; nothing is active yet."""
    with bench.sandbox() as box:
        async with bench.runtime(limits, workdir=workdir) as runtime:
            stage = Stage(bench, runtime, box, limits or bench.limits)
            settings = make_settings(bench.subject.settings_model, bench.settings(box))
            with offering(partial(stage.witness, settings)):
                yield stage


async def serves_offered(stage: Stage, document: bytes) -> None:
    """Apply a manifest that brings the subject, and activate it."""
    expect_ok(stage.bench, await stage.runtime.sync(document, "application/json"), "a manifest that brings it")
    verdict = await stage.runtime.activate(stage.domain, stage.key, stage.provider)
    expect_ok(stage.bench, verdict, "activating what a manifest brought")


def expect_ok(bench: Bench, verdict: Verdict, what: str) -> None:
    bench.expect(verdict.ok, seen=f"{what} was refused with {verdict.kind}: {verdict.reason}", expected="accepted")
