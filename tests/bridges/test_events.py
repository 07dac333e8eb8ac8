"""Topics, filters, priority, concurrency, fan-out; and failures that stay where they are."""

import asyncio
from typing import Any

import pytest

from oneiric_core.bridges import EventBridge, Subscription, check_declaration
from oneiric_core.components import Candidate, EventEnvelope
from oneiric_core.errors import ResolutionError


def hears(payload: Any = None, topic: str = "order", headers: Any = None, **metadata: Any) -> bool:
    subscription = Subscription.of(Candidate("event", "e", "acme", "a:b", metadata))
    return subscription.hears(EventEnvelope(topic, payload or {}, headers or {}))


def test_topics_are_exact_and_none_means_all() -> None:
    assert hears(topics=["order", "other"])
    assert not hears(topics=["order.paid"])
    assert hears()
    assert hears(topics=[])


NESTED = {"a": {"b": 1, "none": None}, "flag": True, "topic": "inner"}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"path": "payload.a.b", "equals": 1}, True),
        ({"path": "a.b", "equals": 1}, True),
        ({"path": "a.b", "equals": 2}, False),
        ({"path": "a.b", "equals": True}, False),
        ({"path": "flag", "equals": 1}, False),
        ({"path": "flag", "equals": True}, True),
        ({"path": "a.b", "any_of": [2, 1]}, True),
        ({"path": "a.b", "any_of": [True]}, False),
        ({"path": "a.b", "any_of": []}, False),
        ({"path": "a.c", "any_of": [None]}, False),
        ({"path": "a.none", "any_of": [None]}, True),
        ({"path": "a.none", "equals": None}, True),
        ({"path": "a.c", "equals": None}, False),
        ({"path": "a.none", "exists": True}, True),
        ({"path": "a.c", "exists": True}, False),
        ({"path": "a.c", "exists": False}, True),
        ({"path": "a.b", "exists": False}, False),
        ({"path": "a.b.c", "exists": True}, False),
        ({"path": "topic", "equals": "order"}, True),
        ({"path": "payload.topic", "equals": "inner"}, True),
        ({"path": "headers.id", "equals": "7"}, True),
        ({"path": "payload", "exists": True}, True),
        ({"path": "a.b", "exists": True, "equals": 2}, False),
        ({"field": "a.b", "value": 1}, True),
        ({"path": "a.b", "one_of": [1]}, True),
        ({"path": "a.b", "in": [2]}, False),
    ],
    ids=str,
)
def test_a_filter_means_what_it_says(entry: dict[str, Any], expected: bool) -> None:
    assert hears(NESTED, headers={"id": "7"}, filters=[entry]) is expected


def test_only_the_whole_path_topic_means_the_topic() -> None:
    assert hears({"topic": {"x": 1}}, filters=[{"path": "topic.x", "equals": 1}])
    assert not hears({"topic": {"x": 1}}, filters=[{"path": "topic", "exists": False}])


def test_all_filters_must_hold() -> None:
    yes, no = {"path": "a.b", "equals": 1}, {"path": "a.b", "equals": 2}
    assert hears(NESTED, filters=[yes, yes])
    assert not hears(NESTED, filters=[yes, no])
    assert not hears(NESTED, topics=["other"], filters=[yes])


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"topics": "order"}, "topics of"),
        ({"topics": [1]}, "list of texts"),
        ({"filters": {}}, "filters of"),
        ({"filters": ["a"]}, "list of mappings"),
        ({"filters": [{"equals": 1}]}, r"filters\[0\]\.path"),
        ({"filters": [{"path": "a..b", "equals": 1}]}, r"filters\[0\]\.path"),
        ({"filters": [{"path": "a"}]}, "Add equals"),
        ({"filters": [{"path": "a", "equal": 1}]}, "Use path, and equals"),
        ({"filters": [{"path": "a", "any_of": "abc"}]}, "Give a list of values"),
        ({"filters": [{"path": "a", "any_of": None}]}, "Give a list of values"),
        ({"filters": [{"path": "a", "exists": "yes"}]}, "true or false"),
        ({"max_concurrency": 0}, "max_concurrency of"),
        ({"max_concurrency": True}, "max_concurrency of"),
        ({"event_priority": "high"}, "event_priority of"),
        ({"fanout_policy": "all"}, "Use broadcast or exclusive"),
    ],
    ids=str,
)
def test_subscriptions_that_cannot_be_read_are_refused(metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(ResolutionError, match=message):
        check_declaration(Candidate("event", "e", "acme", "a:b", metadata))


def test_an_own_priority_comes_before_the_candidates() -> None:
    assert Subscription.of(Candidate("event", "e", "acme", "a:b", {}, priority=3)).priority == 3
    assert Subscription.of(Candidate("event", "e", "acme", "a:b", {"event_priority": 0}, priority=3)).priority == 0


def answering(name: str) -> dict[str, Any]:
    async def handle(envelope: EventEnvelope) -> str:
        await asyncio.sleep(0)
        return f"{name} heard {envelope.topic}"

    return {"handle": handle}


async def test_an_event_reaches_everyone_who_hears_it_by_priority(house: Any) -> None:
    house.offer("event", "low", answering("low"), topics=["order"])
    house.offer("event", "high", answering("high"), event_priority=5)
    house.offer("event", "deaf", answering("deaf"), topics=["other"])
    results = await house.bridge(EventBridge).emit("order", {"id": 1}, {"trace": "x"})
    assert [(each.key, each.provider, each.ok, each.value) for each in results] == [
        ("high", "acme", True, "high heard order"),
        ("low", "acme", True, "low heard order"),
    ]
    assert [each.key for each in await house.bridge(EventBridge).emit("nobody", {})] == ["high"]


async def test_an_exclusive_handler_is_alone_in_getting_it(house: Any) -> None:
    house.offer("event", "all", answering("all"), event_priority=9)
    house.offer("event", "second", answering("second"), fanout_policy="exclusive")
    house.offer("event", "first", answering("first"), fanout_policy="exclusive", event_priority=1, topics=["order"])
    events = house.bridge(EventBridge)
    assert [each.key for each in await events.emit("order", {})] == ["first"]
    assert [each.key for each in await events.emit("other", {})] == ["second"]


async def test_one_failure_never_reaches_another(house: Any) -> None:
    def raising(error: BaseException) -> dict[str, Any]:
        async def handle(envelope: EventEnvelope) -> None:
            envelope.payload["list"].append("spoiled")  # type: ignore[index]  # a handler that breaks its promise
            raise error

        return {"handle": handle}

    async def look(envelope: EventEnvelope) -> list[str]:
        await house.turns(3)
        return list(envelope.payload["list"])

    house.offer("event", "a", raising(ValueError("mine")))
    house.offer("event", "b", raising(asyncio.CancelledError()))
    house.offer("event", "c", {"handle": look})
    house.offer("event", "d", {"handle": look, "health": lambda: False})
    house.offer("event", "e", {"handle": look}, topics="wrong")
    payload = {"list": ["whole"]}
    results = {each.key: each for each in await house.bridge(EventBridge).emit("order", payload)}
    assert {key: type(each.error).__name__ for key, each in results.items()} == {
        "a": "ValueError",
        "b": "CancelledError",
        "c": "NoneType",
        "d": "HealthError",
        "e": "ResolutionError",
    }
    assert results["c"].value == ["whole"]
    assert payload == {"list": ["whole"]}


async def test_what_runs_decides_not_what_would_win(house: Any) -> None:
    events = house.bridge(EventBridge)
    house.offer("event", "e", answering("old"), "old", topics=["old"])
    await events.use("e")
    house.offer("event", "e", answering("new"), "new", topics=["new"])
    assert [each.value for each in await events.emit("old", {})] == ["old heard old"]
    assert await events.emit("new", {}) == []
    await house.manager.swap("event", "e")
    assert [each.value for each in await events.emit("new", {})] == ["new heard new"]


async def test_no_more_events_at_a_time_than_declared(house: Any) -> None:
    now = most = 0
    gate = asyncio.Event()

    async def handle(envelope: EventEnvelope) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await gate.wait()
        now -= 1

    house.offer("event", "e", {"handle": handle}, max_concurrency=2)
    events = house.bridge(EventBridge)
    direct = [asyncio.create_task(events.handle("e", EventEnvelope("t", {}))) for _ in range(3)]
    emitted = [asyncio.create_task(events.emit("t", {})) for _ in range(3)]
    await house.turns(40)
    assert (now, most) == (2, 2)
    assert house.manager.status("event", "e").leases == 2
    gate.set()
    await asyncio.gather(*direct, *emitted)
    assert (now, most) == (0, 2)


async def test_handling_directly_asks_no_filter_and_lets_errors_through(house: Any) -> None:
    house.offer("event", "e", answering("e"), topics=["other"])
    assert await house.bridge(EventBridge).handle("e", EventEnvelope("order", {})) == "e heard order"
    house.offer("event", "mute", {})
    with pytest.raises(RuntimeError, match="has no handle"):
        await house.bridge(EventBridge).handle("mute", EventEnvelope("order", {}))


async def test_handlers_have_timeouts_and_retries_too(house: Any) -> None:
    calls: list[int] = []

    async def handle(envelope: EventEnvelope) -> int:
        calls.append(1)
        if len(calls) == 1:
            await asyncio.get_running_loop().create_future()
        return len(calls)

    house.offer("event", "e", {"handle": handle}, timeout_seconds=2, retry_policy={"attempts": 2})
    emitting = asyncio.create_task(house.bridge(EventBridge).emit("t", {}))
    await house.clock.advance(2)
    [result] = await emitting
    assert (result.value, result.seconds) == (2, 2)


async def test_cancelling_an_emission_cancels_the_handlers(house: Any) -> None:
    ended: list[str] = []

    async def handle(envelope: EventEnvelope) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("cancelled")

    house.offer("event", "e", {"handle": handle})
    emitting = asyncio.create_task(house.bridge(EventBridge).emit("t", {}))
    await house.turns()
    emitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await emitting
    assert ended == ["cancelled"]
