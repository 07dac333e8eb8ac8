"""What a component's verb is given: examples of the schema it declares, else small JSON objects."""

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from hypothesis_jsonschema import from_schema

from oneiric_conformance.subject import Subject

__all__ = ["JSON", "NASTY", "OBJECTS", "TEXT", "payloads_of", "schemas_of"]

TEXT: Final = st.text(alphabet="abcXYZ019 _-./\\:~é日\U0001f600", max_size=8)
"""Text from a fixed alphabet, so that it does not depend on the Unicode tables of the Python at hand."""

_SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9, allow_nan=False, width=32) | TEXT
)
JSON: Final = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
"""Any JSON value."""

OBJECTS: Final = st.dictionaries(TEXT, JSON, max_size=4)
"""JSON objects: what a payload is unless its schema says otherwise."""

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
    """A strategy of payloads the subject declares to take, and examples to try first.

    :raises hypothesis.errors.InvalidArgument: or an error of ``jsonschema``, if a declared schema is none.
    """
    schemas = schemas_of(subject)
    if not schemas:
        return OBJECTS, [dict(example) for example in NASTY]
    strategies = [from_schema(schema, codec="ascii") for schema in schemas]
    for strategy in strategies:
        strategy.validate()
    return st.one_of(strategies), []


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
