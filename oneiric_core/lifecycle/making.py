"""Instances for one key or several, all of them or none, told in the slots they are for."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeAlias

from oneiric_core.components import Candidate
from oneiric_core.errors import SwapError
from oneiric_core.lifecycle.crew import Crew
from oneiric_core.lifecycle.slot import Slot
from oneiric_core.lifecycle.swap import Attempt, Maker

__all__ = ["Making"]

_Name: TypeAlias = tuple[str, str]


class Making:
    """Makes what is going to be published.

    :param notify: tells observers how a slot is.
    """

    def __init__(self, maker: Maker, crew: Crew, notify: Callable[[Slot], None]) -> None:
        self._maker = maker
        self._crew = crew
        self._notify = notify

    async def make(
        self, slots: Mapping[_Name, Slot], candidates: Mapping[_Name, Candidate], stands: Callable[[], bool]
    ) -> dict[_Name, Attempt] | None:
        """A ready instance for each candidate; None, and nothing left of them, if they are not wanted after all.

        :param stands: asked last of all, with no suspension between it and the end.
        :raises LifecycleError: one could not be made, ``SwapError`` where there are several; or what ``stands`` raises.
            Nothing is left of the others.
        """
        made: dict[_Name, Attempt] = {}
        for name in candidates:
            slots[name].attempting = True
        try:
            if len(candidates) > 1:
                await self._make_together(candidates, made)
            else:
                for name, candidate in candidates.items():
                    made[name] = await self._maker.make(candidate)
            agreed = stands()
        except BaseException as error:
            for name in candidates:
                slots[name].attempting, slots[name].error = False, str(error) or "it was cancelled"
                self._notify(slots[name])
            await self._give_up(made)
            raise
        for name in candidates:
            slots[name].attempting = False
        if agreed:
            return made
        await self._give_up(made)
        return None

    async def _give_up(self, made: Mapping[_Name, Attempt]) -> None:
        reapers = [self._crew.start(self._maker.give_up(attempt)) for attempt in made.values()]
        if reapers:
            await asyncio.wait(reapers)

    async def _make_together(self, candidates: Mapping[_Name, Candidate], made: dict[_Name, Attempt]) -> None:
        failures: dict[str, str] = {}

        async def make(name: _Name, candidate: Candidate) -> None:
            try:
                made[name] = await self._maker.make(candidate)
            except Exception as error:
                failures[candidate.name] = str(error)
                raise

        try:
            async with asyncio.TaskGroup() as group:
                for name, candidate in candidates.items():
                    group.create_task(make(name, candidate))
        except ExceptionGroup as failed:
            raise SwapError(
                f"{len(candidates)} keys could not be swapped as one: {'; '.join(failures.values())}",
                fix="Mend those named; none of them was swapped",
                failures=failures,
            ) from failed
