import asyncio
import copy
import hashlib
from typing import Any

import pytest

from acme_oneiric.audit import AuditLog, AuditSettings
from oneiric_core import EventEnvelope


def opening(**payload: Any) -> EventEnvelope:
    return EventEnvelope("account.opened", {"actor": "ada", **payload})


async def opened(capacity: int = 100) -> AuditLog:
    log = AuditLog(AuditSettings(capacity=capacity))
    await log.init()
    return log


def test_an_event_becomes_a_numbered_record_with_a_digest() -> None:
    async def scenario() -> None:
        log = await opened()
        answer = await log.handle(opening(balance=1))
        payload = '{"actor":"ada","balance":1}'
        digest = hashlib.sha256(payload.encode()).hexdigest()
        assert answer == {"sequence": 1, "topic": "account.opened", "digest": digest}
        (record,) = log.records
        assert (record.sequence, record.actor, record.payload, record.digest) == (1, "ada", payload, digest)

    asyncio.run(scenario())


def test_the_digest_depends_on_the_data_and_not_on_its_order() -> None:
    async def scenario() -> None:
        log = await opened()
        first = await log.handle(EventEnvelope("account.changed", {"actor": "ada", "a": 1}))
        second = await log.handle(EventEnvelope("account.changed", {"a": 1, "actor": "ada"}))
        third = await log.handle(EventEnvelope("account.changed", {"actor": "ada", "a": 2}))
        assert first["digest"] == second["digest"] != third["digest"]

    asyncio.run(scenario())


def test_the_oldest_record_gives_way_and_numbers_go_on() -> None:
    async def scenario() -> None:
        log = await opened(capacity=2)
        await asyncio.gather(*(log.handle(opening(n=n)) for n in range(5)))
        assert [record.sequence for record in log.records] == [4, 5]

    asyncio.run(scenario())


def test_the_envelope_is_not_changed_and_not_kept() -> None:
    async def scenario() -> None:
        log = await opened()
        envelope = opening(tags=["a"])
        before = copy.deepcopy(envelope)
        await log.handle(envelope)
        assert envelope == before
        envelope.payload["tags"].append("b")
        assert log.records[0].payload == '{"actor":"ada","tags":["a"]}'

    asyncio.run(scenario())


def nested() -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(100_000):
        inner = {"in": inner}
    return inner


NOT_JSON: dict[str, Any] = {
    "none": None,
    "list": ["actor"],
    "nan": {"x": float("nan")},
    "set": {"x": {1}},
    "tuple": {(1, 2): "x"},
    "deep": nested(),
}


@pytest.mark.parametrize("payload", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused_and_leaves_no_gap(payload: Any) -> None:
    async def scenario() -> None:
        log = await opened()
        with pytest.raises(ValueError, match="the payload is"):
            await log.handle(EventEnvelope("account.opened", payload))
        assert (await log.handle(opening()))["sequence"] == 1

    asyncio.run(scenario())


def test_it_is_usable_and_healthy_only_between_init_and_cleanup() -> None:
    async def scenario() -> None:
        log = AuditLog()
        await log.cleanup()
        assert await log.health() is False
        with pytest.raises(RuntimeError, match="closed"):
            await log.handle(opening())
        await log.init()
        assert await log.health() is True
        await log.handle(opening())
        await log.cleanup()
        await log.cleanup()
        assert await log.health() is False
        assert log.records == ()

    asyncio.run(scenario())
