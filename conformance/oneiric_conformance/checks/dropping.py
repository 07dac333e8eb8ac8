"""HOT: what becomes of a component that a manifest no longer lists."""

from contextlib import suppress
from typing import Final

from oneiric_conformance.abilities import Ability
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import JSON
from oneiric_conformance.handling.offering import (
    can_be_offered,
    entry_for,
    expect_ok,
    manifest,
    offered_stage,
    serves_offered,
)
from oneiric_conformance.handling.staging import Stage
from oneiric_conformance.handling.work import Act, some_work
from oneiric_conformance.judging.findings import Finding
from oneiric_conformance.registry import check

__all__: list[str] = []

_DROPPED: Final = "after a manifest had dropped it"


@check(
    "HOT-006",
    judges="component",
    level="must",
    since="2026.1",
    floor=2,
    applies=can_be_offered,
    needs=[Ability.KIT_FACTORIES],
)
def what_a_manifest_drops_is_retired_once(bench: Bench) -> None:
    """A manifest that no longer lists the component retires it: nobody gets it any more, calls in flight end on it, and
    it is cleaned up exactly once, also when the same manifest comes again.

    Troubleshooting: a clean-up that raises or waits for something that a runtime does not do any more once the
    component is off the list.
    """
    with bench.control("a manifest that lists it brings it to work"):
        bench.run(_served(bench))
    for leased in (False, True):
        bench.run(_dropped(bench, leased=leased))
        bench.exercised()


async def _served(bench: Bench) -> None:
    async with offered_stage(bench) as stage:
        await _come(stage)


async def _come(stage: Stage) -> Act:
    await serves_offered(stage, manifest(1, entry_for(stage.bench.subject)))
    act = await some_work(stage.bench, await stage.live())
    await stage.expect_serving(act, "brought by a manifest")
    return act


async def _dropped(bench: Bench, *, leased: bool) -> None:
    async with offered_stage(bench) as stage:
        act = await _come(stage)
        if leased:
            async with stage.lease() as old:
                await _drop(stage)
                bench.expect(not old.cleanups, seen="it was cleaned up while a call used it", expected="its end first")
                with bench.asking("a call that began before it was dropped"):
                    await act(old)
        else:
            await _drop(stage)
        await _expect_no_reader(stage)
        await stage.expect_gone(None, _DROPPED)
        again = await stage.runtime.sync(manifest(2), JSON)
        expect_ok(bench, again, "the same manifest again")
        made = len(stage.witness.seen)
        bench.expect(made == 1, seen=f"{_DROPPED}, there were {made} instances", expected="no other one")
        await stage.expect_gone(None, "after the same manifest came again")


async def _drop(stage: Stage) -> None:
    outcome = await stage.runtime.sync(manifest(2), JSON)
    expect_ok(stage.bench, outcome, "a manifest that drops it")
    retired = ", ".join(outcome.retired) or "nothing"
    listed = outcome.retired == (stage.bench.subject.id,)
    stage.bench.expect(listed, seen=f"the sync says that it retired {retired}", expected=stage.bench.subject.id)


async def _expect_no_reader(stage: Stage) -> None:
    found: object = None
    with suppress(Finding):
        found = await stage.live()
    stage.bench.expect(found is None, seen=f"{_DROPPED}, readers still get it", expected="nothing any more")
    provider = (await stage.status()).provider
    stage.bench.expect(not provider, seen=f"{_DROPPED}, the status still says {provider}", expected="no provider")
