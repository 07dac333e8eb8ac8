"""What is running under each key, and the one way in which it changes.

Under the slot's lock: build, init, health, ask whether it is still wanted, **publish** (one assignment, generation
+ 1), notify; then the former instance is retired, last. Several keys at once are locked in sorted order, all made
ready, and published without a suspension in between.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeAlias

from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.components import Candidate
from oneiric_core.discovery import default_allow, import_object
from oneiric_core.errors import LifecycleError, told
from oneiric_core.lifecycle.crew import Crew
from oneiric_core.lifecycle.exchange import Asked, Exchange
from oneiric_core.lifecycle.hooks import is_awaitable
from oneiric_core.lifecycle.making import Making
from oneiric_core.lifecycle.retire import Retirer
from oneiric_core.lifecycle.slot import Lease, Published, Slot
from oneiric_core.lifecycle.states import Handle, SlotStatus, Timeouts
from oneiric_core.lifecycle.swap import Attempt, Maker
from oneiric_core.resolver import Resolver, Undo

__all__ = ["LifecycleManager"]

_log = logging.getLogger(__name__)

_Name: TypeAlias = tuple[str, str]
_Retirement: TypeAlias = asyncio.Task[None] | None


def _import_allowed(path: str) -> object:
    return import_object(path, default_allow())


def _no_settings(_candidate: Candidate) -> Mapping[str, Any]:
    return MappingProxyType({})


class LifecycleManager:
    """Owns every instance it makes; ``async with`` it, or :meth:`stop` it.

    :param settings: gives a candidate's raw settings, which its ``settings_model`` validates.
    :param importer: turns the import path of a factory or settings model into what it names; the default allows our
        own components and the packages that announce components by entry points.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        clock: Clock = SYSTEM_CLOCK,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        settings: Callable[[Candidate], Mapping[str, Any]] = _no_settings,
        importer: Callable[[str], object] = _import_allowed,
    ) -> None:
        self._resolver = resolver
        self._timeouts = timeouts
        self._crew = Crew(clock)
        self._maker = Maker(self._crew, clock, timeouts, settings, importer)
        self._slots: dict[_Name, Slot] = {}
        self._published: dict[_Name, Published] = {}
        self._making = Making(self._maker, self._crew, self._notify)
        self._retirer = Retirer(self._crew, clock, timeouts, self._maker)
        self._observers: list[Callable[[SlotStatus], None]] = []
        self._stopping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # -- changes -------------------------------------------------------------------------------------------------------

    async def activate(self, domain: str, key: str, provider: str | None = None) -> object:
        """The instance of the winner (or of ``provider``), which is made and published unless it is already.

        :raises ResolutionError: there is no such candidate.
        :raises LifecycleError: it could not be made ready; what ran before still runs.
        """
        candidate = self._resolver.require(domain, key, provider)
        published = self._published.get((domain, key))
        if published is None or not _runs(published, candidate):
            [published], retiring = await self._change(self._asked({(domain, key): provider}), always=False)
            await _see_off(retiring)
        return published.instance

    async def swap(self, domain: str, key: str, provider: str | None = None) -> object:
        """Make a new instance of the winner (or of ``provider``), publish it, and retire the former one.

        Returns when the former instance is cleaned up; if calls in flight hold it, at once.

        :raises ResolutionError: there is no such candidate.
        :raises LifecycleError: it could not be made ready; what ran before still runs.
        """
        [published], retiring = await self._change(self._asked({(domain, key): provider}), always=True)
        await _see_off(retiring)
        return published.instance

    async def swap_many(
        self, targets: Iterable[tuple[str, str, str | None]], *, retire: Iterable[tuple[str, str]] = ()
    ) -> list[Handle]:
        """Swap several keys as one: all of (domain, key, provider or None), or none. Handles come in order of name.

        Nothing suspends after the publication, so whatever this raises, cancellation included, means that none was
        swapped, and none retired. The former instances are retired in the background.

        :param retire: names under which nothing is published any more, from the same moment on.
        :raises ResolutionError: a candidate is missing.
        :raises SwapError: one could not be made ready; ``failures`` has the reason by name.
        """
        wanted = self._asked({(domain, key): provider for domain, key, provider in targets})
        swapped, _ = await self._change(wanted, always=True, gone=frozenset(retire))
        return [published.handle for published in swapped]

    async def exchange(self, exchange: Exchange) -> list[Handle]:
        """The same for candidates that need not be registered yet, and are when :meth:`Exchange.commit` returns.

        :raises Exception: what ``exchange`` raises, too; then none was swapped.
        """
        swapped, _ = await self._change(exchange, always=True, gone=exchange.retire)
        return [published.handle for published in swapped]

    async def retire(self, domain: str, key: str) -> None:
        """Publish nothing any more and clean up; does nothing if nothing is published.

        Returns when the instance is cleaned up; if calls in flight hold it, at once.
        """
        slot = self._slots.get((domain, key))
        if slot is None:
            return
        async with slot.lock:
            retirement = self._withdraw((domain, key))
        await _see_off([retirement])

    async def stop(self) -> None:
        """Retire everything, the latest activated first, and wait until nothing of ours is left. Idempotent."""
        if self._stopping is None:
            self._stopping = self._crew.start(self._stop())
        await asyncio.shield(self._stopping)

    # -- questions -----------------------------------------------------------------------------------------------------

    def handle(self, domain: str, key: str) -> Handle | None:
        """A snapshot of what is published."""
        published = self._published.get((domain, key))
        return None if published is None else published.handle

    def get_instance(self, domain: str, key: str) -> object | None:
        """The published instance, or None. It is not protected from retirement."""
        published = self._published.get((domain, key))
        return None if published is None else published.instance

    def lease(self, domain: str, key: str) -> Lease:
        """``async with`` it to have the published instance, protected until the block ends.

        :raises LifecycleError: on entering: nothing is published.
        """
        return Lease(lambda: self._find(domain, key))

    def status(self, domain: str, key: str) -> SlotStatus:
        slot = self._slots.get((domain, key))
        if slot is None:
            return SlotStatus(str(domain), key)
        return slot.status(self._published.get((domain, key)))

    def all_statuses(self) -> list[SlotStatus]:
        """Every slot that was ever asked for, by name."""
        return [self.status(*name) for name in sorted(self._slots)]

    async def in_thread(self, call: Callable[[], object]) -> object:
        """``call`` in a worker thread of ours, and if it gives an awaitable, what comes of that.

        A thread cannot be stopped: cancellation and timeouts wait for its end, so that it never outlives a lease.
        """
        result = await self._crew.in_thread(call)
        return await result if is_awaitable(result) else result

    def observe(self, observer: Callable[[SlotStatus], None]) -> Undo:
        """Call ``observer`` with the status after each publication, failure and retirement.

        What it raises becomes the slot's warning and stops nothing.
        """
        self._observers.append(observer)

        def undo() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return undo

    # -- the swap ------------------------------------------------------------------------------------------------------

    async def _change(
        self, exchange: Exchange, *, always: bool, gone: AbstractSet[_Name] = frozenset()
    ) -> tuple[list[Published], list[_Retirement]]:
        """What is published under the names now, and the former instances on their way out."""
        self._refuse_when_stopped()
        names = sorted(exchange.choose())  # no slot is made for a name nobody answers to
        leaving = sorted(gone & self._slots.keys())
        locks = [self._slot(name).lock for name in sorted({*names, *leaving})]
        held = 0
        try:
            for lock in locks:
                await lock.acquire()
                held += 1
            result = await self._change_locked(names, exchange, always=always)
            for name in leaving:
                self._withdraw(name)
            return result
        finally:
            for lock in locks[:held]:
                lock.release()

    async def _change_locked(
        self, names: list[_Name], exchange: Exchange, *, always: bool
    ) -> tuple[list[Published], list[_Retirement]]:
        attempts: dict[_Name, Attempt] | None = None
        while attempts is None:  # what was chosen meanwhile is made instead
            self._refuse_when_stopped()
            chosen = exchange.choose()
            wanted = {name: each for name, each in chosen.items() if always or not self._serves(name, each)}
            attempts = await self._make(wanted, partial(self._stands, exchange, chosen))
        former = [(self._slots[name], self._publish(name, attempt)) for name, attempt in attempts.items()]
        result = [self._published[name] for name in names]
        for slot, _ in former:
            self._notify(slot)
        return result, [self._retirer.retire(slot, old) for slot, old in former if old is not None]

    async def _make(
        self, candidates: Mapping[_Name, Candidate], stands: Callable[[], bool]
    ) -> dict[_Name, Attempt] | None:
        return await self._making.make(self._slots, candidates, stands)

    def _stands(self, exchange: Exchange, chosen: Mapping[_Name, Candidate]) -> bool:
        self._refuse_when_stopped()
        return exchange.commit(chosen)

    def _asked(self, wanted: Mapping[_Name, str | None]) -> Exchange:
        return Asked(self._resolver, wanted)

    def _publish(self, name: _Name, attempt: Attempt) -> Published | None:
        """One assignment; gives what was published before."""
        slot = self._slots[name]
        former = self._published.get(name)
        slot.generation += 1
        slot.error = slot.warning = ""
        slot.seconds = MappingProxyType(dict(attempt.seconds))
        self._published[name] = Published(attempt, slot.generation)
        return former

    def _withdraw(self, name: _Name) -> _Retirement:
        """Publish nothing any more under a name whose lock is held; gives what may be waited for."""
        published, slot = self._published.pop(name, None), self._slots[name]
        if published is None:
            return None
        slot.error = ""
        self._notify(slot)
        return self._retirer.retire(slot, published)

    async def _stop(self) -> None:
        self._maker.close()
        latest_first = [(self._slots[name], self._published.pop(name)) for name in [*reversed(self._published)]]
        for slot, _ in latest_first:
            self._notify(slot)
        await self._retirer.retire_in_order(latest_first)
        left = await self._crew.close(2 * self._timeouts.cleanup)
        if left:
            _log.warning("%d calls into components ignored their cancellation and still run", left)

    # -- within --------------------------------------------------------------------------------------------------------

    def _slot(self, name: _Name) -> Slot:
        if name not in self._slots:
            self._slots[name] = Slot(str(name[0]), name[1])
        return self._slots[name]

    def _serves(self, name: _Name, candidate: Candidate) -> bool:
        published = self._published.get(name)
        return published is not None and _runs(published, candidate)

    def _find(self, domain: str, key: str) -> Published:
        published = self._published.get((domain, key))
        if published is None:
            raise LifecycleError(f"nothing is active under {domain}/{key}", fix="Activate it first", name=(domain, key))
        return published

    def _notify(self, slot: Slot) -> None:
        for observer in [*self._observers]:
            try:
                observer(slot.status(self._published.get((slot.domain, slot.key))))
            except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001 - it must not undo what it sees
                slot.warn(f"an observer raised {told(error)}")

    def _refuse_when_stopped(self) -> None:
        if self._stopping is not None:
            raise LifecycleError("the lifecycle manager was stopped", fix="Make a new one")


def _runs(published: Published, candidate: Candidate) -> bool:
    running = published.handle.candidate
    return running is candidate or running == candidate


async def _see_off(retirements: list[_Retirement]) -> None:
    under_way = [each for each in retirements if each is not None]
    if under_way:
        await asyncio.wait(under_way)
