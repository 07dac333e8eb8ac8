"""Payloads that break a schema in one place."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from oneiric_conformance.handling.violations import violations, why_refused

NUMBER = {"type": "integer", "minimum": 0, "maximum": 9, "multipleOf": 3}
BROKEN: list[tuple[dict[str, Any], Any, list[Any]]] = [
    ({"minimum": 3}, 5, [2]),
    ({"exclusiveMinimum": 3}, 5, [3]),
    ({"maximum": 1.5}, 1, [2.5]),
    ({"exclusiveMaximum": 1.5}, 1, [1.5]),
    (NUMBER, 3, [{"an": "object"}, -3, 12, 4]),
    ({"minLength": 2}, "éé", ["a"]),
    ({"minLength": 3, "pattern": "^é"}, "éèà", ["éè", "!éèà"]),
    ({"maxLength": 3}, "é", ["éaaa"]),
    ({"pattern": "^[a-z]+$"}, "eu", ["eu!"]),
    ({"pattern": "."}, "eu", [""]),
    ({"enum": ["eu", "us"]}, "eu", ["eu!"]),
    ({"enum": [1, 2.5, None]}, 1, [3.5]),
    ({"const": "circle"}, "circle", ["circle!"]),
    ({"minItems": 2}, [1, 2], [[1]]),
    ({"maxItems": 2}, [1], [[1, 1, 1]]),
    ({"minItems": 2, "maxItems": 2, "uniqueItems": True}, [1, 2], [[1]]),
    ({"minProperties": 1}, {"a": 1}, [{}]),
    ({"maxProperties": 1}, {}, [{"nobody_asked_for_this_0": "text", "nobody_asked_for_this_1": "text"}]),
    ({"additionalProperties": False}, {}, [{"nobody_asked_for_this": "text"}]),
    ({"unevaluatedProperties": False}, {}, [{"nobody_asked_for_this": "text"}]),
    ({"properties": {"a": {"maximum": 2}}}, {"a": 1, "b": [2]}, [{"a": 3, "b": [2]}]),
    ({"items": {"required": ["x", "y"]}}, [{"x": 1, "y": 2}], [[{"y": 2}]]),
    ({"$ref": "#/$defs/n", "$defs": {"n": {"minimum": 0}}}, 1, [-1]),
    ({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}, 1, [{"an": "object"}, -1, {"an": "object"}]),
]
NOTHING: list[tuple[dict[str, Any], Any]] = [
    ({}, {}),
    ({"properties": {"a": {}}, "additionalProperties": True}, {}),
    ({"additionalProperties": {"type": "string"}}, {}),
    ({"minLength": 0, "minItems": 0, "minProperties": 0}, ""),
    ({"minLength": 2, "maximum": 3, "maxItems": 1, "required": ["a"]}, True),
    ({"maxLength": 10**9}, ""),
    ({"maxItems": 10**9}, [1]),
    ({"maxItems": 3}, []),
    ({"enum": [True, False, None]}, True),
    ({"uniqueItems": True}, [1, 2]),
    ({"format": "date"}, "2026-11-26"),
]
"""Schemas that ask for nothing here, for what cannot be broken alone, or for what nobody should have to refuse."""


@pytest.mark.parametrize(("schema", "good", "broken"), BROKEN, ids=lambda value: json.dumps(value)[:60])
def test_each_keyword_is_broken_by_itself(schema: dict[str, Any], good: Any, broken: list[Any]) -> None:
    assert list(violations(schema, [good])) == broken
    for payload in broken:
        assert len(list(Draft202012Validator(schema).iter_errors(payload))) == 1
        assert why_refused(schema, payload)
    assert why_refused(schema, good) == ""


@pytest.mark.parametrize(("schema", "good"), NOTHING, ids=lambda value: json.dumps(value)[:60])
def test_nothing_is_made_up(schema: dict[str, Any], good: Any) -> None:
    assert list(violations(schema, [good])) == []


def test_a_keyword_is_broken_once_wherever_it_first_applies() -> None:
    schema = {"properties": {"a": {"maximum": 2}, "b": {"maxLength": 0}}}
    assert list(violations(schema, [{}, {"a": 1}, {"a": 2, "b": ""}])) == [{"a": 3}, {"a": 2, "b": "a"}]


def test_what_is_good_stays_as_it_was() -> None:
    good = {"a": [{"b": 1}]}
    schema = {"properties": {"a": {"items": {"properties": {"b": {"maximum": 2}}, "additionalProperties": False}}}}
    assert len(list(violations(schema, [good]))) == 2
    assert good == {"a": [{"b": 1}]}
