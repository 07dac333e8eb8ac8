"""SIG: what is refused does not reach the component that is at work."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

from oneiric_conformance.abilities import Ability
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import JSON, SOURCE, Document
from oneiric_conformance.handling.offering import can_be_offered, entry_for, manifest, offered_stage, serves_offered
from oneiric_conformance.handling.staging import Stage
from oneiric_conformance.handling.work import Act, some_work
from oneiric_conformance.registry import check
from oneiric_core.testing import BadManifest, bad_manifest

__all__: list[str] = []

_FLOOR: Final = 20


@check(
    "SIG-013",
    judges="component",
    level="must",
    since="2026.1",
    floor=_FLOOR,
    applies=can_be_offered,
    needs=[Ability.KIT_FACTORIES],
)
def what_is_refused_is_not_noticed(bench: Bench) -> None:
    """Whatever manifests are refused, one after the other, the live component does not notice: it is the same instance,
    no hook of it is called, its status is unchanged, and it answers calls throughout.

    Troubleshooting: state that a second instance takes from the first (see HOT-004), if a refused candidate was built;
    else a runtime that prepares what it has not believed yet.
    """
    with bench.control("a manifest that is accepted builds it anew"):
        bench.run(_accepted(bench))
    bench.run(_undisturbed(bench))


async def _accepted(bench: Bench) -> None:
    async with offered_stage(bench) as stage:
        await serves_offered(stage, manifest(2, entry_for(bench.subject)))
        live = await stage.live()
        outcome = await stage.runtime.sync(manifest(3, _changed(bench)), JSON)
        bench.expect(outcome.ok, seen=f"it was refused with {outcome.kind}: {outcome.reason}", expected="accepted")
        now = await stage.live()
        bench.expect(now is not live, seen="a manifest that changes it was accepted, and it is as before")


def _changed(bench: Bench) -> Document:
    """The same component, so that a runtime that believed it would have to build it anew."""
    return entry_for(bench.subject, owner="somebody else", priority=1000)


async def _undisturbed(bench: Bench) -> None:
    async with offered_stage(bench) as stage:
        await serves_offered(stage, manifest(2, entry_for(bench.subject)))
        act = await some_work(bench, await stage.live())
        for told, document in bench.each(_attempts(bench)):
            await _refuse(stage, act, told, document)
            bench.exercised()
        await stage.expect_serving(act, "after all of them were refused")


def _attempts(bench: Bench) -> Iterator[tuple[str, bytes]]:
    entry = _changed(bench)
    for kind in BadManifest:
        if kind.threshold == 1:
            yield kind.value, bad_manifest(kind, [entry], source=SOURCE, sequence_number=3)
    yield "an older number", manifest(1, entry)
    yield "the same number and other bytes", manifest(2, entry)
    yield "another source", manifest(3, entry, source="https://elsewhere.invalid/manifest")
    yield "no JSON at all", b"\x00{"
    yield "half of it", manifest(3, entry)[:200]


async def _refuse(stage: Stage, act: Act, told: str, document: bytes) -> None:
    bench, live, before = stage.bench, await stage.live(), await stage.status()
    hooks, made = len(live.hooks), len(stage.witness.seen)
    outcome = await stage.runtime.sync(document, JSON)
    bench.expect(not outcome.ok, seen=f"a manifest with {told} was accepted", expected="a refusal", example=told)
    called, now = live.hooks[hooks:], await stage.live()
    seen = f"a manifest with {told} was refused, and "
    bench.expect(now is live, seen=f"{seen}readers get another instance", expected="the same one", example=told)
    bench.expect(not called, seen=f"{seen}{', '.join(called)} was called", expected="no hook called", example=told)
    built = len(stage.witness.seen) - made
    bench.expect(not built, seen=f"{seen}an instance was built for it", expected="nothing built", example=told)
    await _expect_same(stage, before, seen)
    with bench.asking(f"{seen}work beside it"):
        await asyncio.gather(stage.runtime.sync(document, JSON), act(live))
    await _expect_same(stage, before, seen)


async def _expect_same(stage: Stage, before: Any, seen: str) -> None:
    after = await stage.status()
    kept = (after.provider, after.generation, after.state) == (before.provider, before.generation, before.state)
    was = f"{before.provider}, generation {before.generation}, {before.state}"
    now = f"{after.provider}, generation {after.generation}, {after.state}"
    stage.bench.expect(kept, seen=f"{seen}the status went from {was} to {now}", expected="the same status")
