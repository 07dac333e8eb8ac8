"""One slot per key: its lock, what is said of it, what is published in it, and the leases on that."""

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType

from oneiric_core.lifecycle.states import Handle, SlotStatus, State
from oneiric_core.lifecycle.swap import Attempt

__all__ = ["Lease", "Published", "Slot"]


class Published:
    """A published instance and the calls in flight on it."""

    __slots__ = ("attempt", "handle", "instance", "leases", "released")

    def __init__(self, attempt: Attempt, generation: int) -> None:
        self.attempt = attempt
        self.instance = attempt.instance
        self.handle = Handle(attempt.candidate, generation, attempt.instance)
        self.leases = 0
        self.released = asyncio.Event()

    async def drained(self) -> None:
        """Return when no call is in flight any more. To be asked once it is no longer published."""
        while self.leases:
            self.released.clear()
            await self.released.wait()


class Lease:
    """``async with`` this: the instance it gives is not cleaned up before the block ends or the drain deadline.

    Entering and leaving do not suspend, so that no swap comes between finding the instance and holding it.
    """

    __slots__ = ("_find", "_published")

    def __init__(self, find: Callable[[], Published]) -> None:
        self._find = find
        self._published: Published | None = None

    async def __aenter__(self) -> object:
        if self._published is not None:
            raise RuntimeError("this lease is held already. Ask for another one.")
        self._published = self._find()
        self._published.leases += 1
        return self._published.instance

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        published, self._published = self._published, None
        if published is not None:
            published.leases -= 1
            published.released.set()


class Slot:
    """What is known of one domain and key."""

    def __init__(self, domain: str, key: str) -> None:
        self.domain = domain
        self.key = key
        self.lock = asyncio.Lock()
        self.generation = 0
        self.attempting = False
        self.error = ""
        self.warning = ""
        self.draining = 0
        self.seconds: Mapping[str, float] = MappingProxyType({})

    def warn(self, text: str) -> None:
        self.warning = f"{self.warning}; {text}" if self.warning else text

    def status(self, published: Published | None) -> SlotStatus:
        return SlotStatus(
            self.domain,
            self.key,
            "" if published is None else published.handle.provider,
            self.generation,
            self._state(published),
            self.error,
            self.warning,
            0 if published is None else published.leases,
            self.draining,
            self.seconds,
        )

    def _state(self, published: Published | None) -> State:
        if self.attempting:
            return State.ACTIVATING if published is None else State.SWAPPING
        if published is not None:
            return State.ACTIVE
        if self.error:
            return State.FAILED
        return State.RETIRED if self.generation else State.EMPTY
