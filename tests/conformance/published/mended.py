"""The published runtime with its nearest defects mended, one after the other: what stands behind them can then be seen.

The kit ends a check at the first finding. Each mend is the least that takes one finding away, outside of the package.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from oneiric.core.lifecycle import LifecycleError, LifecycleManager, LifecycleSafetyOptions
from oneiric.core.resolution import Candidate, Resolver

from oneiric_conformance.runtime import ComponentSpec, Limits
from oneiric_core.testing.answers import Answer
from tests.conformance.published.runtime import PublishedRuntime

MENDS: Final = (
    "a provider registered again replaces its former self",
    "a cancellation that nobody asked for is an error",
    "nothing at all is no instance",
    "init is called",
    "what fails in init is cleaned up",
    "what takes too long is cancelled",
    "what is cancelled is cleaned up",
    "a health that cancels itself is an error",
    "a health of None fails",
)


class Mended(PublishedRuntime):
    """With the first so many of :data:`MENDS`."""

    def __init__(self, mends: int) -> None:
        super().__init__()
        self._mended = frozenset(MENDS[:mends])

    def _make_lifecycle(self, limits: Limits) -> LifecycleManager:
        made = super()._make_lifecycle(limits)
        lifecycle = _Manager(self._resolver, safety=made._safety, mended=self._mended)
        if MENDS[5] in self._mended:
            lifecycle._safety.shield_tasks = False
        return lifecycle

    async def register(self, spec: ComponentSpec) -> Answer:
        if MENDS[0] in self._mended:
            former = self._resolver.registry._candidates[spec.domain, spec.key]
            former[:] = [candidate for candidate in former if candidate.provider != spec.provider]
        return await super().register(replace(spec, factory=self._mended_factory(spec.factory)))

    def _mended_factory(self, factory: Any) -> Callable[..., Any]:
        async def made(settings: object) -> object:
            instance = await self._uncancelled(factory(settings))
            if MENDS[2] in self._mended and instance is None:
                raise LifecycleError("there is no instance")
            if MENDS[3] in self._mended:
                await self._begun(instance)
            return instance

        return made

    async def _begun(self, instance: Any) -> None:
        try:
            await self._uncancelled(instance.init())
        except LifecycleError:
            if MENDS[4] in self._mended:
                await instance.cleanup()
            raise
        except asyncio.CancelledError:
            if MENDS[6] in self._mended:
                await instance.cleanup()
            raise

    async def _uncancelled(self, act: Any) -> Any:
        try:
            return await (_uncancelled(act) if MENDS[1] in self._mended else act)
        except Exception as error:
            raise LifecycleError(str(error)) from error


class _Manager(LifecycleManager):
    """The lifecycle manager, with what is mended in how it asks for health."""

    def __init__(self, resolver: Resolver, *, mended: frozenset[str], safety: LifecycleSafetyOptions) -> None:
        super().__init__(resolver, safety=safety)
        self._mended = mended

    async def _run_health(self, candidate: Candidate, instance: Any, *, force: bool) -> None:
        asked = super()._run_health(candidate, instance, force=force)
        await (_uncancelled(asked) if MENDS[7] in self._mended else asked)

    def _collect_health_checks(self, candidate: Candidate, instance: Any) -> list[Callable[[], Any]]:
        checks = super()._collect_health_checks(candidate, instance)
        return [partial(_healthy, check) for check in checks] if MENDS[8] in self._mended else checks


async def _healthy(check: Callable[[], Any]) -> bool:
    return await check() is True


async def _uncancelled(act: Any) -> Any:
    try:
        return await act
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        raise LifecycleError("it cancelled itself") from error
