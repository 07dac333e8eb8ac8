"""Letting go of what is no longer published: once its leases have ended or the drain deadline has passed."""

import asyncio
from collections.abc import Coroutine, Iterator

from oneiric_core.clock import Clock
from oneiric_core.lifecycle.crew import Crew
from oneiric_core.lifecycle.slot import Published, Slot
from oneiric_core.lifecycle.states import Timeouts
from oneiric_core.lifecycle.swap import Maker, Wait

__all__ = ["Retirer"]


class Retirer:
    """Retires instances, whatever becomes of those who asked for it. What goes wrong becomes the slot's warning."""

    def __init__(self, crew: Crew, clock: Clock, timeouts: Timeouts, maker: Maker) -> None:
        self._crew = crew
        self._clock = clock
        self._timeouts = timeouts
        self._maker = maker
        self._under_way: set[asyncio.Task[None]] = set()

    def retire(self, slot: Slot, published: Published) -> asyncio.Task[None] | None:
        """Begin, and give what may be waited for: nothing if that was all, or if calls in flight hold it back.

        What needs no waiting (no call in flight, sync hooks) is done at once and needs no task.
        """
        slot.draining += 1
        if published.leases:
            _ = self._start(self._drain_and_clean(slot, published))
            return None
        waits = self._clean(slot, published)
        first = next(waits, None)
        return None if first is None else self._start(_wait_for(first, waits))

    async def retire_in_order(self, retiring: list[tuple[Slot, Published]]) -> None:
        """Let all drain at once, then clean up one after the other; what was on its way out already comes first."""
        for slot, _ in retiring:
            slot.draining += 1
        drains = [self._crew.start(self._drain(slot, published)) for slot, published in retiring]
        if drains or self._under_way:
            await asyncio.wait([*drains, *self._under_way])
        for slot, published in retiring:
            for wait in self._clean(slot, published):
                await wait()

    def _start(self, duty: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._crew.start(duty)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _drain_and_clean(self, slot: Slot, published: Published) -> None:
        await self._drain(slot, published)
        for wait in self._clean(slot, published):
            await wait()

    async def _drain(self, slot: Slot, published: Published) -> None:
        if not published.leases:
            return
        try:
            async with self._clock.timeout(self._timeouts.drain):
                await published.drained()
        except TimeoutError:
            slot.warn(f"{published.leases} calls still ran after {self._timeouts.drain:g} s")

    def _clean(self, slot: Slot, published: Published) -> Iterator[Wait]:
        problems: list[str] = []
        yield from self._maker.let_go(published.attempt, problems)
        for problem in problems:
            slot.warn(problem)
        slot.draining -= 1


async def _wait_for(first: Wait, others: Iterator[Wait]) -> None:
    await first()
    for wait in others:
        await wait()
