"""EVT: what an event handler promises."""

import asyncio
import copy
from typing import Any, Final

from hypothesis import strategies as st

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.evidence import own_work
from oneiric_conformance.handling.filters import hears, missed
from oneiric_conformance.handling.payloads import NASTY, OBJECTS
from oneiric_conformance.handling.plain import same
from oneiric_conformance.handling.staging import Stage, staged, until
from oneiric_conformance.handling.witness import Gate
from oneiric_conformance.handling.work import answered, ask, at_each_topic, inputs, verb_of, working
from oneiric_conformance.judging.findings import Finding, described, shown
from oneiric_conformance.observing.disk import tree
from oneiric_conformance.registry import check
from oneiric_core import Domain, EventEnvelope

__all__: list[str] = []

_EVENTS: Final = 4
_MANY: Final = 20
_TURNS: Final = 20


@check("EVT-001", judges="component", level="must", since="2026.1", floor=2, domains=[Domain.EVENT], exercises=True)
def handles_its_topics(bench: Bench) -> None:
    """An event of each declared topic that passes the declared filters is handled; the result is None or plain JSON
    data.

    Troubleshooting: a handler that needs something its filters do not ask for (add a filter with ``exists``), a topic
    that the handler's own code does not know, or a result that is an object of your own.
    """
    with bench.control("it is healthy and has something that handles"), working(bench) as instance:
        verb_of(bench, instance)
        answer = bench.run(bench.health(instance))
        bench.expect(answer is True, seen=f"health() answered {answer!r}", expected="True")
    bench.run(_handled(bench))


async def _handled(bench: Bench) -> None:
    subject, results = bench.subject, []
    with bench.sandbox() as box:
        async with bench.runtime() as runtime:
            verdict = await runtime.register(bench.spec(box))
            bench.expect(verdict.ok, seen=f"registering it was refused: {verdict.reason}", expected="a registration")
            verdict = await runtime.activate(subject.domain, subject.key, subject.provider)
            bench.expect(verdict.ok, seen=f"the activation was refused: {verdict.reason}", expected="an activation")
            before = tree(box.path)
            for envelope in bench.each(inputs(bench)):
                event = _as_event(envelope)
                with bench.asking(f"an event of topic {envelope.topic}"):
                    result = await runtime.call(subject.domain, subject.key, copy.deepcopy(event))
                answered(bench, f"handle() of topic {envelope.topic}", result)
                results.append((event, result))
                bench.exercised()
            wrote = tree(box.path) != before

            async def again(event: dict[str, Any]) -> Any:
                return await runtime.call(subject.domain, subject.key, copy.deepcopy(event))

            bench.behaved(await own_work(results, again, parts=_parts) or int(wrote))


def _as_event(envelope: EventEnvelope) -> dict[str, Any]:
    return {"topic": envelope.topic, "payload": dict(envelope.payload), "headers": dict(envelope.headers)}


def _parts(event: dict[str, Any]) -> dict[str, Any]:
    """All that a handler could hand back without having done anything."""
    return {**event, "event": event, **{f"headers.{name}": value for name, value in event["headers"].items()}}


@check("EVT-003", judges="component", level="must", since="2026.1", domains=[Domain.EVENT])
def leaves_the_envelope_as_it_was(bench: Bench) -> None:
    """A handler does not change the event: topic, payload and headers are afterwards what they were, at any depth.

    Others are given the same event.

    Troubleshooting: ``payload.pop``, ``setdefault``, ``sort`` or ``update`` on what was passed in. Work on a copy.
    """
    with working(bench) as instance:
        handle = verb_of(bench, instance)
        with bench.control("it handles an event"):
            bench.run(ask(handle, copy.deepcopy(inputs(bench)[0])))

        def handled(payload: Any) -> None:
            for envelope in at_each_topic(bench.subject.metadata, payload, NESTED):
                _expect_unchanged(bench, handle, envelope)

        strategy, nasty = bench.payloads()
        bench.for_all(strategy, handled, nasty=nasty)


NESTED: Any = {"list": [3, 1, 2], "object": {"b": [{"a": 1}]}, "text": " Text ", "number": 1, "none": None}


def _expect_unchanged(bench: Bench, handle: Any, envelope: EventEnvelope) -> None:
    before = _as_event(copy.deepcopy(envelope))
    try:
        bench.run(ask(handle, envelope))
        ended = ""
    except Finding:
        raise
    except Exception as error:  # noqa: BLE001 - whether it may raise is for EVT-002 to say
        ended = f" (it ended with {described(error)})"
    after = _as_event(envelope)
    for part, was in before.items():
        seen = f"the {part} went from {shown(was, 100)} to {shown(after[part], 100)}{ended}"
        bench.expect(same(after[part], was), seen=seen, expected="the same as before")


@check("EVT-002", judges="component", level="must", since="2026.1", floor=8, domains=[Domain.EVENT])
def whatever_comes_ends_in_time(bench: Bench) -> None:
    """Any payload, under any topic, ends in a result or an ordinary exception, within its ``timeout_seconds`` (else the
    time that ``init()`` has).

    Troubleshooting: a loop or a wait that a missing field keeps from ending, ``sys.exit``, or a ``CancelledError`` that
    nothing had cancelled.
    """
    declared = bench.subject.metadata.get("timeout_seconds")
    seconds = float(declared) if isinstance(declared, int | float) and declared > 0 else bench.limits.init
    with working(bench) as instance:
        handle = verb_of(bench, instance)
        with bench.control("it handles an event that is for it"):
            bench.run(ask(handle, copy.deepcopy(inputs(bench)[0])), seconds)

        def ends(event: tuple[str, Any, Any]) -> None:
            try:
                bench.run(ask(handle, EventEnvelope(*copy.deepcopy(event))), seconds)
            except Finding:
                raise
            except Exception:  # noqa: BLE001, S110 - an ordinary exception is one of the two good ends
                pass

        topics = [*(bench.subject.metadata.get("topics") or ()), "", "conformance.undeclared", "a" * 1000]
        nasty: list[tuple[str, Any, Any]] = [(topic, payload, {}) for topic in topics for payload in NASTY]
        events = st.tuples(st.sampled_from(topics), OBJECTS, OBJECTS)
        bench.for_all(events, ends, nasty=nasty, show=lambda event: f"topic {event[0]!r}, payload {event[1]!r}")


@check("EVT-004", judges="component", level="must", since="2026.1", floor=2, domains=[Domain.EVENT])
def topics_filters_and_limit_hold(bench: Bench) -> None:
    """It hears the events of its topics that its filters let through and no others, and handles no more of them at once
    than ``max_concurrency`` says.

    Troubleshooting: filters that no event can fulfil, a path that nobody's events have, a topic written otherwise than
    it is emitted.
    """
    with bench.control("an event that its topics and filters let through is heard"):
        bench.run(_hears(bench))
    bench.run(_hears_no_other(bench))
    bench.run(_keeps_its_limit(bench))


async def _hears(bench: Bench) -> None:
    async with staged(bench) as (stage, _):
        for envelope in inputs(bench)[:_EVENTS]:
            event = _as_event(envelope)
            bench.expect(
                hears(bench.subject.metadata, event),
                seen="no event can fulfil all its filters",
                example=shown(event),
            )
            heard, calls = await _emitted(stage, event)
            bench.expect(heard and calls == 1, seen=f"it was called {calls} times", expected="once", example=str(event))


async def _hears_no_other(bench: Bench) -> None:
    metadata = bench.subject.metadata
    async with staged(bench) as (stage, _):
        events = [_as_event(envelope) for envelope in inputs(bench)[:_EVENTS]]
        for told, event in bench.each(case for each in events for case in missed(metadata, each)):
            heard, calls = await _emitted(stage, event)
            seen = f"it was given an event with {told}"
            bench.expect(not heard and not calls, seen=seen, expected="not heard", example=shown(event))
            bench.exercised()


async def _emitted(stage: Stage, event: dict[str, Any]) -> tuple[bool, int]:
    """Whether the runtime says that it heard the event, and how often it was called for it."""
    before = (await stage.live()).calls
    given = copy.deepcopy(event)
    heard = await stage.runtime.emit(given["topic"], given["payload"], given["headers"])
    return stage.key in heard, (await stage.live()).calls - before


async def _keeps_its_limit(bench: Bench) -> None:
    declared = bench.subject.metadata.get("max_concurrency", 1)
    limit = declared if type(declared) is int and declared > 0 else 1
    async with staged(bench) as (stage, _):
        live = await stage.live()
        before, gate = live.calls, Gate()
        event = _as_event(inputs(bench)[0])
        stage.witness.work_gate = gate
        number = min(limit, _MANY) + 2
        calls = [
            asyncio.ensure_future(stage.runtime.call(stage.domain, stage.key, copy.deepcopy(event)))
            for _ in range(number)
        ]
        try:
            await until(lambda: live.calls - before >= min(limit, number), stage.patience)
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            at_once = live.calls - before
        finally:
            gate.opened.set()
            stage.witness.work_gate = None
            await asyncio.wait(calls, timeout=stage.patience)
        seen = f"{at_once} of {number} events were handled at once"
        bench.expect(at_once <= limit, seen=seen, expected=f"{limit} at most, as it declares")
        ended = sum(call.done() for call in calls)
        bench.expect(ended == number, seen=f"{number - ended} of {number} events were never handled", expected="all")
        for call in calls:
            call.exception()
        bench.exercised(2)
