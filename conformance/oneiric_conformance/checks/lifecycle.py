"""LIFE: how an instance comes, is, and goes."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final

from oneiric_conformance.handling.apart import mixed
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.cancelling import Stepped, awaitable, points_in
from oneiric_conformance.handling.ordinary import keep_for_long, ordinary_use
from oneiric_conformance.handling.own import OwnWork
from oneiric_conformance.handling.planting import furnish
from oneiric_conformance.handling.settings import declared, mentions_sandbox
from oneiric_conformance.handling.work import Act, some_work
from oneiric_conformance.judging.findings import Finding
from oneiric_conformance.observing.leaks import leaves, own_executor, wears_out
from oneiric_conformance.observing.sharing import moved_by_each, moved_by_new
from oneiric_conformance.registry import check
from oneiric_core.testing import HEALTH_HOOKS, find_hook

__all__: list[str] = []

_PAIRS: Final = 3
_POINTS: Final = 10
_IN_ALL: Final = "changed in all instances when one of them worked"


@check("LIFE-001", judges="component", level="must", since="2026.1", floor=_PAIRS)
def every_call_of_the_factory_gives_a_fresh_instance(bench: Bench) -> None:
    """Each call of the factory gives a fresh instance that shares no state with the others.

    A cache of results may be for all of them, and so may a table of locks: they stay as they are when the same is done
    again, and what is new has an entry of its own. So may statistics in a module, and a store's place outside of the
    process.

    Troubleshooting: a factory that hands out a module's one instance, a class attribute or a container of the module
    used as storage or as a counter (make it in ``__init__``), or a clean-up that closes something which all instances
    share.
    """
    with bench.control("an instance that is alone is healthy"):
        bench.run(_alone(bench))
    for at in range(_PAIRS):
        bench.run(_pair(bench, work=not at))
        bench.exercised()


async def _alone(bench: Bench) -> None:
    with bench.sandbox() as box:
        async with bench.live(box) as instance:
            await _expect_healthy(bench, instance, "after init()")


async def _pair(bench: Bench, *, work: bool) -> None:
    with bench.sandbox() as box, bench.sandbox() as another:
        await furnish(bench, box)
        first, second = await bench.build(box), await bench.build(another)
        expected = "another instance each time"
        bench.expect(first is not second, seen="two calls of the factory gave the same instance", expected=expected)
        for instance in (first, second):
            await bench.init(instance)
            await bench.start(instance)
        names = await _moved(bench, first, second) if work else []
        bench.expect(not names, seen=f"{', '.join(names[:2])} {_IN_ALL}", expected="its own state")
        await _expect_apart(bench, first, second)
        await bench.cleanup(first)
        await _expect_healthy(bench, second, "after another instance was cleaned up")
        await bench.cleanup(second)


async def _moved(bench: Bench, first: Any, second: Any) -> list[str]:
    """What is another one for both after either of them worked."""
    modules = bench.package.modules or {type(first).__module__.partition(".")[0]}
    act: Act = bench.health
    with suppress(Exception):  # whether it works is for others to say
        act = await some_work(bench, first)
    names = await moved_by_each(act, first, second, modules)
    return names or await moved_by_new(OwnWork(bench, 2, each=True), first, second, modules)


async def _expect_apart(bench: Bench, first: Any, second: Any) -> None:
    """What is done to one store no other one shows; but they may be two doors to one place outside of the process."""
    if "kv" not in bench.subject.capabilities or bench.subject.external:
        return
    if seen := await mixed(first, second):
        told = mentions_sandbox(declared(bench.subject))
        bench.expect(not told and await _kept_outside(bench), seen=seen, expected="values of its own")


async def _kept_outside(bench: Bench) -> bool:
    """Whether a store does anything by which its values could outlive the process."""
    with bench.watched_sandbox() as box:
        async with bench.live(box) as instance:
            with suppress(Exception):
                await ordinary_use({"kv"}, instance, clears=True)
    return bool(box.trespasses() or box.record.connects or box.record.processes)


@check("LIFE-002", judges="component", level="must", since="2026.1", floor=3)
def is_healthy_after_init(bench: Bench) -> None:
    """After ``init()`` the instance is healthy: it answers ``True``, nothing else, and in time.

    Troubleshooting: a health hook that returns None, a text or a truthy object instead of True, a resource that
    ``init()`` does not wait for, or a check of its surroundings that takes too long.
    """
    first_run = bench.smoke.failure
    bench.expect(not first_run, seen=f"the first run, in a process of its own: {first_run}")
    with bench.control("it can be initialised"):
        bench.run(_initialised(bench))
    for _ in range(3):
        bench.run(_healthy_in_time(bench))
        bench.exercised()


async def _initialised(bench: Bench) -> None:
    with bench.sandbox() as box:
        await bench.cleanup(await bench.activated(box))


async def _healthy_in_time(bench: Bench) -> None:
    with bench.sandbox() as box:
        instance = await bench.activated(box)
        try:
            began = time.monotonic()
            await _expect_healthy(bench, instance, "after init()")
            seconds, limit = time.monotonic() - began, bench.limits.health
            bench.expect(seconds <= limit, seen=f"health() took {seconds:.2f} s", expected=f"{limit:g} s at most")
        finally:
            await bench.cleanup(instance)


async def _expect_healthy(bench: Bench, instance: object, when: str) -> None:
    answer = await bench.health(instance)
    bench.expect(answer is True, seen=f"{when}, health() answered {answer!r}", expected="True")


@check("LIFE-003", judges="component", level="must", since="2026.1", floor=4)
def cleanup_can_always_be_called(bench: Bench) -> None:
    """Clean-up ends in time, may be called again, and works on an instance that was never initialised.

    What it cleans up has worked before, so that there is something to close.

    Troubleshooting: an attribute that only ``init()`` sets (set it to None in ``__init__``), or a resource that is
    closed without looking whether it is open.
    """
    with bench.control("it comes up and is healthy"):
        bench.run(_alone(bench))
    work = _Work(bench)
    for _ in range(2):
        bench.run(_cleaned_twice(bench, work))
        bench.exercised()
        bench.run(_cleaned_without_init(bench))
        bench.exercised()


class _Work:
    """Some work of one instance after the other; whether it works is for others to say."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._act: Act | None = None

    async def __call__(self, instance: object) -> None:
        if self._act is None:
            self._act = await some_work(self._bench, instance, clears=True)  # which has done it
            return
        with suppress(Exception):
            await self._act(instance)


async def _cleaned_twice(bench: Bench, work: _Work) -> None:
    with bench.sandbox() as box:
        await furnish(bench, box)
        instance = await bench.activated(box)
        await work(instance)
        for when in ("first", "second", "third"):
            await _in_time(bench, bench.cleanup(instance), f"the {when} clean-up")


async def _cleaned_without_init(bench: Bench) -> None:
    with bench.sandbox() as box:
        instance = await bench.build(box)
        await _in_time(bench, bench.cleanup(instance), "clean-up without init()")
        await _in_time(bench, bench.cleanup(instance), "the second clean-up without init()")


async def _in_time(bench: Bench, act: Awaitable[object], what: str) -> None:
    began = time.monotonic()
    try:
        await act
    except Finding as found:
        raise Finding(f"{what}: {found.seen}", "clean-up that can always be called", found.example) from found
    seconds, limit = time.monotonic() - began, bench.limits.cleanup
    bench.expect(seconds <= limit, seen=f"{what} took {seconds:.2f} s", expected=f"{limit:g} s at most")


@check("LIFE-004", judges="component", level="must", since="2026.1", floor=10)
def coming_and_going_leaves_nothing_behind(bench: Bench) -> None:
    """However often an instance comes, works and goes, there are no more tasks, threads, descriptors or processes than
    before.

    Troubleshooting: a background task that clean-up neither cancels nor awaits, a client or file that is dropped
    without being closed, an executor that is not shut down.
    """
    with bench.control("it comes up and is healthy"):
        bench.run(_alone(bench))
    more = bench.run(_worn(bench))
    times = bench.profile.repetitions
    bench.expect(not more, seen=f"after {times} times there is {_first(more)}", expected="as many as before")


async def _worn(bench: Bench) -> list[str]:
    work, own = _Work(bench), OwnWork(bench, bench.profile.repetitions)

    async def life() -> None:
        with bench.sandbox() as box:
            await furnish(bench, box)
            async with bench.live(box) as instance:
                await work(instance)
                await keep_for_long(bench.subject.capabilities, instance, external=bool(bench.subject.external))
                await own(instance)

    more = await wears_out(life, bench.profile.repetitions)
    bench.exercised(bench.profile.repetitions)
    return more


def _first(lines: list[str]) -> str:
    return f"{lines[0]} and {len(lines) - 1} more" if len(lines) > 1 else "".join(lines)


@check("LIFE-005", judges="component", level="must", since="2026.1", floor=2)
def a_cancelled_hook_can_be_cleaned_up(bench: Bench) -> None:
    """Cancelled at any point where ``init()`` or clean-up waits, and then cleaned up in peace, nothing of it remains.

    Where there are more than ten such points, ten are tried: each place in the code at which it waits, the last point,
    and others between. What goes on in a shield has half a second to end. It is not cancelled where asyncio makes a
    server and waits once more before it hands it over, as what listens then is lost by asyncio itself. What is cleaned
    up has worked before, so that what is only opened at need is there.

    Troubleshooting: a resource that is kept in a local variable until ``init()`` has succeeded (store it at once, or
    close it in ``finally``), or a clean-up that marks itself done before it is.
    """
    work = _Work(bench)
    with bench.control("nothing remains when nobody cancels it"):
        hooks = bench.run(_hooks(bench, work))
    cases = [(part, point) for part, steps in hooks.items() for point in (0, *points_in(steps, _POINTS))]
    for part, point in bench.each(cases):
        bench.run(_interrupted(bench, work, part, point))
        bench.exercised()


async def _hooks(bench: Bench, work: _Work) -> dict[str, Stepped]:
    """How ``init()`` and clean-up wait, the second after some work."""
    hooks: dict[str, Stepped] = {}

    async def life() -> None:
        with bench.sandbox() as box:
            await furnish(bench, box)
            instance = await bench.build(box)
            hooks["init()"] = coming = Stepped(_come, bench, instance)
            hooks["clean-up"] = going = Stepped(bench.cleanup, instance)
            await coming
            await work(instance)
            await going

    with own_executor():
        await life()  # what is set up once is set up now
    more = await leaves(life)
    bench.expect(not more, seen=f"after clean-up there is {_first(more)}", expected="nothing left")
    return hooks


async def _come(bench: Bench, instance: object) -> None:
    await bench.init(instance)
    await bench.start(instance)


async def _interrupted(bench: Bench, work: _Work, part: str, point: int) -> None:
    where = f"{part} cancelled " + (f"at the {point}. point where it waits" if point else "before it began")

    async def life() -> None:
        with bench.sandbox() as box:
            await furnish(bench, box)
            instance = await bench.build(box)
            if part == "init()":
                step = Stepped(_come, bench, instance, cancel_at=point)
            else:
                await _come(bench, instance)
                await work(instance)
                step = Stepped(bench.cleanup, instance, cancel_at=point)
            await _run_cancelled(bench, step, point, where)
            with bench.asking(f"clean-up after {where}"):
                await bench.cleanup(instance)

    more = await leaves(life)
    bench.expect(not more, seen=f"{where}, then cleaned up: there is {_first(more)}", expected="nothing left")


async def _run_cancelled(bench: Bench, step: Stepped, point: int, where: str) -> None:
    task = asyncio.ensure_future(awaitable(step))
    if not point:
        task.cancel()
    done, _ = await asyncio.wait({task}, timeout=bench.limits.cleanup)
    if not done:
        task.cancel()
        raise Finding(f"{where}: it still ran {bench.limits.cleanup:g} s later", "the end of it")
    if not task.cancelled() and (error := task.exception()) is not None:
        raise Finding(f"{where}: {error}", "CancelledError, let through") from error


@check("LIFE-008", judges="component", level="should", since="2026.1", floor=2)
def is_not_healthy_after_cleanup(bench: Bench) -> None:
    """After clean-up the instance says that it is not healthy any more, by any answer but ``True`` or by an exception.

    Troubleshooting: a health hook that returns True whatever happened: keep a flag that ``init()`` sets and clean-up
    unsets.
    """
    with bench.control("it comes up and is healthy"):
        bench.run(_alone(bench))
    for _ in range(2):
        bench.run(_asked_when_gone(bench))
        bench.exercised()


async def _asked_when_gone(bench: Bench) -> None:
    with bench.sandbox() as box:
        instance = await bench.activated(box)
        await bench.cleanup(instance)
        seen = "after clean-up, health() answered True"
        if find_hook(instance, HEALTH_HOOKS) is None:
            seen = "it has no health hook, so that nobody can tell whether it is closed"
        try:
            answer = await bench.health(instance)
        except Finding:
            return
        bench.expect(answer is not True, seen=seen, expected="anything but True")
