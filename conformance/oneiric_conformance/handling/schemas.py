"""Examples of a JSON Schema (2020-12), from fixed alphabets and ranges.

The keywords that say what a value is made of are used to make one. Whatever else a schema asks for, the finished
example is validated against it, and dropped if it does not fit.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from jsonschema import Draft202012Validator

from oneiric_conformance.handling.texts import TEXT, string

__all__ = ["JSON", "OBJECTS", "from_schema"]

Schema: TypeAlias = Mapping[str, Any]
Values: TypeAlias = SearchStrategy[Any]

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

_TELLS: Final[Mapping[str, tuple[str, ...]]] = {
    "object": (
        *("properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
        *("minProperties", "maxProperties"),
    ),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "string": ("minLength", "maxLength", "pattern", "format", "contentEncoding"),
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
            "string": string,
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
        """A JSON pointer into this document, or an anchor in it; nothing is fetched."""
        start, _, pointer = reference.partition("#")
        if start:
            raise ValueError(f"the reference {reference!r} leads out of the schema. Put what it means into $defs.")
        found: Any = self._document
        if pointer and not pointer.startswith("/"):
            anchored = [part for part in _parts(found) if part.get("$anchor") == pointer]
            if not anchored:
                raise ValueError(f"the reference {reference!r} leads nowhere. Give what it means this $anchor.")
            return anchored[0]
        for step in filter(None, unquote(pointer).split("/")):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found[int(name)] if isinstance(found, list) else found[name]
        return found

    def _object(self, schema: Schema) -> Values:
        patterns, others = schema.get("patternProperties", {}), schema.get("additionalProperties", True)
        properties = {name: self.values(value) for name, value in schema.get("properties", {}).items()}
        for name in schema.get("required", ()):
            fitting = (value for pattern, value in patterns.items() if re.search(pattern, name))
            properties.setdefault(name, self.values(next(fitting, others)))
        required = {name: properties.pop(name) for name in schema.get("required", ())}
        least = schema.get("minProperties", 0) - len(required)
        if 0 < least <= len(properties):
            return _some(required, properties, least)
        if properties or required:
            return st.fixed_dictionaries(required, optional=properties)
        kinds = [*patterns.items(), ("", others)] if schema.get("propertyNames") is not False else []
        entries = [(self._names(schema, pattern), self.values(kind)) for pattern, kind in kinds if kind is not False]
        least = max(least, 0)
        most = max(least, schema.get("maxProperties", least + 3)) if entries else 0
        pairs = st.one_of([st.tuples(*entry) for entry in entries])
        return st.lists(pairs, min_size=least, max_size=most, unique_by=lambda pair: pair[0]).map(dict)

    def _names(self, schema: Schema, pattern: str = "") -> Values:
        """Names that a property may have, with this pattern if there is one."""
        asked = self._looked_up(schema.get("propertyNames", True))
        if isinstance(asked, bool) and not pattern:
            return TEXT
        return self.values({**({} if isinstance(asked, bool) else asked), "type": "string", **_pattern(pattern)})

    def _array(self, schema: Schema) -> Values:
        first = [self.values(item) for item in schema.get("prefixItems", ())]
        others, among = schema.get("items", True), schema.get("contains")
        held = 0 if among is None else schema.get("minContains", 1)
        least = max(0, schema.get("minItems", 0) - len(first) - held)
        most = 0 if others is False else min(least + 3, schema.get("maxItems", _LARGEST) - len(first) - held)
        unique = _written if schema.get("uniqueItems") else None
        rest = st.lists(self.values(others), min_size=least, max_size=max(least, most), unique_by=unique)
        if among is not None:
            has = self.values(_merged(self._looked_up(others), self._looked_up(among)))
            rest = st.tuples(rest, st.lists(has, min_size=held, max_size=held)).map(_joined)
        if unique:
            rest = rest.map(_once_each)
        return st.tuples(st.tuples(*first), rest).map(_joined) if first else rest


def _some(required: dict[str, Values], optional: dict[str, Values], least: int) -> Values:
    """All that is required, and so many of the others at least."""
    names = st.lists(st.sampled_from(sorted(optional)), min_size=least, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries({**required, **{name: optional[name] for name in chosen}})
    )


def _pattern(pattern: str) -> dict[str, str]:
    return {"pattern": pattern} if pattern else {}


def _written(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _joined(parts: Any) -> list[Any]:
    return [item for part in parts for item in part]


def _once_each(items: list[Any]) -> list[Any]:
    return [*{_written(item): item for item in items}.values()]


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in it, itself among them."""
    if isinstance(schema, Mapping):
        yield schema
    inner = schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ()
    for each in inner:
        yield from _parts(each)


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
