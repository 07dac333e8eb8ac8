"""Topics and filters as the kit reads them: it must not share its reading with the bridge that it judges."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_conformance.handling.filters import fulfilled, hears, missed, rules_of
from oneiric_core import EventEnvelope
from oneiric_core.bridges.subscription import Subscription
from oneiric_core.components import Candidate

EVENT = {"topic": "order.paid", "payload": {"region": "eu", "order": {"total": 3}}, "headers": {"id": "1"}}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"path": "payload.region", "equals": "eu"}, True),
        ({"path": "region", "equals": "eu"}, True),
        ({"field": "region", "value": "us"}, False),
        ({"path": "order.total", "any_of": [1, 3.0]}, True),
        ({"path": "order.total", "in": [True]}, False),
        ({"path": "order.total", "one_of": []}, False),
        ({"path": "order.currency", "exists": False}, True),
        ({"path": "order.total.more", "exists": True}, False),
        ({"path": "headers.id", "exists": True}, True),
        ({"path": "topic", "equals": "order.paid"}, True),
    ],
)
def test_a_filter_means_what_the_specification_says(rule: dict[str, Any], holds: bool) -> None:
    assert hears({"filters": [rule]}, copy.deepcopy(EVENT)) is holds


def test_looking_changes_nothing() -> None:
    event = copy.deepcopy(EVENT)
    hears({"filters": [{"path": "a.b.c", "exists": True}]}, event)
    assert event == EVENT


def test_an_event_is_for_those_who_declare_its_topic_or_none() -> None:
    assert hears({}, EVENT)
    assert hears({"topics": ["order.paid"]}, EVENT)
    assert not hears({"topics": ["order"]}, EVENT)


PATHS = st.sampled_from(["region", "payload.order.total", "headers.id", "order.note"])
VALUES = st.sampled_from(["eu", 3, 3.0, True, None, "1"])
RULES = st.lists(
    st.builds(lambda path, value: {"path": path, "equals": value}, PATHS, VALUES)
    | st.builds(lambda path, values: {"path": path, "any_of": values}, PATHS, st.lists(VALUES, min_size=1, max_size=3))
    | st.builds(lambda path, there: {"path": path, "exists": there}, PATHS, st.booleans()),
    max_size=3,
)


@given(RULES, st.sampled_from([[], ["order.paid"], ["other"]]))
def test_the_kit_and_our_bridge_agree(rules: list[dict[str, Any]], topics: list[str]) -> None:
    metadata = {"filters": rules, "topics": topics}
    candidate = Candidate("event", "key", "acme", "a:b", {name: value for name, value in metadata.items() if value})
    assert hears(metadata, copy.deepcopy(EVENT)) is Subscription.of(candidate).hears(EventEnvelope(**EVENT))


@given(RULES)
def test_what_must_not_be_heard_is_not(rules: list[dict[str, Any]]) -> None:
    metadata = {"filters": rules, "topics": ["order.paid"]}
    for told, event in missed(metadata, copy.deepcopy(EVENT)):
        assert told
        assert not hears(metadata, event)


@given(st.sampled_from(["region", "payload.deep.er", "headers.new"]), VALUES)
def test_an_event_can_be_made_to_fulfil_a_filter(path: str, value: Any) -> None:
    for rule in (
        {"path": path, "equals": value},
        {"path": path, "any_of": [value, "x"]},
        {"path": path, "exists": True},
    ):
        event = copy.deepcopy(EVENT)
        [normal] = rules_of({"filters": [rule]})
        fulfilled(event, normal)
        assert hears({"filters": [rule]}, event)
    gone = copy.deepcopy(EVENT)
    fulfilled(gone, {"path": path, "exists": False})
    assert hears({"filters": [{"path": path, "exists": False}]}, gone)
