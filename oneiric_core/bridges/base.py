"""What all bridges share: handles, leases, and calling a component's verb."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar

from oneiric_core.bridges.policy import CallPolicy
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.domains import DOMAINS, Domain
from oneiric_core.errors import LifecycleError
from oneiric_core.lifecycle import Handle, LifecycleManager, call_hook, find_hook
from oneiric_core.resolver import Explanation, Resolver

__all__ = ["Bridge"]


class Bridge:
    """Access to the components of one domain. Asking for a key that is not active activates its winner."""

    domain: ClassVar[Domain]

    def __init__(self, resolver: Resolver, lifecycle: LifecycleManager, clock: Clock = SYSTEM_CLOCK) -> None:
        self._resolver = resolver
        self._lifecycle = lifecycle
        self._clock = clock

    async def use(self, key: str, *, provider: str | None = None, capabilities: Iterable[str] = ()) -> Handle:
        """What is published under ``key``, activated first if need be: a snapshot, which only a lease protects.

        If something runs that is not of ``provider`` or lacks ``capabilities``, it is swapped for what meets them.

        :raises ResolutionError: there is no such candidate.
        :raises LifecycleError: it could not be activated.
        """
        wanted = frozenset((capabilities,) if isinstance(capabilities, str) else capabilities)
        handle = self._lifecycle.handle(self.domain, key)
        if handle is not None and _meets(handle, provider, wanted):
            return handle
        candidate = self._resolver.require(self.domain, key, provider, sorted(wanted))
        chosen = candidate.provider if provider or wanted else None
        await self._lifecycle.activate(self.domain, key, chosen)
        handle = self._lifecycle.handle(self.domain, key)
        if handle is None:
            raise LifecycleError(
                f"{candidate.name} was retired as soon as it was active", fix="Ask again", name=candidate.name
            )
        return handle

    @asynccontextmanager
    async def lease(self, key: str) -> AsyncIterator[Any]:
        """``async with bridge.lease(key) as instance:`` is the way to call one: a swap waits for the block to end.

        :raises ResolutionError: there is no such candidate.
        :raises LifecycleError: it could not be activated.
        """
        await self.use(key)
        async with self._lifecycle.lease(self.domain, key) as instance:
            yield instance

    def explain(self, key: str, capabilities: Iterable[str] = ()) -> Explanation:
        """Why the winner wins."""
        return self._resolver.explain(self.domain, key, capabilities)

    async def _call(self, key: str, *arguments: object, policy: CallPolicy | None = None) -> Any:
        """The domain's verb, on whatever is published when an attempt begins, under a lease."""
        handle = await self.use(key)
        bounds = CallPolicy.of(handle.candidate) if policy is None else policy
        return await bounds.run(partial(self._attempt, key, arguments), self._clock, f"{self.domain}/{key}")

    async def _attempt(self, key: str, arguments: tuple[object, ...]) -> Any:
        async with self.lease(key) as instance:
            handle = self._lifecycle.handle(self.domain, key)  # nothing has suspended since the lease: it is the same
            verb = DOMAINS[self.domain].verb
            method = find_hook(instance, (verb,))
            if handle is None or method is None:
                raise LifecycleError(
                    f"{self.domain}/{key} has no {verb}()", fix=f"Define {verb} in the component", key=key, verb=verb
                )
            call = partial(method, *arguments)
            if handle.candidate.metadata.get("blocking") is True:
                return await self._lifecycle.in_thread(call)
            return await call_hook(call)


def _meets(handle: Handle, provider: str | None, wanted: frozenset[str]) -> bool:
    return provider in (None, handle.provider) and (not wanted or wanted <= handle.candidate.capabilities)
