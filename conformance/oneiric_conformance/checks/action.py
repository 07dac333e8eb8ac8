"""ACT: what an action promises."""

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.effects import effects_of, side_effects
from oneiric_conformance.handling.evidence import own_work
from oneiric_conformance.handling.payloads import schemas_of
from oneiric_conformance.handling.plain import same
from oneiric_conformance.handling.violations import violations, why_refused
from oneiric_conformance.handling.work import answered, ask, samples, takes, verb_of, working
from oneiric_conformance.isolation.elsewhere import as_told, results_elsewhere
from oneiric_conformance.judging.findings import Finding, cut, described, shown
from oneiric_conformance.observing.disk import differences, tree
from oneiric_conformance.observing.inventory import Inventory, take_inventory
from oneiric_conformance.observing.leaks import settled
from oneiric_conformance.registry import check
from oneiric_conformance.subject import Subject
from oneiric_core import Domain

__all__: list[str] = []

_NO_OBJECTS: Final = (7, "text", ["list"], True)
_OF_EACH: Final = 40
_OTHER_VALUES: Final = (None, 7, "text", ["list"], {"an": "object"}, True)
_ACCIDENTS: Final = (AttributeError, NameError, AssertionError, IndexError, RecursionError, NotImplementedError)


@check("ACT-001", judges="component", level="must", since="2026.1", floor=3, domains=[Domain.ACTION], exercises=True)
def refuses_bad_payloads_clearly(bench: Bench) -> None:
    """What is no JSON object, or not what ``payload_schema`` allows, is refused by an exception that says why, in time.

    Of the schema each keyword has to be kept: type, bounds, lengths, ``enum``, ``pattern``, names that are required or
    not allowed. A good payload gives plain JSON data.

    Troubleshooting: look at the payload before using it and raise a ValueError that names what is wrong; an
    AttributeError, or a KeyError with nothing but the key, is an accident. Leave out of the schema what the action does
    not insist on: ``additionalProperties: false`` if it ignores what it does not know, a ``maximum`` that it cuts to.
    """
    with working(bench) as instance:
        execute = verb_of(bench, instance)
        with bench.control("a good payload gives plain data"):
            good = bench.run(_good(bench, execute))
        for payload in bench.each([*_NO_OBJECTS, *_broken(bench.subject, good)]):
            _expect_refused(bench, execute, payload)
            bench.exercised()


async def _good(bench: Bench, execute: Any) -> list[Any]:
    """The payloads it takes."""
    taken, refused = [], ""
    for payload in samples(bench):
        try:
            result = await ask(execute, copy.deepcopy(payload))
        except Exception as error:
            if schemas_of(bench.subject):
                raise Finding(f"execute() of {payload!r} raised {described(error)}", "a result") from error
            refused = described(error)
            continue
        answered(bench, "execute()", result)
        taken.append(payload)
    bench.expect(
        bool(taken), seen=f"it took no payload; the last one was refused: {refused}", expected="a payload_schema"
    )
    return taken


def _broken(subject: Subject, good: list[Any]) -> list[Any]:
    """Good payloads with one property changed, or one keyword of a schema broken, as far as no schema allows that."""
    schemas = schemas_of(subject)
    known: list[Any] = []
    for candidates in (_changed(good), *(violations(schema, good) for schema in schemas)) if schemas else ():
        bad = (each for each in candidates if all(why_refused(schema, each) for schema in schemas))
        room = len(known) + _OF_EACH
        for candidate in bad:
            if not any(same(candidate, other) for other in known):
                known.append(candidate)
            if len(known) == room:
                break
    return known


def _changed(good: list[Any]) -> Iterator[Any]:
    for payload in (payload for payload in good[:4] if isinstance(payload, dict)):
        for name in payload:
            yield {key: value for key, value in payload.items() if key != name}
            yield from ({**payload, name: value} for value in _OTHER_VALUES)


def _expect_refused(bench: Bench, execute: Any, payload: Any) -> None:
    expected, example = "an exception that says what is wrong with it", shown(payload)
    try:
        result = bench.run(ask(execute, copy.deepcopy(payload)), bench.limits.init)
    except Finding as found:
        raise Finding(found.seen, expected, example) from found
    except Exception as error:  # noqa: BLE001 - any exception is a refusal; whether it is a clear one is looked at
        text = str(error).strip()
        bare = isinstance(error, KeyError) and len(text.split()) == 1
        clear = bool(text) and not bare and not isinstance(error, _ACCIDENTS)
        bench.expect(clear, seen=f"it was refused by {described(error)}", expected=expected, example=example)
        return
    why = next((cut(why_refused(schema, payload), 100) for schema in schemas_of(bench.subject)), "")
    seen = f"it was taken{', though ' * bool(why)}{why}; the result is {shown(result, 100)}"
    bench.expect(False, seen=seen, expected=expected, example=example)


def _unless_free(subject: Subject) -> str:
    return "" if subject.metadata.get("side_effect_free") else "does not declare side_effect_free"


@check(
    "ACT-002", judges="component", level="must", since="2026.1", floor=3, domains=[Domain.ACTION], applies=_unless_free
)
def what_is_side_effect_free_changes_nothing(bench: Bench) -> None:
    """While a ``side_effect_free`` action executes, nothing is written (not even below its root), connected or started.

    What it leaves to a thread, a task or a timer is waited for.

    Troubleshooting: a cache, log or temporary file of its own, a name looked up on the network, a program that is
    started. Leave ``side_effect_free`` out if the action is for doing that.
    """
    with bench.watched_sandbox() as box:
        instance = bench.run(bench.activated(box))
        execute = verb_of(bench, instance)
        payloads = samples(bench)
        with bench.control("it executes at least one payload"):
            payloads = [payload for payload in payloads if takes(bench, execute, payload)]
            bench.expect(bool(payloads), seen="it refused every payload", expected="a payload it takes")
        begun, before = len(box.record.events), bench.run(_inventory())
        for payload in bench.each(payloads * max(1, 3 // len(payloads) + 1)):
            files, since = tree(box.path), len(box.record.events)
            bench.run(ask(execute, copy.deepcopy(payload)))
            acts = side_effects(box, since)
            bench.expect(not acts, seen=f"execute() did: {'; '.join(acts[:2])}", example=shown(payload))
            changed = differences(files, tree(box.path))
            bench.expect(not changed, seen=f"execute() changed its root: {'; '.join(changed[:2])}")
            bench.exercised()
        bench.run(settled(before))
        acts = side_effects(box, begun)
        bench.expect(not acts, seen=f"some time after execute() it did: {'; '.join(acts[:2])}")
        bench.run(bench.cleanup(instance))


async def _inventory() -> Inventory:
    return take_inventory()


def _unless_steady(subject: Subject) -> str:
    steady = _claims_deterministic(subject) or subject.metadata.get("side_effect_free")
    return "" if steady else "declares neither deterministic nor side_effect_free"


def _claims_deterministic(subject: Subject) -> bool:
    return "deterministic" in subject.capabilities or subject.metadata.get("deterministic") is True


@check(
    "ACT-003",
    judges="component",
    level="must",
    since="2026.1",
    floor=2,
    domains=[Domain.ACTION],
    applies=_unless_steady,
)
def the_same_payload_gives_the_same_result(bench: Bench) -> None:
    """The same payload gives the same result, again, on another instance and in another process; where the action is
    ``side_effect_free`` and does not claim ``deterministic``, anything else is a warning.

    In the other process texts have other hashes (``PYTHONHASHSEED``), and nothing has happened before.

    Troubleshooting: a counter, a clock, a random number, ``hash()`` or the order of a set in the result: sort it, or
    take a digest of ``hashlib``.
    """
    expect = bench.expect if _claims_deterministic(bench.subject) else bench.advise
    with working(bench) as first, working(bench) as second:
        executes = [verb_of(bench, first), verb_of(bench, first), verb_of(bench, second)]
        with bench.control("it executes at least one payload"):
            payloads = [payload for payload in samples(bench) if takes(bench, executes[0], payload)]
            bench.expect(bool(payloads), seen="it refused every payload", expected="a payload it takes")
        there = results_elsewhere(bench.subject, bench.limits, payloads, bench.profile.seconds)
        told = {id(payload): answer for payload, answer in zip(payloads, there, strict=True) if answer is not None}
        for payload in bench.each(payloads):
            with bench.asking("execute() of a payload that it took before"):
                results = [bench.run(ask(execute, copy.deepcopy(payload))) for execute in executes]
            for result, where in zip(results[1:], ("again", "on another instance"), strict=True):
                seen = f"it gave {shown(results[0], 100)}, and {where} {shown(result, 100)}"
                expect(same(result, results[0]), seen=seen, expected="the same", example=shown(payload))
                bench.exercised()
            if answer := told.get(id(payload)):
                gave = answer.fault or shown([*answer.result, "no plain data"][0], 100)
                seen = f"it gave {shown(results[0], 100)}, and in another process {gave}"
                alike = not answer.fault and same(answer.result, as_told(results[0]))
                expect(alike, seen=seen, expected="the same", example=shown(payload))
                bench.exercised()


@check("ACT-004", judges="component", level="must", since="2026.1", domains=[Domain.ACTION], exercises=True)
def leaves_the_payload_as_it_was(bench: Bench) -> None:
    """An action does not change its payload, at any depth, whether it takes or refuses it.

    Troubleshooting: ``payload.pop``, ``setdefault``, ``sort`` or ``update`` on what was passed in. Work on a copy.
    """
    done: list[tuple[Any, Any]] = []
    with working(bench) as instance:
        execute = verb_of(bench, instance)

        def executed(payload: Any) -> None:
            given, ended = copy.deepcopy(payload), ""
            try:
                done.append((payload, bench.run(ask(execute, given))))
            except Finding:
                raise
            except Exception as error:  # noqa: BLE001 - whether it may refuse is for ACT-001 to say
                ended = f" (it ended with {described(error)})"
            seen = f"the payload went from {shown(payload, 100)} to {shown(given, 100)}{ended}"
            bench.expect(same(given, payload), seen=seen, expected="the same as before")

        with bench.control("it executes at least one payload"):
            taken = any(takes(bench, execute, payload) for payload in samples(bench))
            bench.expect(taken, seen="it refused every payload", expected="a payload it takes")
        strategy, nasty = bench.payloads()
        bench.for_all(strategy, executed, nasty=nasty)
        own = bench.run(own_work(done, lambda given: ask(execute, copy.deepcopy(given))))
    bench.behaved(own or effects_of(bench, partial(verb_of, bench), [payload for payload, _ in done]))
