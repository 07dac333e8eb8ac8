"""Examples of a JSON Schema (2020-12), from fixed alphabets and ranges.

The keywords that say what a value is made of are used to make one. Whatever else a schema asks for, the finished
example is validated against it, and dropped if it does not fit.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from jsonschema import Draft202012Validator

__all__ = ["ALPHABET", "JSON", "OBJECTS", "TEXT", "from_schema", "text_of"]

Schema: TypeAlias = Mapping[str, Any]
Values: TypeAlias = SearchStrategy[Any]

ALPHABET: Final = "abcXYZ019 _-./\\:~é日\U0001f600"
"""What text is made of, so that it does not depend on the Unicode tables of the Python at hand."""


def text_of(alphabet: str, least: int = 0, most: int = 8) -> SearchStrategy[str]:
    """Text of ``least`` to ``most`` of these characters.

    ``st.text`` would go through all of Unicode first, which takes half a second in every process.
    """
    return st.lists(st.sampled_from(alphabet), min_size=least, max_size=most).map("".join)


TEXT: Final = text_of(ALPHABET)
"""Short text."""

_LARGEST: Final = 2**53
_INTEGERS: Final = st.integers(-_LARGEST, _LARGEST)
_NUMBERS: Final = _INTEGERS | st.floats(-1e9, 1e9, allow_nan=False, width=32)
JSON: Final = st.recursive(
    st.none() | st.booleans() | _NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
"""Any JSON value."""

OBJECTS: Final = st.dictionaries(TEXT, JSON, max_size=4)
"""JSON objects."""

_FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("2026-01-31", "2024-02-29", "1970-01-01"),
    "date-time": ("2026-01-31T12:00:00Z", "2024-02-29T23:59:59.999+01:00"),
    "time": ("12:00:00Z", "23:59:59+01:00"),
    "email": ("someone@example.org", "a+b@sub.example.org"),
    "hostname": ("example.org", "localhost"),
    "ipv4": ("127.0.0.1", "192.0.2.7"),
    "ipv6": ("::1", "2001:db8::7"),
    "uri": ("https://example.org/a?b=c", "urn:example:a"),
    "uuid": ("00000000-0000-4000-8000-000000000000", "123e4567-e89b-42d3-a456-426614174000"),
}
_TELLS: Final[Mapping[str, tuple[str, ...]]] = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
"""Keywords that say which type is meant where ``type`` is missing."""


def from_schema(schema: Schema) -> Values:
    """A strategy of values that are valid under ``schema``.

    :raises jsonschema.exceptions.SchemaError: if it is no schema.
    """
    Draft202012Validator.check_schema(schema)
    return _Reader(schema).values(schema).filter(Draft202012Validator(schema).is_valid)


class _Reader:
    """Reads one schema; references lead to other places of the same document."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._known: dict[str, Values] = {}
        self._made: Mapping[str, Callable[[Schema], Values]] = {
            "object": self._object,
            "array": self._array,
            "string": _string,
            "integer": _integer,
            "number": lambda schema: _integer(schema) | _float(schema),
            "boolean": lambda _: st.booleans(),
            "null": lambda _: st.none(),
        }

    def values(self, schema: Schema | bool) -> Values:
        """What the schema describes, as far as its own keywords tell."""
        if isinstance(schema, bool):
            return JSON if schema else st.nothing()
        if "const" in schema or "enum" in schema:
            return st.sampled_from([schema["const"]] if "const" in schema else list(schema["enum"]))
        if "$ref" in schema:
            return self._reference(schema["$ref"])
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                return self._combined(schema, keyword)
        return st.one_of([self._made[kind](schema) for kind in _types(schema)]) if _types(schema) else JSON

    def _combined(self, schema: Schema, keyword: str) -> Values:
        rest = {name: value for name, value in schema.items() if name != keyword}
        parts = [self._looked_up(part) for part in schema[keyword]]
        if keyword == "allOf":
            return self.values(_merged(rest, *parts))
        return st.one_of([self.values(_merged(rest, part)) for part in parts])

    def _reference(self, reference: str) -> Values:
        if reference not in self._known:
            self._known[reference] = st.deferred(lambda: self.values(self._target(reference)))
        return self._known[reference]

    def _looked_up(self, schema: Schema | bool) -> Schema | bool:
        """The schema itself, or what it refers to if it says nothing else: then it can be merged."""
        return self._target(schema["$ref"]) if not isinstance(schema, bool) and [*schema] == ["$ref"] else schema

    def _target(self, reference: str) -> Any:
        """A JSON pointer into this document; nothing is fetched."""
        start, _, pointer = reference.partition("#")
        if start:
            raise ValueError(f"the reference {reference!r} leads out of the schema. Put what it means into $defs.")
        found: Any = self._document
        for step in filter(None, pointer.split("/")):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        return found

    def _object(self, schema: Schema) -> Values:
        others = schema.get("additionalProperties", True)
        properties = {name: self.values(value) for name, value in schema.get("properties", {}).items()}
        required = {name: properties.pop(name, self.values(others)) for name in schema.get("required", ())}
        if properties or required:
            return st.fixed_dictionaries(required, optional=properties)
        least = schema.get("minProperties", 0)
        most = 0 if others is False else schema.get("maxProperties", least + 3)
        return st.dictionaries(TEXT, self.values(others), min_size=least, max_size=max(least, most))

    def _array(self, schema: Schema) -> Values:
        first = [self.values(item) for item in schema.get("prefixItems", ())]
        others = schema.get("items", True)
        least = max(0, schema.get("minItems", 0) - len(first))
        most = 0 if others is False else min(least + 3, schema.get("maxItems", _LARGEST) - len(first))
        unique = (lambda item: json.dumps(item, sort_keys=True)) if schema.get("uniqueItems") else None
        rest = st.lists(self.values(others), min_size=least, max_size=max(least, most), unique_by=unique)
        return st.tuples(st.tuples(*first), rest).map(lambda parts: [*parts[0], *parts[1]]) if first else rest


def _types(schema: Schema) -> list[str]:
    declared = schema.get("type")
    if declared is not None:
        return [declared] if isinstance(declared, str) else list(declared)
    return [kind for kind, keywords in _TELLS.items() if any(keyword in schema for keyword in keywords)]


def _merged(*parts: Schema | bool) -> Schema | bool:
    merged: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, bool):
            if not part:
                return False
            continue
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = list(dict.fromkeys([*merged.get("required", ()), *part.get("required", ())]))
        together = {"properties": properties, "required": required}
        merged |= {**part, **{name: value for name, value in together.items() if value}}
    return merged


def _string(schema: Schema) -> Values:
    if schema.get("format") in _FORMATS:
        return st.sampled_from(_FORMATS[schema["format"]])
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], alphabet=st.characters(codec="ascii"))
    least = schema.get("minLength", 0)
    return text_of(ALPHABET, least, min(schema.get("maxLength", least + 8), least + 8))


def _integer(schema: Schema) -> Values:
    least, most = schema.get("minimum", -_LARGEST), schema.get("maximum", _LARGEST)
    least = max(least, schema.get("exclusiveMinimum", least - 1) + 1)
    most = min(most, schema.get("exclusiveMaximum", most + 1) - 1)
    step = schema.get("multipleOf", 1)
    low, high = -(-least // step), most // step
    return st.integers(int(low), int(high)).map(lambda number: number * step) if low <= high else st.nothing()


def _float(schema: Schema) -> Values:
    least = schema.get("exclusiveMinimum", schema.get("minimum", -1e9))
    most = schema.get("exclusiveMaximum", schema.get("maximum", max(1e9, least)))
    return st.floats(min(least, most), most, allow_nan=False)
