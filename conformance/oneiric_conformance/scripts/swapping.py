"""A component that is replaced by a runtime while it is in use."""

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from oneiric_conformance.checks.event import _as_event
from oneiric_conformance.checks.hot import _LEISURE, _SECOND
from oneiric_conformance.handling.staging import first_of, until
from oneiric_conformance.handling.witness import Gate, Tracker, Witness
from oneiric_conformance.observing.leaks import wears_out
from oneiric_conformance.runtime import ComponentSpec
from oneiric_conformance.scripts.base import expect
from oneiric_conformance.scripts.hosting import Hosted, activated, hosted
from oneiric_conformance.scripts.lives import exercised, furnished, healthy, kept, put, worked

__all__ = ["hot_001", "hot_003", "hot_005", "hot_008"]

SETTLED = 5.0


@dataclass
class Stage:
    """A runtime with the component live in it; all its instances are in one place, as they are in a real one."""

    component: Hosted
    runtime: Any
    spec: ComponentSpec
    payloads: Any

    async def swap(self, provider: str = "") -> None:
        answer = await self.runtime.swap(self.spec.domain, self.spec.key, provider or self.spec.provider)
        expect(answer.ok, f"the swap was refused: {answer.reason}", "a swap")

    async def live(self) -> Any:
        async with self.runtime.lease(self.spec.domain, self.spec.key) as instance:
            return instance

    async def status(self) -> tuple[str, int]:
        status = await self.runtime.status(self.spec.domain, self.spec.key)
        return status.provider, status.generation

    async def successor(self, old: Any, swap: "asyncio.Future[None]") -> Any:
        """What readers get instead of the old one, which the runtime has had time to let go of."""
        new = old
        for _ in range(1000):
            new = await self.live()
            if new is not old or swap.done():
                break
            await asyncio.sleep(0.005)
        expect(new is not old, "the swap was not published while the old one was in use", "at once")
        await asyncio.wait({swap}, timeout=_LEISURE)
        return new

    async def serves(self, when: str, clears: bool = False) -> Any:
        async with self.runtime.lease(self.spec.domain, self.spec.key) as instance:
            await healthy(self.component, instance, when)
            await worked(self.component, instance, self.payloads, clears)
            return instance


@asynccontextmanager
async def staged(component: Hosted, factory: Any, payloads: Any) -> AsyncIterator[Stage]:
    async with hosted(component.runtime, component.limits) as runtime:
        spec = component.spec(factory, furnished(component), retry_policy=None)
        await activated(runtime, spec)
        yield Stage(component, runtime, spec, payloads)


async def gone(witness: Witness, live: Any) -> None:
    await until(lambda: all(each.cleanups for each in witness.left(live)), SETTLED)
    left = [each.cleanups for each in witness.left(live)]
    expect(not left, f"former instances were cleaned up {left} times", "each exactly once")


async def hot_001(component: Hosted, example: Any, payloads: Any) -> None:
    """Until the new instance is healthy readers get the old one, then the new one, and never one that is closed."""
    del example
    witness = Witness(component.factory, component.verb)
    async with staged(component, witness, payloads) as stage:
        for _ in range(3):
            old, before = await stage.live(), await stage.status()
            gate = witness.health_gate = Gate()
            swap = asyncio.ensure_future(stage.swap())
            try:
                await first_of(gate.arrived.wait(), swap, seconds=SETTLED)
                reader, now = await stage.live(), await stage.status()
                expect(reader is old, "readers got the new one before it was healthy", "the old one until then")
                expect(not old.cleanups, "the old one was cleaned up before the new one was healthy", "one that serves")
                expect(now == before, f"before it was healthy {before} became {now}", "the same until then")
            finally:
                gate.opened.set()
                witness.health_gate = None
                await asyncio.wait({swap}, timeout=SETTLED)
            await swap
            expect(gate.arrived.is_set(), "the new one was never asked for its health", "health first")
            new, now = await stage.serves("after a swap"), await stage.status()
            expect(new is not old, "after a swap readers got the old one", "the new one")
            expect(now == (before[0], before[1] + 1), f"a swap made {now} of {before}", "one generation more")
            await gone(witness, new)
            await stage.serves("after the old one was cleaned up")


async def hot_003(component: Hosted, example: Any, payloads: Any) -> None:
    """A call that is under way ends on the instance it began on, undisturbed; clean-up waits for it."""
    del example
    witness = Witness(component.factory, component.verb)
    async with staged(component, witness, payloads) as stage:
        for _ in range(2):
            async with stage.runtime.lease(component.domain, component.key) as old:
                await put(component, old, "aside")
                swap = asyncio.ensure_future(stage.swap())
                new = await stage.successor(old, swap)
                expect(not old.cleanups, "an instance was cleaned up while it was leased", "clean-up after that")
                await worked(component, old, payloads)
                await kept(component, {"aside": old})
                await healthy(component, old, "replaced, and still in use")
            await swap
            await gone(witness, new)
        if component.verb:
            await swapped_during_call(stage, witness, payloads)


async def swapped_during_call(stage: Stage, witness: Witness, payloads: Any) -> None:
    old, given = await stage.live(), copy.deepcopy(next(iter(payloads), None))
    if stage.component.takes_events:
        given = _as_event(stage.component.given(given))
    gate = witness.work_gate = Gate()
    call = asyncio.ensure_future(stage.runtime.call(stage.spec.domain, stage.spec.key, given))
    await first_of(gate.arrived.wait(), call, seconds=SETTLED)
    began, swap = old.calls, asyncio.ensure_future(stage.swap())
    try:
        new = await stage.successor(old, swap)
        expect(not began or not old.cleanups, "an instance was cleaned up while a call used it", "clean-up after that")
    finally:
        gate.opened.set()
        witness.work_gate = None
        await asyncio.wait({call, swap}, timeout=SETTLED)
    expect(call.done(), "a call that began before the swap never ended", "its end")
    call.exception()
    expect(not began or not new.calls, "a call that began on the old one went to the new one as well", "one of them")


async def hot_005(component: Hosted, example: Any, payloads: Any) -> None:
    """However often it is swapped, nothing grows, and old instances are let go."""
    del example
    tracker = Tracker(component.factory)
    async with staged(component, tracker, payloads) as stage:

        async def swap() -> None:
            await stage.swap()
            await exercised(component, await stage.serves("after a swap", clears=True))

        await swap()
        before = tracker.alive()
        more = await wears_out(swap, 10)
        expect(not more, f"10 swaps left {', '.join(more[:3])}", "as much as before")
        await until(lambda: tracker.alive() <= before, SETTLED)
        alive = tracker.alive()
        expect(alive <= before, f"of {tracker.made} instances {alive} are still kept alive", f"{before}, as before")


async def hot_008(component: Hosted, example: Any, payloads: Any) -> None:
    """After a swap to another provider the former one can be swapped in again, and the other way round."""
    del example
    witness = Witness(component.factory, component.verb)
    async with staged(component, witness, payloads) as stage:
        await stage.runtime.register(replace(stage.spec, provider=_SECOND))
        for provider in (_SECOND, component.provider, _SECOND, component.provider):
            _, generation = await stage.status()
            await stage.swap(provider)
            live, now = await stage.serves(f"after the swap to {provider}"), await stage.status()
            expect(now == (provider, generation + 1), f"the status says {now}", f"{provider}, {generation + 1}")
            await gone(witness, live)
            await stage.serves("after the former one was cleaned up")
