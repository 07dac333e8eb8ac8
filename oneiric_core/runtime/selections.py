"""Bringing what runs to what is selected and how it is configured, key by key.

A selection is a wish that a provider *runs*: its component is made if nothing runs yet. It is chosen in the resolver
only once it runs, so that one that cannot be made changes nothing: what ran before runs on, is still what the resolver
answers, and the wish stays open.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeAlias

from oneiric_core.components import Candidate
from oneiric_core.domains import Domain
from oneiric_core.errors import OneiricError
from oneiric_core.lifecycle import LifecycleManager, SlotStatus
from oneiric_core.resolver import Resolver
from oneiric_core.settings import Settings

__all__ = ["SelectionKeeper"]

Name: TypeAlias = tuple[str, str]


class SelectionKeeper:
    """Knows what was wished, and with which settings each running component was made.

    :param settings: what is configured; replaced by :meth:`configure`.
    """

    def __init__(self, resolver: Resolver, settings: Settings) -> None:
        self._resolver = resolver
        self.settings = settings
        self._chosen: dict[Name, str] = {}
        self._asked: dict[Name, dict[str, Any]] = {}
        self._made_with: dict[Name, tuple[int, dict[str, Any] | None]] = {}

    def settings_of(self, candidate: Candidate) -> Mapping[str, Any]:
        """For the lifecycle: what a component about to be made is given."""
        given = self.settings.for_candidate(candidate)
        self._asked[candidate.domain, candidate.key] = self.settings.for_candidate(candidate)
        return given

    def observe(self, status: SlotStatus) -> None:
        """For the lifecycle: remembers the settings of what was published, and forgets those of what was not."""
        name = status.domain, status.key
        asked = self._asked.pop(name, None)
        if status.generation > self._made_with.get(name, (0, None))[0]:
            self._made_with[name] = status.generation, asked

    async def apply(self, lifecycle: LifecycleManager) -> dict[Name, str]:
        """Make everything run that shall; why not, by domain and key, where it could not be."""
        wished = {
            (str(domain), key): provider
            for domain in Domain
            for key, provider in self.settings.selections.get(domain, {}).items()
        }
        dropped = [name for name in self._chosen if name not in wished]
        stale = [name for name in self._configured_otherwise(lifecycle) if name not in wished and name not in dropped]
        pending: dict[Name, str] = {}

        async def safely(name: Name, act: Any) -> None:
            try:
                await act
            except OneiricError as error:
                pending[name] = str(error)

        async with asyncio.TaskGroup() as group:
            for name, provider in wished.items():
                group.create_task(safely(name, self._choose(lifecycle, name, provider)))
            for name in dropped:
                group.create_task(safely(name, self._drop(lifecycle, name)))
            for name in stale:
                group.create_task(safely(name, self._make_again(lifecycle, name)))
        return pending

    async def _choose(self, lifecycle: LifecycleManager, name: Name, provider: str) -> None:
        handle = lifecycle.handle(*name)
        if handle is not None and handle.provider == provider and self._is_configured_otherwise(lifecycle, name):
            await lifecycle.swap(*name, provider)
        else:
            await lifecycle.activate(*name, provider)
        self._resolver.select(*name, provider)
        self._chosen[name] = provider

    async def _drop(self, lifecycle: LifecycleManager, name: Name) -> None:
        undo = self._resolver.select(*name, None)
        handle, winner = lifecycle.handle(*name), self._resolver.resolve(*name)
        try:
            if handle is not None and winner is not None:
                await lifecycle.activate(*name)
        except BaseException:
            undo()
            raise
        del self._chosen[name]

    async def _make_again(self, lifecycle: LifecycleManager, name: Name) -> None:
        handle = lifecycle.handle(*name)
        if handle is None:
            return
        winner = self._resolver.resolve(*name)
        await lifecycle.swap(*name, None if handle.candidate == winner else handle.provider)

    def _configured_otherwise(self, lifecycle: LifecycleManager) -> list[Name]:
        return [name for name in self._made_with if self._is_configured_otherwise(lifecycle, name)]

    def _is_configured_otherwise(self, lifecycle: LifecycleManager, name: Name) -> bool:
        """Does it run with settings that it would not be given now? One that takes none never does."""
        handle = lifecycle.handle(*name)
        generation, made_with = self._made_with.get(name, (0, None))
        if handle is None or made_with is None or handle.generation != generation:
            return False
        return made_with != self.settings.for_candidate(handle.candidate)
