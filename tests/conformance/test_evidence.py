"""Which results are work of a component's own."""

import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from oneiric_conformance.handling.evidence import own_work
from oneiric_conformance.handling.plain import flaw, same

GIVEN = [{"text": "a"}, {"text": "b c"}, {"text": "d e f"}, {}]
numbers = itertools.count()
lots = random.SystemRandom()
NOTHING: dict[str, Callable[[Any], Any]] = {
    "None": lambda *_: None,
    "the same": lambda *_: {"done": True},
    "what was given": lambda given: given,
    "what was given, with a word of its own": lambda given: {"ok": True, "result": given},
    "what was given, in the depth": lambda given: ["done", {"at": [1, {"it": given}]}],
    "what was given, or an error": lambda given: {"result": given} if given else {"result": given, "error": None},
    "a number of calls": lambda *_: {"calls": next(numbers)},
    "a lot": lambda *_: [lots.random(), lots.random()],
    "lots, as many as drawn": lambda *_: list(range(lots.randrange(100))),
    "new names": lambda *_: {str(next(numbers)): 1},
    "the time": lambda *_: time.time_ns(),
    "its identity": lambda *_: str(id(object())) + str(next(numbers)),
    "no data": lambda given: {"object": object(), "size": len(given)},
}
SOMETHING: dict[str, Callable[[Any], Any]] = {
    "length": lambda given: len(str(given)),
    "length and time": lambda given: {"length": len(str(given)), "at": time.time_ns()},
    "what was given, and its length": lambda given: {"result": given, "length": len(given)},
    "what was given, now and then changed": lambda given: {"ok": True, "result": given if given == GIVEN[0] else {}},
    "what of it was given": lambda given: {"ok": True, "text": given.get("text")},
    "a truth": bool,
    "words and a lot": lambda given: [str(given).split(), lots.random()],
}


async def counted(act: Callable[[Any], Any]) -> int:
    async def again(given: Any) -> Any:
        return act(given)

    return await own_work([(given, act(given)) for given in GIVEN], again)


@pytest.mark.parametrize("kind", NOTHING)
async def test_results_that_do_not_follow_from_what_was_given_are_no_work(kind: str) -> None:
    assert await counted(NOTHING[kind]) == 0


@pytest.mark.parametrize("kind", SOMETHING)
async def test_results_that_follow_from_what_was_given_are_work_whatever_is_beside_them(kind: str) -> None:
    assert await counted(SOMETHING[kind]) > 1


EVENTS: list[dict[str, Any]] = [
    {"topic": f"order.{name}", "payload": {} if number == 1 else {"n": number}, "headers": {"id": f"e-{number}"}}
    for number, name in enumerate(("created", "paid", "created"))
]
HANDED_BACK: dict[str, Callable[[Any], Any]] = {
    "the topic": lambda event: event["topic"],
    "the payload": lambda event: event["payload"],
    "the headers": lambda event: event["headers"],
    "the id": lambda event: event["headers"]["id"],
    "the event": lambda event: event,
    "now this, now that": lambda event: event["topic"] if event["payload"] else [event["headers"]],
    "with a word of its own": lambda event: {"ok": True, "topic": event["topic"], "all": (event, {})},
}
MADE_OF: dict[str, Callable[[Any], Any]] = {
    "a digest beside the topic": lambda event: {"topic": event["topic"], "length": len(str(event["payload"]))},
    "what the topic means": lambda event: {"paid": event["topic"] == "order.paid"},
    "a list": lambda event: (event["headers"]["id"], [len(event["payload"])]),
}


async def of_events(act: Callable[[Any], Any]) -> int:
    async def again(event: Any) -> Any:
        return act(event)

    def parts(event: Any) -> dict[str, Any]:
        return {**event, "event": event, "id": event["headers"]["id"]}

    return await own_work([(event, act(event)) for event in EVENTS], again, parts=parts)


@pytest.mark.parametrize("kind", HANDED_BACK)
async def test_a_part_of_an_event_is_handed_back_wherever_it_stands(kind: str) -> None:
    assert await of_events(HANDED_BACK[kind]) == 0


@pytest.mark.parametrize("kind", MADE_OF)
async def test_what_is_made_of_an_event_is_work(kind: str) -> None:
    assert await of_events(MADE_OF[kind]) > 1


async def test_who_refuses_what_he_took_before_is_not_steady() -> None:
    async def again(given: Any) -> Any:
        raise ValueError(given)

    assert await own_work([(1, "one"), (2, "two")], again) == 0


class Pretends:
    @property  # type: ignore[misc]  # an object may say that it is something else
    def __class__(self) -> type:
        return str


def test_what_only_says_that_it_is_data_is_none() -> None:
    assert flaw({"a": Pretends()}) == "the result['a'] is a Pretends"
    assert flaw({"a": 1 << 20_000}) == "the result['a'] is an integer of thousands of digits"
    assert flaw({"a": 1 << 2_000}) == ""


def test_data_that_holds_itself_is_told_as_that() -> None:
    data: dict[str, Any] = {}
    data["data"] = [data]
    assert flaw(data).endswith("or holds itself")


def test_data_that_holds_itself_is_the_same_only_as_itself() -> None:
    first: dict[str, object] = {}
    second: dict[str, object] = {}
    first["self"], second["self"] = first, second
    assert same(first, first)
    assert not same(first, second)
