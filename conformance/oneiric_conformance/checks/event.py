"""EVT: what an event handler promises."""

import copy
from operator import itemgetter
from typing import Any

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.evidence import own_work
from oneiric_conformance.handling.plain import same
from oneiric_conformance.handling.work import answered, ask, envelopes, inputs, verb_of, working
from oneiric_conformance.judging.findings import Finding, cut, described
from oneiric_conformance.observing.disk import tree
from oneiric_conformance.registry import check
from oneiric_core import Domain, EventEnvelope

__all__: list[str] = []


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
            for envelope in inputs(bench):
                event = _as_event(envelope)
                with bench.asking(f"an event of topic {envelope.topic}"):
                    result = await runtime.call(subject.domain, subject.key, copy.deepcopy(event))
                answered(bench, f"handle() of topic {envelope.topic}", result)
                results.append((event, result))
                bench.exercised()
            wrote = tree(box.path) != before

            async def again(event: dict[str, Any]) -> Any:
                return await runtime.call(subject.domain, subject.key, copy.deepcopy(event))

            bench.behaved(await own_work(results, again, itemgetter("payload")) or int(wrote))


def _as_event(envelope: EventEnvelope) -> dict[str, Any]:
    return {"topic": envelope.topic, "payload": dict(envelope.payload), "headers": dict(envelope.headers)}


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
            for envelope in envelopes(bench.subject.metadata, [payload, _NESTED]):
                _expect_unchanged(bench, handle, envelope)

        strategy, nasty = bench.payloads()
        bench.for_all(strategy, handled, nasty=nasty)


_NESTED: Any = {"list": [3, 1, 2], "object": {"b": [{"a": 1}]}, "text": " Text ", "number": 1, "none": None}


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
        seen = f"the {part} went from {cut(repr(was), 100)} to {cut(repr(after[part]), 100)}{ended}"
        bench.expect(same(after[part], was), seen=seen, expected="the same as before")
