"""Payloads that break a JSON Schema (2020-12) in one place: good ones, changed until they keep no longer one keyword.

Where a keyword is about which part of a payload is known to the validator: it is asked with keywords that always
complain. What a changed payload breaks is known to it as well: two things at once, and nothing says which was refused.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend

__all__ = ["violations", "why_refused"]

_Changes: TypeAlias = Callable[[Any, Any], Iterable[Any]]
"""Given a value and what a keyword asks of it: values to try instead, those first that nobody could mean well."""

_LONGEST: Final = 20_000
"""Characters or items of what is too long: a component is given no more than that to find out."""
_UNKNOWN: Final = "nobody_asked_for_this"
_OTHERS: Final = ({"an": "object"}, "text")
_STEPS: Final = range(1, 11)
"""How far beyond a bound: one of them is a multiple of what numbers are mostly multiples of."""


def violations(schema: Mapping[str, Any], good: Iterable[Any]) -> Iterator[Any]:
    """Payloads, each of which breaks another keyword of the schema and keeps all the others.

    :param good: payloads that keep it; what is not in any of them is not broken.
    """
    asked, strict = _ASKED(schema), Draft202012Validator(schema)
    broken: set[tuple[object, ...]] = set()
    for payload in good:
        for told in _told(asked.iter_errors(payload)):
            where = tuple(told.absolute_schema_path)
            if where in broken:
                continue
            values = _CHANGES[str(told.validator)](told.instance, told.validator_value)
            changed = (_put(payload, list(told.absolute_path), value) for value in values)
            for candidate in changed:
                if len([*islice(strict.iter_errors(candidate), 2)]) == 1:
                    broken.add(where)
                    yield candidate
                    break


def why_refused(schema: Mapping[str, Any], payload: object) -> str:
    """What the schema has against a payload; empty if it allows it."""
    found = best_match(Draft202012Validator(schema).iter_errors(payload))
    return "" if found is None else str(found.message)


def _told(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    """The keywords that apply, also those of which only one of several has to be kept."""
    for error in errors:
        if error.validator in _CHANGES:
            yield error
        yield from _told(error.context or ())


def _put(payload: Any, path: Sequence[str | int], value: Any) -> Any:
    if not path:
        return value
    changed = inner = copy.deepcopy(payload)
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def _lower(value: Any, least: Any) -> Iterable[Any]:
    return [least - number for number in _STEPS] if _is_number(value) else []


def _higher(value: Any, most: Any) -> Iterable[Any]:
    return [most + number for number in _STEPS] if _is_number(value) else []


def _at(value: Any, bound: Any) -> Iterable[Any]:
    return [bound] if _is_number(value) else []


def _between(value: Any, step: Any) -> Iterable[Any]:
    return [value + 1, value + step / 2] if _is_number(value) else []


def _shorter(value: Any, least: int) -> Iterable[Any]:
    """Of letters that have one byte each: some count those."""
    return ["a" * (least - 1), value[: least - 1]] if isinstance(value, str) and least else []


def _longer(value: Any, most: int) -> Iterable[Any]:
    return [value.ljust(most + 1, "a"), "a" * (most + 1)] if isinstance(value, str) and most < _LONGEST else []


def _unlike(value: Any, _: str) -> Iterable[Any]:
    """In ASCII, where all dialects agree, and with nothing at the ends that is stripped."""
    return [f"{value}!", f"!{value}", "!", "-", ""] if isinstance(value, str) else []


def _none_of(value: Any, allowed: Sequence[Any]) -> Iterable[Any]:
    if _is_number(value):
        return [max(filter(_is_number, allowed), default=value) + 1]
    return [f"{value}!"] if isinstance(value, str) else []


def _fewer(value: Any, least: int) -> Iterable[Any]:
    return [value[: least - 1]] if isinstance(value, list) and least else []


def _more(value: Any, most: int) -> Iterable[Any]:
    return [value + value[-1:] * (most + 1 - len(value))] if isinstance(value, list) and most < _LONGEST else []


def _fewer_names(value: Any, least: int) -> Iterable[Any]:
    return [dict(islice(value.items(), least - 1))] if isinstance(value, dict) and least else []


def _more_names(value: Any, most: int) -> Iterable[Any]:
    names = (f"{_UNKNOWN}_{number}" for number in range(most + 1))
    return [{**value, **dict.fromkeys(names, "text")}] if isinstance(value, dict) and most < _LONGEST else []


def _unknown_name(value: Any, others: Any) -> Iterable[Any]:
    return [{**value, _UNKNOWN: "text"}] if isinstance(value, dict) and others is False else []


def _without(value: Any, required: Sequence[str]) -> Iterable[Any]:
    return [{key: kept for key, kept in value.items() if key != name} for name in required if isinstance(value, dict)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CHANGES: Final[Mapping[str, _Changes]] = {
    "type": lambda *_: _OTHERS,
    "required": _without,
    "minimum": _lower,
    "exclusiveMinimum": _at,
    "maximum": _higher,
    "exclusiveMaximum": _at,
    "multipleOf": _between,
    "minLength": _shorter,
    "maxLength": _longer,
    "pattern": _unlike,
    "enum": _none_of,
    "const": lambda value, only: _none_of(value, [only]),
    "minItems": _fewer,
    "maxItems": _more,
    "minProperties": _fewer_names,
    "maxProperties": _more_names,
    "additionalProperties": _unknown_name,
    "unevaluatedProperties": _unknown_name,
}
"""By keyword. Not ``uniqueItems``, as whoever makes a set of a list may take one for the other; not ``format``, as it
forbids nothing (JSON Schema Validation 2020-12, 7.2.1)."""


def _complaining(keyword: str) -> Any:
    """The keyword with a complaint of its own before all others."""
    usual = Draft202012Validator.VALIDATORS[keyword]

    def complain(validator: Validator, asked: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        yield ValidationError(keyword)
        yield from usual(validator, asked, value, schema) or ()

    return complain


_ASKED: Final = extend(Draft202012Validator, {keyword: _complaining(keyword) for keyword in _CHANGES})  # type: ignore[no-untyped-call]  # in its stubs
