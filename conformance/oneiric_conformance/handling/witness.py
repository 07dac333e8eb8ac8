"""Seeing every instance a factory makes, and what is done to it, whatever the runtime says about it."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

from oneiric_core.testing import CLEANUP_HOOKS, HEALTH_HOOKS, INIT_HOOKS, call_hook, construct, find_hook, import_object

__all__ = ["Gate", "Tracker", "Watched", "Witness"]


class Gate:
    """A place where instances can be held: they arrive, and wait until it is opened."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.opened = asyncio.Event()

    async def pass_through(self) -> None:
        self.arrived.set()
        await self.opened.wait()


class Witness:
    """A factory that makes the subject's instances, each inside a :class:`Watched`.

    :param verb: the method whose calls are recorded, and held at ``work_gate``; empty for none.
    :ivar seen: every instance made so far, in order.
    :ivar health_gate: if set, where a healthy instance waits before it says so.
    :ivar work_gate: if set, where a call of the verb waits before it begins.
    """

    def __init__(self, factory: str | Callable[..., object], verb: str = "") -> None:
        self.seen: list[Watched] = []
        self.health_gate: Gate | None = None
        self.work_gate: Gate | None = None
        self.verb = verb
        self._factory = factory

    async def __call__(self, settings: object = None) -> object:
        factory: Any = import_object(self._factory, None) if isinstance(self._factory, str) else self._factory
        watched = Watched(await construct(factory, settings), self)
        self.seen.append(watched)
        return watched

    def left(self, live: object = None) -> list["Watched"]:
        """Instances that were not cleaned up exactly once, the live one left out."""
        return [watched for watched in self.seen if watched is not live and watched.cleanups != 1]


class Watched:
    """The component itself, but for its hooks and its verb, which are counted and passed on.

    :ivar cleanups: how often it was cleaned up.
    :ivar calls: how often its verb was called.
    :ivar hooks: the hooks that were called, in order.
    """

    def __init__(self, inner: object, witness: "Witness") -> None:
        self.inner = inner
        self.cleanups = 0
        self.calls = 0
        self.hooks: list[str] = []
        self._witness = witness

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return self._recorded(found) if name == self._witness.verb and callable(found) else found

    async def init(self) -> None:
        self.hooks.append("init")
        await _do(self.inner, INIT_HOOKS)

    async def health(self) -> object:
        self.hooks.append("health")
        answer = await _do(self.inner, HEALTH_HOOKS)
        if self._witness.health_gate is not None:
            await self._witness.health_gate.pass_through()
        return answer

    async def cleanup(self) -> None:
        self.cleanups += 1
        self.hooks.append("cleanup")
        await _do(self.inner, CLEANUP_HOOKS)

    def _recorded(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        async def recorded(*arguments: Any) -> object:
            self.calls += 1
            if self._witness.work_gate is not None:
                await self._witness.work_gate.pass_through()
            return await call_hook(lambda: verb(*arguments))

        return recorded


class Tracker:
    """The subject's factory; remembers its instances without keeping them alive."""

    def __init__(self, factory: str | Callable[..., object]) -> None:
        self.made = 0
        self._factory = factory
        self._known: list[weakref.ref[Any]] = []
        self._kinds: set[type] = set()

    async def __call__(self, settings: object = None) -> object:
        factory: Any = import_object(self._factory, None) if isinstance(self._factory, str) else self._factory
        instance = await construct(factory, settings)
        self.made += 1
        try:
            self._known.append(weakref.ref(instance))
        except TypeError:  # slots without __weakref__: those are counted by their type
            self._kinds.add(type(instance))
        return instance

    def alive(self) -> int:
        """How many instances there still are."""
        gc.collect()
        referred = len({id(found) for known in self._known if (found := known()) is not None})
        return referred + (sum(type(item) in self._kinds for item in gc.get_objects()) if self._kinds else 0)


async def _do(instance: object, names: tuple[str, ...]) -> object:
    hook = find_hook(instance, names)
    return True if hook is None else await call_hook(hook)
