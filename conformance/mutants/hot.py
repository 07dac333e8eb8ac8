"""Components that cannot be replaced while they are in use, and runtimes that replace them wrongly."""

import asyncio
from contextlib import nullcontext
from typing import Any, ClassVar

from mutants import mutant, reference
from oneiric_core import CandidateSource, LifecycleManager, Timeouts
from oneiric_core.testing import CoreRuntime


class Managed(CoreRuntime):
    """Our own runtime with another lifecycle manager."""

    manager: ClassVar[type[LifecycleManager]] = LifecycleManager

    def _make_lifecycle(self, resolver: Any, limits: Any) -> LifecycleManager:
        timeouts = Timeouts(activation=limits.init, health=limits.health, cleanup=limits.cleanup, drain=limits.drain)
        return self.manager(resolver, timeouts=timeouts, settings=self._settings_of, importer=self._import)


class _PublishesUnprobed(LifecycleManager):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        maker: Any = self._maker
        self._published_unprobed: list[Any] = []
        self._probe, maker._probe = maker._probe, self._later  # noqa: SLF001 - wrong on purpose, inside

    async def _later(self, attempt: Any) -> None:
        self._published_unprobed.append(attempt)

    async def activate(self, domain: str, key: str, provider: str | None = None) -> Any:
        return await self._probed(await super().activate(domain, key, provider))

    async def swap(self, domain: str, key: str, provider: str | None = None) -> Any:
        return await self._probed(await super().swap(domain, key, provider))

    async def _probed(self, instance: Any) -> Any:
        while self._published_unprobed:
            await self._probe(self._published_unprobed.pop())
        return instance


class _HoldsNothing(LifecycleManager):
    def lease(self, domain: str, key: str) -> Any:
        return nullcontext(self.get_instance(domain, key))


class _CountsFailures(LifecycleManager):
    async def _make(self, candidates: Any, stands: Any) -> Any:
        try:
            return await super()._make(candidates, stands)
        except BaseException:
            for name in candidates:
                self._slots[name].generation += 1
            raise


class _Silent(LifecycleManager):
    def _notify(self, slot: Any) -> None:
        slot.error = ""


class _DropsLate(LifecycleManager):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        maker: Any = self._maker
        self._reap, maker._reap = maker._reap, self._drop  # noqa: SLF001 - wrong on purpose, inside

    async def _drop(self, attempt: Any) -> None:
        before = attempt.task is not None and "factory" not in attempt.seconds
        if before:
            attempt.task.cancel()
            await asyncio.wait({attempt.task})
        else:
            await self._reap(attempt)


class _CleansTwice(LifecycleManager):
    async def swap(self, domain: str, key: str, provider: str | None = None) -> Any:
        former: Any = self.get_instance(domain, key)
        instance = await super().swap(domain, key, provider)
        await former.cleanup()
        return instance


class _Remembers(LifecycleManager):
    def _publish(self, name: Any, attempt: Any) -> Any:
        self.history: list[Any] = [*getattr(self, "history", ()), attempt.instance]
        return super()._publish(name, attempt)


class _StartsTimers(LifecycleManager):
    def _publish(self, name: Any, attempt: Any) -> Any:
        timer = asyncio.ensure_future(asyncio.sleep(60))
        self.timers: list[Any] = [*getattr(self, "timers", ()), timer]
        return super()._publish(name, attempt)


@mutant("HOT-001", expects="readers got the new one", also={"HOT-004": "what is unhealthy is published as well"})
class PublishesBeforeHealth(Managed):
    """Publishes first and asks for the health afterwards."""

    manager = _PublishesUnprobed


@mutant(
    "HOT-001",
    expects="readers got nothing",
    also=dict.fromkeys(("HOT-003", "HOT-004"), "nothing is published while the next one is built"),
)
class StopsBeforeItStarts(CoreRuntime):
    """Retires the old instance before it builds the new one."""

    async def swap(self, domain: str, key: str, provider: str | None = None) -> Any:
        await self.parts.lifecycle.retire(domain, key)
        return await super().swap(domain, key, provider)


@mutant("HOT-001", expects="cleaned up 2 times", also=dict.fromkeys(("HOT-003", "HOT-008"), "it does so always"))
class CleansTwice(Managed):
    """Cleans the old instance up twice."""

    manager = _CleansTwice


@mutant(
    "HOT-003",
    expects="cleaned up while a call used it",
    also={"HOT-006": "a call is under way there as well"},
)
class CleansBeforeDraining(Managed):
    """Cleans the old instance up without waiting for the calls in flight."""

    manager = _HoldsNothing


@mutant("HOT-004", expects="the status went from")
class ForgetsToRollBack(Managed):
    """Counts a generation for a candidate that failed."""

    manager = _CountsFailures


@mutant("HOT-004", expects="the status has no error")
class KeepsSilent(Managed):
    """Does not say why a candidate was refused."""

    manager = _Silent


@mutant("HOT-004", expects="delivers after its time")
class LeaksTheLateInstance(Managed):
    """Forgets the instance of a factory that had run out of time."""

    manager = _DropsLate


@mutant("HOT-005", expects="still kept alive")
class KeepsOldInstances(Managed):
    """Keeps a history of all instances it ever published."""

    manager = _Remembers


@mutant("HOT-005", expects="task")
class StartsTimers(Managed):
    """Starts a timer with each publication and never stops one."""

    manager = _StartsTimers


@mutant("HOT-008", expects="was refused")
class ForgetsTheFormerCandidate(CoreRuntime):
    """Forgets the candidate it has swapped away from."""

    async def swap(self, domain: str, key: str, provider: str | None = None) -> Any:
        before = self.parts.lifecycle.handle(domain, key)
        answer = await super().swap(domain, key, provider)
        after = self.parts.lifecycle.handle(domain, key)
        if before and after and before.candidate.provider != after.candidate.provider:
            kept = [each for each in self.parts.resolver.candidates(domain) if each != before.candidate]
            self.parts.resolver.replace_source(CandidateSource.MANUAL, "", kept)
        return answer


_SAME_PLACE = "whatever one instance takes from another in the same place is missed in every swap"


@mutant(
    "HOT-001",
    expects="after a swap, the live instance's health() answers False",
    also=dict.fromkeys(("HOT-004", "HOT-005", "HOT-008"), _SAME_PLACE),
)
class RemovesTheMark(reference.Folder):
    """Its clean-up removes the mark by which its successor in the same directory is known to be open."""

    async def init(self) -> None:
        await super().init()
        (self._root.parent / "open").touch()

    async def health(self) -> bool:
        return (self._root.parent / "open").exists()

    async def cleanup(self) -> None:
        (self._root.parent / "open").unlink(missing_ok=True)


class _Wiping(reference.Folder):
    def wipe(self) -> None:
        for path in self._root.glob("*"):
            path.unlink()


@mutant("HOT-003", expects="what it keeps has become None", also={"HOT-004": _SAME_PLACE})
class WipesOnInit(_Wiping):
    """Its ``init()`` empties the directory in which another instance still works."""

    async def init(self) -> None:
        await super().init()
        self.wipe()


@mutant("HOT-004", expects="what it keeps has become None")
class WipesOnCleanup(_Wiping):
    """Its clean-up empties the directory in which another instance still works."""

    async def cleanup(self) -> None:
        await super().cleanup()
        self.wipe()


@mutant(
    "HOT-003",
    expects="a call that began before the swap raised RuntimeError",
    also={"HOT-004": "a candidate that fails afterwards has come up there as well"},
)
class LocksTheOthers(reference.Vault):
    """Gives secrets as long as no other instance has come up."""

    last: ClassVar[Any] = None

    async def init(self) -> None:
        await super().init()
        type(self).last = self

    async def get_secret(self, secret_id: str) -> str | None:
        if self.last is not self:
            raise RuntimeError("another one has taken over")
        return await super().get_secret(secret_id)


@mutant("HOT-005", expects="still kept alive")
class ListsItself(reference.Slugify):
    """Puts itself on a list and never takes itself off."""

    everyone: ClassVar[list[Any]] = []

    async def init(self) -> None:
        await super().init()
        self.everyone.append(self)


@mutant("HOT-005", expects="still kept alive")
class ListsItselfWhenUsed(reference.Meter):
    """Has no work but what its exercise shows, and puts itself there on a list and never takes itself off."""

    everyone: ClassVar[list[Any]] = []

    async def add(self, amount: int) -> int:
        self.everyone.append(self)
        return await super().add(amount)


@mutant("HOT-005", expects="still kept alive")
class ListsItselfWithSlots:
    """Puts itself on a list and never takes itself off; having slots, it cannot be referred to weakly."""

    __slots__ = ("_ready",)
    metadata = reference.Slugify.metadata
    everyone: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        self._ready = False

    async def init(self) -> None:
        self._ready = True
        self.everyone.append(self)

    async def health(self) -> bool:
        return self._ready

    async def cleanup(self) -> None:
        self._ready = False

    async def execute(self, payload: Any) -> Any:
        slugify: Any = reference.Slugify()
        return await slugify.execute(payload)


@mutant(
    "HOT-008",
    expects="was refused",
    also=dict.fromkeys(("HOT-001", "HOT-003", "HOT-004", "HOT-005", "HOT-007"), "it cannot be swapped at all"),
)
class TakesThePlaceForGood(reference.Folder):
    """Marks its directory as taken, refuses one that is, and never gives it back."""

    async def init(self) -> None:
        self._root.parent.joinpath("taken").touch(exist_ok=False)
        await super().init()


@mutant("HOT-005", expects="still kept alive")
class KeepsWhatItClears(reference.Cache):
    """Puts itself, when it is cleared, on a list of what could be taken back, and never takes itself off."""

    cleared: ClassVar[list[Any]] = []

    async def clear(self) -> None:
        self.cleared.append(self)
        await super().clear()
