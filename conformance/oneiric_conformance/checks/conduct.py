"""LIFE: how an instance behaves towards its loop, its interpreter, and others of its kind."""

import asyncio
import gc
import os
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.planting import furnish
from oneiric_conformance.handling.work import Act, ask, some_work
from oneiric_conformance.observing.pulse import Pulse
from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_conformance.registry import check
from oneiric_conformance.subject import Subject

__all__: list[str] = []

_TIMES: Final = 3
_BLOCKS: Final = 0.1
_CROWD: Final = 5


def _unless_blocking(subject: Subject) -> str:
    return "declares blocking: it is run in a thread" if subject.metadata.get("blocking") is True else ""


async def _life(bench: Bench, box: Sandbox, act: Act) -> None:
    """It comes, works and goes. Whether it works is for others to say."""
    await furnish(bench, box)
    async with bench.live(box) as instance:
        await bench.health(instance)
        with suppress(Exception):
            await act(instance)


@check("LIFE-006", judges="component", level="should", since="2026.1", applies=_unless_blocking)
def the_loop_is_not_held_up(bench: Bench) -> None:
    """Neither its hooks nor its work hold up the event loop for more than 100 ms, three times of three.

    Troubleshooting: files, sockets or long calculations used directly in a coroutine; hand them to
    ``asyncio.to_thread``, or declare ``blocking`` so that the runtime does.
    """
    with bench.control("a call that holds up the loop would be noticed"):
        longest = bench.run(_silence(_block()))
        bench.expect(longest >= _BLOCKS / 10, seen=f"it was taken for {1000 * longest:.0f} ms")
    act = bench.run(_some_act(bench))
    silences: list[float] = []
    while len(silences) < _TIMES and (not silences or silences[-1] > _BLOCKS):
        with bench.sandbox() as box:
            silences.append(bench.run(_silence(_life(bench, box, act))))
    bench.exercised()
    told = ", ".join(f"{1000 * each:.0f} ms" for each in silences)
    bench.expect(min(silences) <= _BLOCKS, seen=f"it held up the event loop for {told}", expected="100 ms at most")


async def _some_act(bench: Bench) -> Act:
    with bench.sandbox() as box:
        async with bench.live(box) as instance:
            return await some_work(bench, instance, clears=True)


async def _silence(work: Awaitable[None]) -> float:
    with Pulse() as pulse:
        await work
    return pulse.longest


async def _block() -> None:
    time.sleep(_BLOCKS / 2)  # noqa: ASYNC251 - which is what has to be noticed


@check("LIFE-007", judges="component", level="must", since="2026.1")
def nothing_is_left_to_the_collector(bench: Bench) -> None:
    """A life leaves no ResourceWarning (something open that was dropped) and no coroutine that was never awaited.

    Troubleshooting: a file, socket or transport that goes out of use without being closed; a call of a coroutine
    function without ``await``.
    """
    with bench.control("a file that is dropped while it is open would be noticed"):
        bench.expect(bool(_warned(bench, _drop(), collect=False)), seen="it was not")
    act, said = bench.run(_some_act(bench)), ["not looked yet"]
    for _ in range(2):
        with bench.sandbox() as box:
            said = _warned(bench, _life(bench, box, act))
        if not said:
            break  # else once more, without what was left to the collector before
    bench.exercised()
    bench.expect(not said, seen="; ".join(said[:3]), expected="everything closed and awaited")


async def _drop() -> None:
    os.fdopen(os.open(os.devnull, os.O_RDONLY))


def _warned(bench: Bench, work: Awaitable[None], *, collect: bool = True) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bench.run(work)
        if collect:
            gc.collect()
    texts = [(each.category, " ".join(str(each.message).split())) for each in caught]
    return [
        f"{kind.__name__}: {text}"
        for kind, text in dict.fromkeys(texts)
        if issubclass(kind, ResourceWarning) or (issubclass(kind, RuntimeWarning) and "never awaited" in text)
    ]


@check("LIFE-009", judges="component", level="must", since="2026.1", floor=_CROWD)
def many_instances_live_side_by_side(bench: Bench) -> None:
    """Several instances that come, work and go at the same time are all healthy, each finds what it put aside, and
    those that stay are not disturbed by those that go.

    Troubleshooting: a class attribute that is set in one place and read in another after an ``await``, a fixed number
    of something that all share (a port, a slot, a lock), a clean-up that takes away what another one uses.
    """
    with bench.control("an instance that is alone is healthy"):
        bench.run(_side_by_side(bench, 1))
    bench.run(_side_by_side(bench, _CROWD))
    bench.exercised(_CROWD)


async def _side_by_side(bench: Bench, number: int) -> None:
    async with _crowd(bench, number) as instances:
        await _expect_well(bench, instances, "side by side")
        act = await some_work(bench, next(iter(instances.values())))
        await _all(_put(bench, instance, name) for name, instance in instances.items())
        with bench.asking("work of all at once"):
            await _all(act(instance) for instance in instances.values())
        await _expect_kept(bench, instances)
        leaving, staying = _parted(instances)
        await _all(bench.cleanup(instance) for instance in leaving.values())
        await _expect_well(bench, staying, "after others were cleaned up")
        await _expect_kept(bench, staying)


def _parted(instances: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [*instances]
    return {name: instances[name] for name in names[1::2]}, {name: instances[name] for name in names[::2]}


@asynccontextmanager
async def _crowd(bench: Bench, number: int) -> AsyncIterator[dict[str, Any]]:
    """So many instances, each in a directory of its own, that came at the same time."""
    async with AsyncExitStack() as stack:
        boxes = [stack.enter_context(bench.sandbox()) for _ in range(number)]
        for box in boxes:
            await furnish(bench, box)
        made = await asyncio.gather(*(bench.activated(box) for box in boxes), return_exceptions=True)
        failed = [each for each in made if isinstance(each, BaseException)]
        instances = {f"number {at}": each for at, each in enumerate(made, 1) if not isinstance(each, BaseException)}
        try:
            if failed:
                raise failed[0]
            yield instances
        finally:
            await _all(bench.cleanup(instance) for instance in instances.values())


async def _all(works: Iterable[Awaitable[Any]]) -> None:
    """Do all at once, to the end; the first failure is raised by itself."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def _expect_well(bench: Bench, instances: dict[str, Any], when: str) -> None:
    for name, instance in instances.items():
        answer = await bench.health(instance)
        bench.expect(answer is True, seen=f"{when}, health() of {name} answered {answer!r}", expected="True")


async def _put(bench: Bench, instance: Any, name: str) -> None:
    claims = bench.subject.capabilities
    if "kv" in claims:
        await ask(instance.set, name, name)
    if "blob" in claims:
        await ask(instance.save, name, name.encode())


async def _expect_kept(bench: Bench, instances: dict[str, Any]) -> None:
    claims = bench.subject.capabilities
    for name, instance in instances.items():
        with bench.asking(f"reading what {name} put aside"):
            kept = await ask(instance.get, name) if "kv" in claims else name
            data = await ask(instance.read, name) if "blob" in claims else name.encode()
        seen = f"what {name} put aside has become {kept if kept != name else data!r}"
        bench.expect(kept == name and data == name.encode(), seen=seen, expected="what was put aside")
