"""A component doing what it is for, so that a check sees more of it than its hooks."""

import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from typing import Any, Final, TypeAlias

from oneiric_conformance.handling import examples
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.contracts import CONTRACTS
from oneiric_conformance.handling.filters import fulfilled, known_at, rules_of, turns
from oneiric_conformance.handling.ordinary import ask, ordinary_use
from oneiric_conformance.handling.payloads import schemas_of
from oneiric_conformance.handling.plain import flaw, same
from oneiric_conformance.judging.findings import Finding
from oneiric_core import Domain, EventEnvelope

__all__ = [
    "Act",
    "answered",
    "ask",
    "at_each_topic",
    "envelopes",
    "expect_put_aside",
    "inputs",
    "opened",
    "put_aside",
    "refuse_pretender",
    "samples",
    "some_work",
    "takes",
    "verb_of",
    "working",
]

Act: TypeAlias = Callable[[Any], Awaitable[object]]
"""Something an instance can do, whatever instance it is."""

_NOBODY_HAS: Final = "oneiric_asks_for_what_nobody_has"
_ANY_TOPIC: Final = "conformance.topic"
_SAMPLES: Final = 12
_MOST: Final = 64
"""Values that a filter allows of which each has its turn."""
_UNDECLARED: Final = "samples for what declares no payload"
_ASIDE: Final = "conformance-aside"


@asynccontextmanager
async def opened(bench: Bench) -> AsyncIterator[Any]:
    """A fresh instance in a sandbox of its own, ready for work, and cleaned up at the end of the block."""
    with bench.sandbox() as box:
        async with bench.live(box) as instance:
            refuse_pretender(bench, instance)
            yield instance


@contextmanager
def working(bench: Bench) -> Iterator[Any]:
    """The same for a block that is not async: one instance for all calls of :meth:`Bench.run` in it."""
    with bench.sandbox() as box:
        instance = bench.run(bench.activated(box))
        try:
            refuse_pretender(bench, instance)
            yield instance
        finally:
            bench.run(bench.cleanup(instance))


def refuse_pretender(bench: Bench, instance: object) -> None:
    """What has every method there could be has no contract that it could keep."""
    try:
        pretends = callable(getattr(instance, _NOBODY_HAS, None))
    except Exception:  # noqa: BLE001 - an instance may raise what it likes here; it does not pretend then
        pretends = False
    bench.expect(
        not pretends,
        seen=f"it answers to any method, even {_NOBODY_HAS}()",
        expected="a component that has its own methods and no others",
    )


def verb_of(bench: Bench, instance: object) -> Callable[..., Any]:
    """The method that does its domain's work.

    :raises Finding: if it has none.
    """
    verb = bench.verb(instance)
    if verb is None:
        raise Finding(f"the {bench.subject.domain} has no method that does its work", "the verb of its domain")
    return verb


def samples(bench: Bench) -> list[Any]:
    """Different payloads that the component declares to take, the same ones every time."""
    kept, name = bench.kept, f"samples of {bench.subject.id}"
    if name not in kept:
        declares = bench.subject.payloads or schemas_of(bench.subject)
        made = name if declares else _UNDECLARED  # a tenth of a second, which a package with hundreds spends once
        if made not in kept:
            kept[made] = _samples(bench)
        kept[name] = kept[made]
    return copy.deepcopy(kept[name])


def _samples(bench: Bench) -> list[Any]:
    strategy, nasty = bench.payloads()
    found: list[Any] = []

    def add(payload: Any) -> None:
        if not any(same(payload, known) for known in found):
            found.append(copy.deepcopy(payload))

    profile = replace(bench.profile, examples=_SAMPLES)
    examples.for_all(strategy, add, profile=profile, name="samples", nasty=nasty)
    return found


def inputs(bench: Bench) -> list[Any]:
    """What the component's verb can be given: payloads, for an event handler envelopes; empty if it takes nothing."""
    if bench.subject.domain == Domain.EVENT:
        payloads, metadata = samples(bench), bench.subject.metadata
        return envelopes(metadata, islice(cycle(payloads), max(len(payloads), min(turns(metadata), _MOST))))
    takes = {Domain.TASK, Domain.ACTION, Domain.WORKFLOW}
    return samples(bench) if bench.subject.domain in takes else []


def envelopes(metadata: Mapping[str, Any], payloads: Iterable[Any]) -> list[EventEnvelope]:
    """Events that the declared topics and filters let through, one for each payload and topic in turn."""
    topics = _topics(metadata)
    given = [payload if isinstance(payload, dict) else {"value": payload} for payload in payloads]
    rules = [(rule, known_at(given, rule)) for rule in rules_of(metadata)]
    made = []
    for number, payload in enumerate([{} for _ in topics] + given):
        event: dict[str, Any] = {
            "topic": topics[number % len(topics)],
            "payload": copy.deepcopy(payload),
            "headers": {"id": f"conformance-{number}"},
        }
        for rule, known in rules:
            fulfilled(event, rule, number, len(topics), known)
        made.append(EventEnvelope(**event))
    return made


def at_each_topic(metadata: Mapping[str, Any], *payloads: Any) -> list[EventEnvelope]:
    """The same with each payload at every topic."""
    return envelopes(metadata, [payload for payload in payloads for _ in _topics(metadata)])


def _topics(metadata: Mapping[str, Any]) -> list[str]:
    return [topic for topic in metadata.get("topics") or () if isinstance(topic, str)] or [_ANY_TOPIC]


def takes(bench: Bench, verb: Callable[..., Any], payload: object) -> bool:
    """Whether the component does its work on this payload instead of refusing it."""
    try:
        bench.run(ask(verb, copy.deepcopy(payload)))
    except Exception:  # noqa: BLE001 - how it refuses is for others to judge
        return False
    return True


def answered(bench: Bench, what: str, result: object) -> None:
    """Expect a result that is plain data."""
    fault = flaw(result)
    bench.expect(not fault, seen=f"{what}: {fault}", expected="plain JSON data: text, numbers, lists, objects")


async def some_work(bench: Bench, instance: object, *, clears: bool = False) -> Act:
    """A piece of the component's own work: its claimed contracts, else its domain's verb, else its health.

    :param instance: on which is tried what it can do.
    :param clears: empty a store at the end of it; otherwise what others have put in is left there.
    """
    for given in inputs(bench) or [None]:
        act = partial(_work, bench, given, clears)
        try:
            await act(instance)
        except Exception:  # noqa: BLE001, S112 - it may refuse an input; another one will do
            continue
        return act
    return bench.health


async def put_aside(bench: Bench, instance: Any) -> None:
    """Let a store keep something that :func:`expect_put_aside` looks for; nothing in other components."""
    claims = bench.subject.capabilities
    if "kv" in claims:
        await ask(instance.set, _ASIDE, "kept")
    elif "blob" in claims:
        await ask(instance.save, _ASIDE, b"kept")


async def expect_put_aside(bench: Bench, instance: Any, when: str) -> None:
    """What was put aside is still there."""
    claims = bench.subject.capabilities
    found: object = b"kept" if "blob" in claims else "kept"
    with bench.asking(f"{when}: reading what it keeps"):
        if "kv" in claims:
            found = await ask(instance.get, _ASIDE)
        elif "blob" in claims:
            found = await ask(instance.read, _ASIDE)
    expected = found in ("kept", b"kept")
    bench.expect(expected, seen=f"{when}: what it keeps has become {found!r}", expected="what was put in")


async def _work(bench: Bench, given: object, clears: bool, instance: Any) -> object:
    claims = bench.subject.capabilities & {*CONTRACTS}
    if claims:
        await ordinary_use(claims, instance, clears=clears)
        return None
    verb = bench.verb(instance)
    if verb is None:
        return await bench.health(instance)
    if bench.subject.domain == Domain.SERVICE:
        return await ask(verb)
    return await ask(verb, copy.deepcopy(given))
