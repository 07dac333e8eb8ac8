"""The events that a handler is tried with: what its declaration leaves open differs in them."""

from itertools import product
from typing import Any

import pytest

from mutants import reference
from oneiric_conformance import PROFILES, Status
from oneiric_conformance.handling.filters import hears
from oneiric_conformance.handling.work import at_each_topic, envelopes
from oneiric_conformance.judging.session import Session
from oneiric_core import EventEnvelope

ACTOR = [{"path": "payload.actor", "exists": True}]


class Greets(reference.Audit):
    """Works on the field alone that its filter asks for."""

    metadata = reference.Audit.metadata.model_copy(update={"topics": ["order.paid"], "filters": ACTOR})

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        return {"greeted": f"hello {envelope.payload['actor']}"}


def made(metadata: dict[str, Any], payloads: list[Any]) -> list[EventEnvelope]:
    events = envelopes(metadata, payloads)
    for event in events:
        assert hears(metadata, {"topic": event.topic, "payload": dict(event.payload), "headers": dict(event.headers)})
    return events


def test_what_only_has_to_be_there_is_something_else_each_time() -> None:
    actors = [event.payload["actor"] for event in made({"filters": ACTOR}, [{}, {"actor": 3}, {"text": ""}])]
    assert actors == ["present 0", "present 1", 3, "present 3"]


def test_it_is_what_other_payloads_have_there_if_they_differ() -> None:
    actors = [event.payload["actor"] for event in made({"filters": ACTOR}, [{"actor": 1}, {"actor": 2}, {}])]
    assert actors == [1, 1, 2, 2]


@pytest.mark.parametrize("topics", [1, 2, 3, 4])
@pytest.mark.parametrize("values", [1, 2, 3, 4])
def test_each_value_that_is_allowed_comes_with_each_topic(topics: int, values: int) -> None:
    metadata = {
        "topics": [f"t.{number}" for number in range(topics)],
        "filters": [{"path": "payload.region", "any_of": list(range(values))}],
    }
    seen = [(event.topic, event.payload["region"]) for event in made(metadata, [{}] * topics * (values - 1))]
    assert len({*seen}) == len(seen) == topics * values
    assert {region for _, region in seen[:values]} == {*range(values)}


def test_each_payload_comes_at_each_topic() -> None:
    events = at_each_topic({"topics": ["a", "b", "c"]}, {"n": 1}, {"n": 2})
    assert {(event.topic, event.payload.get("n")) for event in events} == {*product("abc", (1, 2, None))}


def outcome(component: Any, **changes: Any) -> tuple[Status, str, int]:
    subject = reference.subject_of(component, **changes)
    with Session(reference.package(subject), profile=PROFILES["quick"]) as session:
        (planned,) = (item for item in session.plan() if item.check == "EVT-001")
        result = session.judge(planned)
    return result.status, result.reason, result.behaviours


def test_who_works_on_what_has_to_be_there_was_seen_to_work() -> None:
    status, reason, behaviours = outcome(Greets)
    assert (status, reason, behaviours > 1) == (Status.PASS, "", True)


def test_however_many_values_are_allowed_each_has_its_turn() -> None:
    rules = [{"path": "payload.region", "any_of": ["eu", *(f"r{number}" for number in range(38)), "us"]}]
    metadata = {**reference.subject_of(reference.Audit).metadata, "filters": rules}
    status, reason, _ = outcome(KnowsAllButTheLast, metadata=metadata)
    assert (status, "KeyError: 'us'" in reason) == (Status.FAIL, True), reason


class KnowsAllButTheLast(reference.Audit):
    """The last of forty regions is unknown to it."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        if envelope.payload.get("region") == "us":
            raise KeyError("us")
        return await super().handle(envelope)
