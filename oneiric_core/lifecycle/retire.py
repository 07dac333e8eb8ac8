"""Letting go of what is no longer published: once its leases have ended or the drain deadline has passed."""

import asyncio
from dataclasses import dataclass

from oneiric_core.clock import Clock
from oneiric_core.lifecycle.crew import Crew
from oneiric_core.lifecycle.slot import Published, Slot
from oneiric_core.lifecycle.states import Timeouts
from oneiric_core.lifecycle.swap import Maker

__all__ = ["Retirement", "Retirer"]


@dataclass(frozen=True, slots=True)
class Retirement:
    """One instance on its way out, whatever becomes of those who asked for it."""

    published: Published
    task: asyncio.Task[None]


class Retirer:
    """Retires instances in the background. What goes wrong becomes the slot's warning."""

    def __init__(self, crew: Crew, clock: Clock, timeouts: Timeouts, maker: Maker) -> None:
        self._crew = crew
        self._clock = clock
        self._timeouts = timeouts
        self._maker = maker
        self._under_way: set[asyncio.Task[None]] = set()

    def retire(self, slot: Slot, published: Published) -> Retirement:
        slot.draining += 1
        task = self._crew.start(self._drain_and_clean(slot, published))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return Retirement(published, task)

    async def retire_in_order(self, retiring: list[tuple[Slot, Published]]) -> None:
        """Let all drain at once, then clean up one after the other; what was on its way out already comes first."""
        for slot, _ in retiring:
            slot.draining += 1
        drains = [self._crew.start(self._drain(slot, published)) for slot, published in retiring]
        if drains or self._under_way:
            await asyncio.wait([*drains, *self._under_way])
        for slot, published in retiring:
            await self._clean(slot, published)

    async def see_off(self, retirements: list[Retirement]) -> None:
        """Wait for those that no call in flight holds back."""
        waited_for = [each.task for each in retirements if not each.published.leases]
        if waited_for:
            await asyncio.wait(waited_for)

    async def _drain_and_clean(self, slot: Slot, published: Published) -> None:
        await self._drain(slot, published)
        await self._clean(slot, published)

    async def _drain(self, slot: Slot, published: Published) -> None:
        if not published.leases:
            return
        try:
            async with self._clock.timeout(self._timeouts.drain):
                await published.drained()
        except TimeoutError:
            slot.warn(f"{published.leases} calls still ran after {self._timeouts.drain:g} s")

    async def _clean(self, slot: Slot, published: Published) -> None:
        for problem in await self._maker.let_go(published.attempt):
            slot.warn(problem)
        slot.draining -= 1
