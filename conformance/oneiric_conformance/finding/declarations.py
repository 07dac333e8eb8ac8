"""From what an entry point loads to subjects. Content is never judged here: one NaN must fail a check, not lose the
component. Any shape that a runtime can use is accepted, whoever defined its classes.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final

from pydantic import ValidationError

from oneiric_conformance.subject import EntryPointName, Subject
from oneiric_core import DOMAINS, Domain, OneiricError
from oneiric_core.testing import import_object

__all__ = ["NotADeclaration", "broken", "last_line", "load", "subjects_of"]

_OWN_FIELDS: Final = frozenset(
    {"domain", "key", "category", "action_type", "provider", "factory", "priority", "stack_level", "source"}
    | {"registered_at", "sequence", "origin", "health", "metadata", "extras", "settings_model"}
)
"""Fields that say what a component is, or how it was found; the others are its metadata."""


_FIELDS: Final = 5


class NotADeclaration(TypeError):  # noqa: N818 - it says what the object is not
    """An object declares no component, nor does calling it or iterating over it."""


def load(point: EntryPointName) -> list[Subject]:
    """What an entry point declares. If it fails, the last subject has the ``error`` and the others were before it.

    Whatever the author's code raises ends here, except KeyboardInterrupt, which may be the user's own.
    """
    found: list[Subject] = []
    try:
        for subject in subjects_of(import_object(point.value.partition("[")[0], None), _domain(point)):
            found.append(dataclasses.replace(subject, entry_point=point))  # noqa: PERF401 - what came before an error counts
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a broken subject must not end the run
        return [*found, broken(point, last_line(error))]
    return found or [broken(point, "it declares no component")]


def subjects_of(declared: object, domain: Domain | None) -> Iterator[Subject]:
    """The components that an object declares: metadata, something with ``metadata``, a callable giving it, iterables.

    :param domain: that of the group it stands in, for declarations which do not say their own.
    :raises NotADeclaration: where there is no declaration.
    """
    for item in _flat(declared, called=False):
        yield _subject(item, domain)


def broken(point: EntryPointName, error: str) -> Subject:
    """What stands for the components of an entry point that cannot be loaded."""
    domain = _domain(point)
    return Subject(domain.value if domain else "", point.name, "", entry_point=point, error=error)


def _domain(point: EntryPointName) -> Domain | None:
    return next((row.domain for row in DOMAINS.values() if row.group == point.group), None)


def last_line(error: BaseException) -> str:
    """What a traceback would end with, on one line; of the author's error, not of the one that wraps it."""
    if isinstance(error, OneiricError) and error.__cause__ is not None:
        error = error.__cause__
    kind = type(error)
    short = kind.__module__ in ("builtins", "pydantic_core._pydantic_core")
    name = kind.__qualname__ if short else f"{kind.__module__}.{kind.__qualname__}"
    try:
        text = _fields(error) if isinstance(error, ValidationError) else str(error).strip().partition("\n")[0]
    except Exception:  # noqa: BLE001 - the author's own __str__ may do anything
        text = ""
    return f"{name}: {text}" if text else name


def _fields(error: ValidationError) -> str:
    """Which fields are wrong and why; the values may be secrets."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, item['loc'])) or error.title}: {item['msg']}" for item in found[:_FIELDS]]
    return "; ".join([*told, f"and {len(found) - _FIELDS} more"] if len(found) > _FIELDS else told)


def _flat(declared: object, *, called: bool) -> Iterator[object]:
    if _declares(declared):
        yield declared
    elif _declares(getattr(declared, "metadata", None)):
        yield declared.metadata  # type: ignore[attr-defined] # the line above found it
    elif callable(declared) and not called:
        yield from _flat(declared(), called=True)
    elif isinstance(declared, Iterable) and not isinstance(declared, str | bytes | type | Mapping):
        for item in declared:
            yield from _flat(item, called=called)
    else:
        raise NotADeclaration(f"{type(declared).__name__} {declared!r:.80} declares no component")


def _declares(value: object) -> bool:
    """Whether it is itself a declaration; a class is not, though instances of it may be."""
    if value is None or isinstance(value, type):
        return False
    named = any(hasattr(value, name) for name in ("key", "category", "action_type"))
    return callable(getattr(value, "to_candidate", None)) or (hasattr(value, "factory") and named)


def _subject(declared: Any, domain: Domain | None) -> Subject:
    convert = getattr(declared, "to_candidate", None)
    given = convert() if callable(convert) else declared
    category = getattr(given, "category", None)
    key = next(
        (value for name in ("key", "category", "action_type") if (value := getattr(given, name, None)) is not None), ""
    )
    own = getattr(given, "domain", None)
    if own is None:
        own = Domain.ADAPTER if category is not None else (domain or "")
    metadata = _metadata(given)
    model = getattr(declared, "settings_model", None)
    return Subject(
        domain=_text(own),
        key=_text(key),
        provider=_text(getattr(given, "provider", None)),
        factory=getattr(given, "factory", None),
        metadata=metadata,
        settings_model=metadata.get("settings_model") if model is None else model,
        priority=getattr(given, "priority", None),
        stack_level=getattr(given, "stack_level", None),
    )


def _metadata(given: object) -> dict[str, Any]:
    """Its mapping of metadata if it has one, else all its further fields and what stands in ``extras``."""
    explicit = getattr(given, "metadata", None)
    if isinstance(explicit, Mapping):
        return {name: _plain(value) for name, value in explicit.items()}
    names = [name for name in _field_names(given) if name not in _OWN_FIELDS and not name.startswith("_")]
    fields = {name: getattr(given, name, None) for name in names}
    if explicit is not None:
        fields["metadata"] = explicit
    extras = getattr(given, "extras", None)
    if isinstance(extras, Mapping):
        fields |= extras
    return {name: _plain(value) for name, value in fields.items() if value is not None}


def _field_names(given: object) -> list[str]:
    model = getattr(type(given), "model_fields", None)
    if isinstance(model, Mapping):
        return [str(name) for name in model]
    if dataclasses.is_dataclass(given):
        return [field.name for field in dataclasses.fields(given)]
    return [name for name in getattr(given, "__dict__", {}) if isinstance(name, str)]


def _plain(value: object) -> Any:
    """Enumerations by value, at any depth of lists and mappings; everything else as it is."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {_plain(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _text(value: object) -> str:
    plain = _plain(value)
    return "" if plain is None else str(plain)
