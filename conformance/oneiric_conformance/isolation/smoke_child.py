"""The first run of one component, inside a process made for it: import, build, use once, clean up, tell.

It must stay small: what is loaded here is loaded once for every component, before its own modules.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from oneiric_conformance.finding.declarations import load
from oneiric_conformance.handling.planting import plant_known
from oneiric_conformance.handling.settings import declared, filled
from oneiric_conformance.isolation.fingerprint import noting_imports, take_fingerprint
from oneiric_conformance.isolation.telling import Over, Streams, Teller, answer_where, side_effects
from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_conformance.observing.watch import watching
from oneiric_conformance.subject import EntryPointName, Subject
from oneiric_core.testing import call_hook, construct, find_hook, import_object, make_settings, wants_settings

__all__ = ["forked", "imported", "live", "main"]

Use: TypeAlias = Callable[[Mapping[str, Any], object, Teller], Awaitable[None]]


def main(request: Mapping[str, Any], descriptor: int) -> None:
    """Run one component and tell the parent.

    :param request: made by :func:`oneiric_conformance.isolation.smoke.smoke`.
    :param descriptor: the pipe to the parent.
    """
    teller, box, streams = Teller(descriptor), Sandbox(Path(request["root"])), Streams()
    with watching() as record, noting_imports(fingerprint := take_fingerprint()):
        box.record = record
        try:
            with teller.stage("import"):
                subject = imported(request)
        except Over:
            subject = None
        teller.tell(side_effects=side_effects(record))
        if subject is not None and request["live"]:
            _finish(request, subject, teller, box)
        teller.tell(changes=fingerprint.differences(), closed=streams.closed(), trespasses=box.trespasses())
        teller.tell(done=True)


def imported(request: Mapping[str, Any]) -> Subject:
    """The subject with everything its first use would import."""
    point = EntryPointName(*request["entry_point"]) if request["entry_point"] else None
    factory, model = request["factory"], request["settings_model"]
    if point is not None and factory is None:
        for found in load(point):
            if found.error:
                raise ImportError(found.error)
    if factory is not None:
        made = import_object(factory, None)
        if not callable(made):
            raise TypeError(f"the factory {factory} is a {type(made).__name__}, which cannot be called")
        factory = made
    if isinstance(model, str):
        model = import_object(model, None)
    return Subject("", "", "", factory=factory, settings_model=model, settings=request["settings"])


def forked(request: Mapping[str, Any], subject: Subject, descriptor: int) -> None:
    """The same from building on, in a copy of the parent, for a factory that cannot be imported."""
    answer_where()
    teller, box, streams = Teller(descriptor), Sandbox(Path(request["root"])), Streams()
    os.environ.update(box.environment({}))
    with watching() as record:
        box.record, fingerprint = record, take_fingerprint()
        _finish(request, subject, teller, box)
        teller.tell(changes=fingerprint.differences(), closed=streams.closed(), trespasses=box.trespasses())
        teller.tell(done=True)


def _finish(request: Mapping[str, Any], subject: Subject, teller: Teller, box: Sandbox) -> None:
    """The subject's life on a loop of its own; what it left there is the leak checks' business."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(live(request, subject, teller, box))
    loop.close()


async def live(
    request: Mapping[str, Any], subject: Subject, teller: Teller, box: Sandbox, use: Use | None = None
) -> None:
    """Build, init, start, ask for health, use, clean up. A failure before use goes straight to clean-up.

    :param use: what is done with it; by default it does its work once.
    """
    limits = request["limits"]
    instance: object = None
    try:
        with teller.stage("settings"):
            _refuse_dropped(subject)
            settings = make_settings(subject.settings_model, filled(declared(subject), box))
            if request["planted"]:
                plant_known(settings, box.path)
        async with teller.timed("factory", limits["init"]):
            instance = await construct(subject.factory, settings)
    except Over:
        return
    try:
        await _up(request, instance, teller)
        await (use or _used)(request, instance, teller)
    except Over:
        pass  # it has been told, and clean-up is owed all the same
    finally:
        await _down(request, instance, teller)


def _refuse_dropped(subject: Subject) -> None:
    """Refuse settings that somebody wrote for a component whose factory does not ask for any."""
    if subject.settings and not wants_settings(subject.factory):
        raise TypeError(
            f"its factory has no parameter named settings, so {', '.join(subject.settings)} would reach nobody"
        )


async def _up(request: Mapping[str, Any], instance: object, teller: Teller) -> None:
    limits, hooks = request["limits"], request["hooks"]
    for stage in ("init", "start"):
        hook = find_hook(instance, hooks[stage])
        if hook is not None:
            async with teller.timed(stage, limits["init"]):
                await call_hook(hook)
    hook = find_hook(instance, hooks["health"])
    if hook is not None:
        async with teller.timed("health", limits["health"]):
            answer = await call_hook(hook)
            if answer is not True:
                raise ValueError(f"it answered {answer!r:.80}; only True is healthy")


async def _used(request: Mapping[str, Any], instance: object, teller: Teller) -> None:
    verb = find_hook(instance, request["hooks"]["verb"])
    if verb is not None:
        async with teller.timed("verb", request["limits"]["verb"]):
            await call_hook(_bound(verb, request))


async def _down(request: Mapping[str, Any], instance: object, teller: Teller) -> None:
    hooks, seconds = request["hooks"], request["limits"]["cleanup"]
    for stage in ("stop", "cleanup"):
        hook = find_hook(instance, hooks[stage])
        if hook is not None:
            try:
                async with teller.timed(stage, seconds):
                    await call_hook(hook)
            except Over:
                continue


def _bound(verb: Callable[..., object], request: Mapping[str, Any]) -> Callable[[], object]:
    """The verb with what its domain gives it: nothing, a payload, or an event."""
    kind, payload = request["given"], request["payload"]
    if kind == "nothing":
        return verb
    if kind == "payload":
        return lambda: verb(payload)
    from oneiric_core import EventEnvelope  # noqa: PLC0415 - the other domains are spared it

    return lambda: verb(EventEnvelope(request["topic"], payload, {}))
