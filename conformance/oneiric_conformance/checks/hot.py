"""HOT: how a component is replaced while it is in use."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.own import OwnWork
from oneiric_conformance.handling.patience import tight_limits, with_time_to_spare
from oneiric_conformance.handling.staging import Stage, first_of, staged, until
from oneiric_conformance.handling.witness import Gate, Tracker, Watched
from oneiric_conformance.handling.work import Act, expect_put_aside, inputs, put_aside
from oneiric_conformance.observing.leaks import wears_out
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import Limits
from oneiric_core import Domain
from oneiric_core.testing import FAULTS, FaultPlan, FaultyFactory, faulty

__all__: list[str] = []

_SWAPS: Final = 3
_CANDIDATE: Final = "conformance-candidate"
_SECOND: Final = "conformance-second"
_LEISURE: Final = 0.01
"""Seconds that a runtime is given to do something it must not do."""


@check("HOT-001", judges="component", level="must", since="2026.1", floor=_SWAPS)
def a_swap_publishes_only_what_is_healthy(bench: Bench) -> None:
    """Until the new instance is healthy readers get the old one, then the new one, and never one that is closed.

    Troubleshooting: a clean-up that closes something the next instance has opened already: a shared file, directory,
    port or class attribute. Old and new live side by side for a while.
    """

    async def judge() -> None:
        async with staged(bench) as (stage, act):
            for _ in range(_SWAPS):
                await _swap_watched(stage, act)
                bench.exercised()

    with bench.control("it is activated and serves"):
        bench.run(_serves(bench))
    bench.run(judge())


async def _serves(bench: Bench) -> None:
    async with staged(bench):
        pass


async def _swap_watched(stage: Stage, act: Act) -> None:
    bench, old, before = stage.bench, await stage.live(), await stage.status()
    gate = stage.witness.health_gate = Gate()
    swap = asyncio.ensure_future(stage.must_swap(stage.provider))
    try:
        await first_of(gate.arrived.wait(), swap, seconds=stage.patience)
        seen = "while the new instance's health() had not answered yet, "
        reader = await stage.live()
        bench.expect(reader is old, seen=f"{seen}readers got the new one", expected="the old instance until then")
        bench.expect(
            not old.cleanups, seen=f"{seen}the old one was cleaned up", expected="a live instance all the time"
        )
        generation = (await stage.status()).generation
        bench.expect(generation == before.generation, seen=f"{seen}the generation was {generation}")
    finally:
        gate.opened.set()
        stage.witness.health_gate = None
        await asyncio.wait({swap}, timeout=stage.patience)
    await swap
    asked = gate.arrived.is_set()
    bench.expect(asked, seen="the new instance was published and never asked for its health", expected="health first")
    new = await stage.expect_serving(act, "after a swap")
    bench.expect(new is not old, seen="after a swap readers got the old instance", expected="the new one")
    generation = (await stage.status()).generation
    grew = generation == before.generation + 1
    bench.expect(grew, seen=f"a swap took the generation from {before.generation} to {generation}", expected="one more")
    await stage.expect_gone(new, "after a swap")
    await stage.expect_serving(act, "after the old instance was cleaned up")


@check("HOT-003", judges="component", level="must", since="2026.1", floor=2)
def a_call_in_flight_ends_on_the_instance_it_began_on(bench: Bench) -> None:
    """A call that is under way when its instance is replaced ends on that instance, undisturbed; clean-up waits for it.

    Troubleshooting: state that belongs to the class or the module instead of the instance, so that the successor's
    ``init()`` takes it away from the one that still works.
    """

    async def judge() -> None:
        async with staged(bench) as (stage, act):
            for _ in range(2):
                await _swap_under_lease(stage, act)
                bench.exercised()
            if stage.witness.verb:
                await _swap_during_call(stage)
                bench.exercised()

    with bench.control("it is activated and serves"):
        bench.run(_serves(bench))
    bench.run(judge())


async def _swap_under_lease(stage: Stage, act: Act) -> None:
    async with stage.lease() as old:
        await put_aside(stage.bench, old)
        swap = asyncio.ensure_future(stage.must_swap(stage.provider))
        new = await _published(stage, old, swap)
        _expect_in_use(stage, old)
        with stage.bench.asking("a call that began before the swap"):
            await act(old)
        await expect_put_aside(stage.bench, old, "while it was still in use, its successor came up")
        healthy = await stage.bench.health(old)
        stage.bench.expect(healthy is True, seen=f"while in use, the replaced instance's health() answers {healthy!r}")
        _expect_in_use(stage, old)
    await swap
    await stage.expect_gone(new, "after the call had ended")


def _expect_in_use(stage: Stage, old: Watched) -> None:
    expected = "clean-up after the last call has ended"
    stage.bench.expect(not old.cleanups, seen="an instance was cleaned up while a call used it", expected=expected)


async def _published(stage: Stage, old: object, swap: "asyncio.Future[None]") -> Any:
    """The successor of ``old``, once readers get it and the runtime has had time to let go of the old one."""
    new = await stage.live()
    deadline = time.monotonic() + stage.patience
    while new is old and time.monotonic() < deadline:
        if swap.done():
            await swap
        await asyncio.sleep(0)
        new = await stage.live()
    stage.bench.expect(new is not old, seen="a swap was not published while a call was under way", expected="at once")
    await asyncio.wait({swap}, timeout=_LEISURE)
    await asyncio.sleep(_LEISURE)
    return new


async def _swap_during_call(stage: Stage) -> None:
    bench, old = stage.bench, await stage.live()
    gate = stage.witness.work_gate = Gate()
    given: Any = next(iter(inputs(bench)), None)
    if stage.domain == Domain.EVENT:
        given = {"topic": given.topic, "payload": given.payload, "headers": given.headers}
    call = asyncio.ensure_future(stage.runtime.call(stage.domain, stage.key, given))
    swap: asyncio.Future[None] | None = None
    try:
        await first_of(gate.arrived.wait(), call, seconds=stage.patience)
        began = old.calls
        swap = asyncio.ensure_future(stage.must_swap(stage.provider))
        new = await _published(stage, old, swap)
        if began:
            _expect_in_use(stage, old)
    finally:
        gate.opened.set()
        stage.witness.work_gate = None
        await asyncio.wait({call, *([] if swap is None else [swap])}, timeout=stage.patience)
    bench.expect(call.done(), seen="a call that began before the swap never ended", expected="its end")
    call.exception()  # a component may refuse this payload; it did so on the instance it began on
    calls = new.calls
    bench.expect(not calls or not began, seen="a call that began on the old instance went to the new one as well")
    await stage.expect_gone(new, "after the call had ended")


@check("HOT-004", judges="component", level="must", since="2026.1", floor=len(FAULTS))
def a_failed_candidate_leaves_the_live_one_serving(bench: Bench) -> None:
    """A candidate that fails in factory, init or health, by error, timeout or cancellation, changes nothing for the
    live one.

    It is the same instance of the same generation, healthy and at work; the reason is recorded, and whatever was built
    is cleaned up exactly once.

    Troubleshooting: state that a second instance takes from the first: a class attribute, a fixed file name, a port, a
    lock; or a clean-up that removes what all instances share.
    """
    with_time_to_spare(tight_limits(bench, bench.run(_lifetime(bench))), lambda limits: _judge_failures(bench, limits))


def _judge_failures(bench: Bench, limits: Limits) -> None:
    async def judge() -> None:
        async with staged(bench, limits) as (stage, act):
            await put_aside(bench, await stage.live())
            for plan in FAULTS:
                await _fails(stage, act, plan)
            for plan in (FaultPlan("factory", "timeout"), FaultPlan("init", "timeout"), FaultPlan("health", "timeout")):
                await _is_cancelled(stage, act, plan)
            await _delivers_late(stage, act)

    with bench.control("a candidate without a fault replaces the live one"):
        bench.run(_replaces(bench, limits))
    bench.run(judge())
    bench.exercised(len(FAULTS))  # not one by one, for what is tried again is tried once


async def _lifetime(bench: Bench) -> float:
    with bench.sandbox() as box:
        began = time.monotonic()
        async with bench.live(box) as instance:
            await bench.health(instance)
    return time.monotonic() - began


async def _replaces(bench: Bench, limits: Limits) -> None:
    async with staged(bench, limits) as (stage, act):
        await stage.offer(_CANDIDATE, stage.witness)
        await stage.must_swap(_CANDIDATE)
        await stage.expect_serving(act, "after a swap to the candidate")


async def _fails(stage: Stage, act: Act, plan: FaultPlan) -> None:
    """The candidate fails by itself, or the runtime runs out of patience with it."""
    factory = faulty(stage.witness, plan.stage, plan.mode)
    await _unchanged(stage, act, factory, lambda: stage.swap(_CANDIDATE), f"a candidate whose {plan}")
    error = (await stage.status()).error
    stage.bench.expect(
        bool(error), seen=f"after a candidate whose {plan}, the status has no error", expected="the reason"
    )


async def _is_cancelled(stage: Stage, act: Act, plan: FaultPlan) -> None:
    """The swap itself is cancelled while the candidate is at the given stage."""
    factory = faulty(stage.witness, plan.stage, plan.mode)

    async def swap() -> str:
        swapping = asyncio.ensure_future(stage.swap(_CANDIDATE))
        await until(lambda: factory.struck > 0 or swapping.done(), stage.patience)
        swapping.cancel()
        await asyncio.wait({swapping}, timeout=stage.patience)
        stage.bench.expect(swapping.done(), seen="a cancelled swap did not end", expected="its end")
        return "cancelled" if swapping.cancelled() else swapping.result()

    await _unchanged(stage, act, factory, swap, f"a swap that was cancelled in {plan.stage}")


async def _delivers_late(stage: Stage, act: Act) -> None:
    """The factory has an instance in hand when its time is up, and returns it all the same."""
    factory = faulty(stage.witness, "factory", "timeout")

    async def late(settings: object = None) -> object:
        instance = await stage.witness(settings)
        try:
            await factory.strike()
        except asyncio.CancelledError:  # this is what makes it late instead of cancelled
            return instance
        return instance

    await stage.offer(_CANDIDATE, late)
    what = "a candidate whose factory delivers after its time"
    await _unchanged(stage, act, factory, lambda: stage.swap(_CANDIDATE), what, offered=True)


async def _unchanged(
    stage: Stage,
    act: Act,
    factory: FaultyFactory,
    swap: Callable[[], Awaitable[str]],
    what: str,
    *,
    offered: bool = False,
) -> None:
    """``swap`` is refused, reaches the fault, and leaves everything as it was."""
    bench, live, before = stage.bench, await stage.live(), await stage.status()
    if not offered:
        await stage.offer(_CANDIDATE, factory)
    swapping = asyncio.ensure_future(swap())
    await asyncio.wait({swapping}, timeout=stage.patience + stage.limits.init + stage.limits.health)
    if not swapping.done():
        swapping.cancel()
        bench.expect(False, seen=f"{what}: the swap did not end in time", expected="a refusal")
    refused = "cancelled" if swapping.cancelled() else swapping.result()
    bench.expect(factory.struck > 0, seen=f"{what}: it was never asked", expected="a candidate that is tried")
    bench.expect(bool(refused), seen=f"{what}: it was published", expected="a refusal")
    after = await stage.status()
    kept = (after.provider, after.generation) == (before.provider, before.generation)
    seen = f"{what}: the status went from {before.provider}, generation {before.generation}, to {after.provider}, "
    bench.expect(kept, seen=f"{seen}generation {after.generation}", expected="the same as before")
    now = await stage.expect_serving(act, f"after {what}")
    bench.expect(now is live, seen=f"{what}: readers get another instance", expected="the same as before")
    await expect_put_aside(bench, live, what)
    await stage.expect_gone(live, f"after {what}")


@check("HOT-005", judges="component", level="must", since="2026.1", floor=10)
def repeated_swaps_leak_nothing(bench: Bench) -> None:
    """However often it is swapped: no more tasks, threads, descriptors and processes, and old instances are let go.

    Troubleshooting: instances that register themselves somewhere (a signal, a module's list, a callback) and are never
    taken out again; tasks, threads or files that clean-up does not end.
    """
    with bench.control("it is activated and serves"):
        bench.run(_serves(bench))
    bench.run(_swapped_often(bench))


async def _swapped_often(bench: Bench) -> None:
    tracker, own = Tracker(bench.subject.factory), OwnWork(bench, bench.profile.repetitions)
    async with staged(bench, factory=tracker, clears=True) as (stage, act):

        async def swap() -> None:
            await stage.must_swap(stage.provider)
            await own(await stage.expect_serving(act, "after a swap"))

        await swap()
        kept = tracker.alive()
        times = bench.profile.repetitions
        more = await wears_out(swap, times)
        bench.exercised(times)
        seen = f"{times} swaps left {', '.join(more[:3])}"
        bench.expect(not more, seen=seen, expected="no more tasks, threads, descriptors and processes than before")
        await until(lambda: tracker.alive() <= kept, stage.patience)  # a thread may be about to end
        alive = tracker.alive()
        seen = f"of {tracker.made} instances {alive} are still kept alive"
        bench.expect(alive <= kept, seen=seen, expected=f"{kept}, as before")


@check("HOT-008", judges="component", level="must", since="2026.1", floor=4)
def swapping_back_works(bench: Bench) -> None:
    """After a swap to another provider, the former one can be swapped in again, and the other way round.

    Troubleshooting: something that can be set up once only per process (a registration, a flag, a fixed name that
    clean-up does not give back).
    """

    async def judge() -> None:
        async with staged(bench) as (stage, act):
            await stage.offer(_SECOND, stage.witness)
            for provider in (_SECOND, stage.provider, _SECOND, stage.provider):
                before = await stage.status()
                await stage.must_swap(provider)
                live = await stage.expect_serving(act, f"after the swap to {provider}")
                after = await stage.status()
                done = (after.provider, after.generation) == (provider, before.generation + 1)
                seen = f"after the swap to {provider} the status says {after.provider}, generation {after.generation}"
                bench.expect(done, seen=seen, expected=f"{provider}, generation {before.generation + 1}")
                await stage.expect_gone(live, f"after the swap to {provider}")
                await stage.expect_serving(act, "after the former instance was cleaned up")
                bench.exercised()

    with bench.control("it is activated and serves"):
        bench.run(_serves(bench))
    bench.run(judge())
