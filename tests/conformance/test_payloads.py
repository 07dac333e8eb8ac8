"""What a component's verb is given."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from oneiric_conformance import PROFILES, Subject
from oneiric_conformance.handling.examples import by_itself, for_all
from oneiric_conformance.handling.payloads import NASTY, payloads_of
from oneiric_conformance.handling.schemas import from_schema
from oneiric_core import OneiricError


def drawn(strategy: st.SearchStrategy[Any]) -> list[Any]:
    seen: list[Any] = []
    with by_itself():
        for_all(strategy, seen.append, profile=PROFILES["gate"], name="payloads")
    return seen


TREE = {
    "$defs": {"tree": {"type": "object", "properties": {"next": {"$ref": "#/$defs/tree"}, "a~/b": {"type": "null"}}}},
    "allOf": [{"$ref": "#/$defs/tree"}, {"required": ["next"]}, True],
}
SCHEMAS: list[tuple[Mapping[str, Any], int]] = [
    ({}, 5),
    ({"type": "object", "properties": {"n": {"type": "integer"}, "t": {"type": "string"}}, "required": ["n"]}, 5),
    ({"type": "object", "required": ["other"], "additionalProperties": {"type": "integer"}}, 5),
    ({"properties": {"a": {"type": "boolean"}}, "additionalProperties": False, "type": "object"}, 3),
    ({"type": "object", "minProperties": 2, "maxProperties": 3}, 5),
    ({"type": "object", "additionalProperties": False}, 1),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4, "uniqueItems": True}, 5),
    ({"type": "array", "prefixItems": [{"enum": [1, 2]}, {"type": "boolean"}], "items": False, "minItems": 2}, 3),
    ({"type": "array", "items": {"type": "object", "required": ["x"]}, "maxItems": 0}, 1),
    ({"type": "string", "minLength": 3, "maxLength": 5}, 5),
    ({"type": "string", "maxLength": 0}, 1),
    ({"type": "string", "pattern": "^[a-c]{2}-\\d$"}, 5),
    ({"type": "string", "format": "date-time"}, 2),
    ({"minLength": 2}, 3),
    ({"type": "integer", "minimum": 3, "exclusiveMaximum": 6}, 3),
    ({"type": "integer", "exclusiveMinimum": -3, "maximum": 6, "multipleOf": 4}, 2),
    ({"type": "integer", "exclusiveMinimum": 10**6}, 3),
    ({"type": "number", "minimum": 0, "maximum": 1}, 5),
    ({"type": "number", "minimum": 1e12}, 3),
    ({"type": ["string", "null"]}, 3),
    ({"type": "boolean"}, 2),
    ({"enum": [1, "a", None]}, 3),
    ({"const": {"a": 1}}, 1),
    ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 5),
    ({"oneOf": [{"type": "integer", "minimum": 5}, {"type": "integer", "maximum": 3}]}, 5),
    ({"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "additionalProperties": True}, 3),
    ({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {}}, "required": ["a"]}]}, 4),
    (TREE, 2),
    ({"type": "string", "pattern": "^[A-Za-z0-9]+$", "minLength": 32, "maxLength": 64}, 3),
    ({"type": "string", "pattern": "^ORD-", "minLength": 16}, 5),
    ({"type": "string", "format": "uri", "pattern": "^https?://"}, 1),
    ({"type": "string", "format": "uri", "pattern": "^https?://[^/]+\\.example\\.com/"}, 3),
    ({"type": "string", "format": "email", "pattern": "@acme\\.com$"}, 1),
    ({"type": "string", "minLength": 1, "not": {"pattern": "[^a-z]"}}, 3),
    ({"type": "string", "contentEncoding": "base64"}, 3),
    ({"type": "object", "propertyNames": {"pattern": "^[a-z]{3,}$"}, "minProperties": 1}, 5),
    ({"type": "object", "propertyNames": {"$ref": "#/$defs/a"}, "$defs": {"a": {"enum": ["a", "b"]}}}, 3),
    ({"type": "object", "propertyNames": False}, 1),
    ({"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": False, "minProperties": 1}, 5),
    ({"type": "object", "required": ["x-a"], "patternProperties": {"^x-": {"type": "integer"}}}, 3),
    ({"type": "object", "properties": {name: {"type": "integer"} for name in "abcdefgh"}, "minProperties": 7}, 5),
    ({"items": {"type": "integer"}, "contains": {"const": 0}, "minItems": 4, "uniqueItems": True}, 5),
    ({"type": "array", "items": {"enum": [1, 2, 3]}, "contains": {"const": 3}, "minContains": 2, "maxItems": 3}, 2),
    ({"$ref": "#it", "$defs": {"item": {"$anchor": "it", "type": "string"}}}, 5),
    ({"$ref": "#/$defs/0/anyOf/1", "$defs": {"0": {"anyOf": [True, {"type": "boolean"}]}}}, 2),
]


@pytest.mark.parametrize(("schema", "least"), SCHEMAS, ids=lambda value: json.dumps(value)[:60])
def test_examples_keep_the_schema_and_differ(schema: Mapping[str, Any], least: int) -> None:
    validator = Draft202012Validator(schema)
    examples = drawn(from_schema(schema))
    for example in examples:
        validator.validate(example)
    assert len({json.dumps(example, sort_keys=True) for example in examples}) >= least


def test_only_python_takes_a_line_break_for_the_end_of_a_text() -> None:
    examples = drawn(from_schema({"type": "string", "pattern": "^[a-z]*$"}))
    assert not [example for example in examples if "\n" in example]


def test_a_match_of_an_open_pattern_has_the_form_that_is_asked_for() -> None:
    examples = drawn(from_schema({"type": "string", "format": "email", "pattern": "@acme\\.com$"}))
    assert all(re.fullmatch(r"[^@\s]+@acme\.com", example) for example in examples)


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(SchemaError):
        from_schema({"type": "objekt"})


def test_a_reference_out_of_the_schema_is_not_followed() -> None:
    with pytest.raises(ValueError, match="leads out of the schema"):
        drawn(from_schema({"properties": {"a": {"$ref": "https://example.org/schema"}}, "required": ["a"]}))


def test_a_schema_nothing_can_keep_is_no_pass() -> None:
    with pytest.raises(Exception, match=r"filter|[Uu]nsatisf|empty"):
        drawn(from_schema({"type": "integer", "minimum": 5, "maximum": 3}))


def test_without_a_schema_payloads_are_small_objects() -> None:
    strategy, nasty = payloads_of(Subject("task", "k", "p"))
    assert nasty == list(NASTY)
    assert nasty[0] is not NASTY[0]
    assert all(isinstance(payload, dict) for payload in drawn(strategy))
    json.dumps(drawn(strategy), allow_nan=False)


@pytest.mark.parametrize(
    "metadata",
    [
        {"capabilities": [{"name": "c", "payload_schema": {"type": "integer", "examples": [7, "no"]}}]},
        {"capabilities": ["c"], "capability_descriptors": ({"payload_schema": {"type": "integer", "examples": [7]}},)},
        {"payload_schema": {"type": "integer", "examples": [7]}, "capabilities": "c"},
    ],
)
def test_a_declared_schema_is_kept_wherever_it_stands(metadata: Mapping[str, Any]) -> None:
    """The author's own examples come first, those that keep the schema."""
    strategy, nasty = payloads_of(Subject("task", "k", "p", metadata=metadata))
    assert nasty == [7]
    assert all(isinstance(payload, int) for payload in drawn(strategy))


def test_several_schemas_are_all_tried() -> None:
    both = {"capabilities": [{"payload_schema": {"const": 1}}, {"payload_schema": {"const": 2}}]}
    strategy, _ = payloads_of(Subject("task", "k", "p", metadata=both))
    assert set(drawn(strategy)) == {1, 2}


WORDS = st.sampled_from(["one", "two"])


def words() -> st.SearchStrategy[str]:
    return WORDS


@pytest.mark.parametrize("name", ["WORDS", "words"])
def test_the_author_s_own_strategy_is_used_where_there_is_one(name: str) -> None:
    declared = {"payload_schema": {"type": "object"}}
    subject = Subject("task", "words", "acme", metadata=declared, payloads=f"{__name__}:{name}")
    strategy, examples = payloads_of(subject)
    assert {*drawn(strategy), *examples} == {"one", "two"}


@pytest.mark.parametrize("name", ["NASTY", "drawn.__name__"])
def test_what_is_no_strategy_is_refused(name: str) -> None:
    subject = Subject("task", "words", "acme", payloads=f"{__name__}:{name}")
    with pytest.raises(OneiricError):
        payloads_of(subject)
