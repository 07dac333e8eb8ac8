"""Subjects that implement nothing. Each stands in for every reference component; none may ever be certified."""

import asyncio
import itertools
import os
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from unittest.mock import AsyncMock, MagicMock

from mutants import reference
from oneiric_conformance.subject import Package
from oneiric_core import EventEnvelope

__all__ = ["NULLS"]

_EVERYTHING: Final[Mapping[str, Any]] = {
    "capabilities": ["kv", "ttl", "blob", "secrets", "deterministic"],
    "side_effect_free": True,
    "deterministic": True,
}
_NOTHING: Final[Mapping[str, Any]] = {"capabilities": [], "side_effect_free": False}
_METHODS: Final = (
    *("init", "cleanup", "start", "stop", "status", "run", "handle", "execute"),
    *("get", "set", "delete", "clear", "save", "read", "list"),
)


def _methods(act: Callable[..., Any]) -> Callable[[type], type]:
    """Give a class every method a component can have, all doing the same."""

    def add(cls: type) -> type:
        for name in _METHODS:
            if not hasattr(cls, name):
                setattr(cls, name, act)
        return cls

    return add


async def _nothing(self: object, *args: object, **named: object) -> None:
    return None


async def _yes(self: object, *args: object, **named: object) -> bool:
    return True


async def _echo(self: object, *args: object, **named: object) -> object:
    return args[0] if args else {}


async def _wrap(self: object, *args: object, **named: object) -> dict[str, object]:
    return {"ok": True, "result": args[0] if args else {}}


_numbers: Final = itertools.count()


async def _count(self: object, *args: object, **named: object) -> dict[str, object]:
    return {"number": next(_numbers)}


async def _draw(self: object, *args: object, **named: object) -> dict[str, object]:
    return {"lot": random.SystemRandom().random(), "of": str(id(args))}


async def _tell_time(self: object, *args: object, **named: object) -> dict[str, object]:
    return {"at": time.time_ns()}


async def _no(self: object, *args: object, **named: object) -> None:
    raise ValueError("refused. Ask for something else.")


async def _fail(self: object, *args: object, **named: object) -> None:
    raise RuntimeError("it never works")


def _agree(self: object, *args: object, **words: object) -> None:
    """What every finding comes to."""


class _Healthy:
    async def health(self) -> bool:
        return True


@_methods(_nothing)
class DoesNothing(_Healthy):
    """Every method is there and returns None."""


@_methods(_yes)
class AcceptsEverything(_Healthy):
    """Every method says True."""


@_methods(_echo)
class GivesBack(_Healthy):
    """Every method gives back what it was given."""


@_methods(_wrap)
class GivesBackWrapped(_Healthy):
    """Every method says that it is done, and gives back what it was given."""


@_methods(_nothing)
class GivesBackTheTopic(_Healthy):
    """Of an event it gives back the topic."""

    async def handle(self, envelope: EventEnvelope) -> str:
        return envelope.topic


@_methods(_nothing)
class GivesBackTheHeaders(_Healthy):
    """Of an event it gives back the headers, which are others for each."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        return dict(envelope.headers)


@_methods(_nothing)
class GivesBackTheEvent(_Healthy):
    """It gives back all of an event."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        return {"topic": envelope.topic, "payload": dict(envelope.payload), "headers": dict(envelope.headers)}


@_methods(_nothing)
class SaysThatItHandled(_Healthy):
    """It says of each event that it was handled, and which one that was."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        return {"handled": True, "event": [envelope.headers.get("id"), envelope.topic, dict(envelope.payload)]}


@_methods(_count)
class Counts(_Healthy):
    """Every method says how many calls there have been."""


@_methods(_draw)
class DrawsLots(_Healthy):
    """Every method gives a number that nobody has seen before."""


@_methods(_tell_time)
class TellsTheTime(_Healthy):
    """Every method tells the time."""


@_methods(_nothing)
class SaysItRuns(_Healthy):
    """Being started and stopped, it says so and does nothing."""

    running = False

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def status(self) -> dict[str, bool]:
        return {"running": self.running}


@_methods(_no)
class RefusesEverything(_Healthy):
    """It comes up, and then refuses every piece of work with a clear message."""

    init = cleanup = start = stop = _nothing


@_methods(_fail)
class RaisesEverywhere:
    """Every method raises, its hooks too."""

    health = _fail


def raises_at_once() -> object:
    """A factory that raises."""
    raise RuntimeError("it never works")


class HasNothing:
    """No hooks, no verb."""


@_methods(_nothing)
class Hangs:
    """It never answers when asked for its health, and lets nobody else run meanwhile."""

    def health(self) -> bool:
        while True:
            time.sleep(0.05)


@_methods(_nothing)
class HangsWaiting(_Healthy):
    """Its factory works; everything it is asked to do waits for ever."""

    async def init(self) -> None:
        await asyncio.Event().wait()


def gives_none() -> None:
    """A factory that forgets to return anything."""


@_methods(_nothing)
class ExitsTheProcess(_Healthy):
    """Being cleaned up, it ends the process, successfully."""

    def cleanup(self) -> None:
        os._exit(0)


@_methods(_nothing)
class LeavesPolitely(_Healthy):
    """Coming up, it ends the process by an exception."""

    def init(self) -> None:
        raise SystemExit(0)


@_methods(_nothing)
class PatchesTheKit(_Healthy):
    """Coming up, it makes the kit agree to everything."""

    async def init(self) -> None:
        from oneiric_conformance.handling.bench import Bench  # noqa: PLC0415 - at the top it would come before the checks

        setattr(Bench, "expect", _agree)  # noqa: B010 - a plain assignment would be a type error, rightly


@_methods(_nothing)
class StopsTheClock(_Healthy):
    """Coming up, it makes every measurement of time come out well."""

    async def init(self) -> None:
        time.monotonic = lambda: 0.0


def returns_mocks() -> object:
    """A mock, which has every attribute there is; it even says that it is healthy."""
    made = AsyncMock()
    made.health.return_value = True
    return made


def returns_synchronous_mocks() -> object:
    """A mock whose methods return mocks."""
    made = MagicMock()
    made.health.return_value = True
    return made


def _package(factory: str, claims: Mapping[str, Any] | None = None) -> Package:
    subjects = [reference.subject_of(component, factory=factory) for component in reference.COMPONENTS]
    if claims is not None:
        subjects = [
            reference.subject_of(component, factory=factory, metadata={**subject.metadata, **claims})
            for component, subject in zip(reference.COMPONENTS, subjects, strict=True)
        ]
    return reference.package(*subjects, wheel=None)  # to build one here would be a write at import, and fail them all


def _here(made: Any) -> str:
    return f"{__name__}:{made.__name__}"


NULLS: Final[Mapping[str, Package]] = {
    "does nothing": _package(_here(DoesNothing)),
    "does nothing and claims nothing": _package(_here(DoesNothing), _NOTHING),
    "accepts everything": _package(_here(AcceptsEverything)),
    "accepts everything and claims nothing": _package(_here(AcceptsEverything), _NOTHING),
    "gives back what it was given": _package(_here(GivesBack), _NOTHING),
    "gives back what it was given, wrapped": _package(_here(GivesBackWrapped), _NOTHING),
    "gives back the topic": _package(_here(GivesBackTheTopic), _NOTHING),
    "gives back the headers": _package(_here(GivesBackTheHeaders), _NOTHING),
    "gives back the event": _package(_here(GivesBackTheEvent), _NOTHING),
    "says that it handled": _package(_here(SaysThatItHandled), _NOTHING),
    "counts its calls": _package(_here(Counts), _NOTHING),
    "draws lots": _package(_here(DrawsLots), _NOTHING),
    "tells the time": _package(_here(TellsTheTime), _NOTHING),
    "says that it runs": _package(_here(SaysItRuns), _NOTHING),
    "refuses everything": _package(_here(RefusesEverything), _NOTHING),
    "raises everywhere": _package(_here(RaisesEverywhere)),
    "raises at once": _package(_here(raises_at_once)),
    "claims everything": _package(_here(DoesNothing), _EVERYTHING),
    "claims nothing": _package(_here(HasNothing), _NOTHING),
    "hangs": _package(_here(Hangs)),
    "hangs waiting": _package(_here(HangsWaiting)),
    "gives None": _package(_here(gives_none)),
    "exits the process": _package(_here(ExitsTheProcess)),
    "leaves politely": _package(_here(LeavesPolitely)),
    "patches the kit": _package(_here(PatchesTheKit)),
    "patches the kit when imported": _package("mutants._patches_the_kit:Component"),
    "stops the clock": _package(_here(StopsTheClock)),
    "returns Mocks": _package(_here(returns_mocks), _NOTHING),
    "returns synchronous Mocks": _package(_here(returns_synchronous_mocks), _NOTHING),
}
"""By what is wrong with them: a package with one such component for each of the reference components."""
