"""What a component's verb is given: examples of the schema it declares, else small JSON objects."""

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from jsonschema import Draft202012Validator

from oneiric_conformance.handling.schemas import JSON, OBJECTS, from_schema
from oneiric_conformance.handling.texts import TEXT
from oneiric_conformance.subject import Subject
from oneiric_core import ConformanceError
from oneiric_core.testing import import_object

__all__ = ["JSON", "NASTY", "OBJECTS", "TEXT", "payloads_of", "schemas_of"]

NASTY: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"": ""},
    {"key": None},
    {"text": "", "number": 0, "list": [], "object": {}},
    {"number": 2**53, "float": -0.0, "text": "é日\U0001f600\\/\"'"},
    {"deep": {"a": [{"b": {"c": [None, True, False]}}]}},
)
"""Objects that have broken handlers before."""


def payloads_of(subject: Subject) -> tuple[SearchStrategy[Any], list[Any]]:
    """A strategy of payloads the subject takes, and examples to try first.

    It is the author's own where one is configured; else it follows from the declared schemas.

    :raises ConformanceError: what is configured is no strategy.
    :raises jsonschema.exceptions.SchemaError: if a declared schema is none.
    """
    if subject.payloads:
        return _own(subject.payloads), []
    schemas = schemas_of(subject)
    if not schemas:
        return OBJECTS, [dict(example) for example in NASTY]
    strategies = [from_schema(schema) for schema in schemas]
    return st.one_of(strategies), [example for schema in schemas for example in _given(schema)]


def _own(path: str) -> SearchStrategy[Any]:
    found = import_object(path, None)
    made = found() if callable(found) and not isinstance(found, SearchStrategy) else found
    if not isinstance(made, SearchStrategy):
        raise ConformanceError(
            f"the payloads {path!r} are {type(made).__name__}",
            fix="Name a Hypothesis strategy, or a function giving one",
        )
    return made


def _given(schema: Mapping[str, Any]) -> list[Any]:
    """The examples the author wrote into the schema, as far as they keep it."""
    valid = Draft202012Validator(schema).is_valid
    return [example for example in schema.get("examples", ()) if valid(example)]


def schemas_of(subject: Subject) -> list[dict[str, Any]]:
    """The JSON schemas it declares for its payloads, in capability descriptors or directly."""
    named = [subject.metadata.get("capabilities"), subject.metadata.get("capability_descriptors")]
    descriptors = [item for value in named if isinstance(value, list | tuple) for item in value]
    found: list[dict[str, Any]] = []
    for descriptor in [*descriptors, subject.metadata]:
        schema = descriptor.get("payload_schema") if isinstance(descriptor, Mapping) else None
        if isinstance(schema, Mapping) and schema not in found:
            found.append(dict(schema))
    return found
