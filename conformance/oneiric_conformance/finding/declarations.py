"""From what an entry point loads to subjects, by the runtime's own reading: what is certified is what is registered.

What a runtime takes is not judged here any further: one NaN must fail a check, not lose the component.
"""

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from pydantic import ValidationError

from oneiric_conformance.subject import EntryPointName, Subject
from oneiric_core import DOMAINS, Candidate, Domain, OneiricError
from oneiric_core.testing import candidates_from, declarations_in, import_object

__all__ = ["broken", "last_line", "load", "subject_of"]

_OWN_FIELDS: Final = frozenset(
    {"domain", "key", "category", "action_type", "provider", "factory", "priority", "stack_level", "source"}
    | {"registered_at", "sequence", "origin", "health", "metadata", "extras", "settings_model"}
)
"""Fields that say what a component is, or how it was found; the others are its metadata."""


_FIELDS: Final = 5


def load(point: EntryPointName) -> list[Subject]:
    """What an entry point declares, as a runtime reads it. What that refuses is told by the ``error`` of the last
    subject, and keeps no other one back.

    Whatever the author's code raises ends here, except KeyboardInterrupt, which may be the user's own.
    """
    found: list[Subject] = []
    refused: list[BaseException] = []
    try:
        for declaration in declarations_in(import_object(point.value.partition("[")[0], None)):
            try:
                found.append(dataclasses.replace(subject_of(declaration, _domain(point)), entry_point=point))
            except Exception as error:  # noqa: BLE001 - as below, and those after it are judged
                refused.append(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a broken subject must not end the run
        refused.append(error)
    if refused:
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        return [*found, broken(point, f"{last_line(refused[0])}{more}")]
    return found or [broken(point, "it declares no component")]


def subject_of(declaration: object, domain: Domain | None) -> Subject:
    """The component that a runtime makes of a declaration, with all that its author says of it.

    :param domain: that of the group it stands in; None if in none: then it says its own, or has a category, as only
        adapters have.
    :raises ResolutionError: a runtime refuses it.
    """
    if domain is None and getattr(declaration, "category", None) is not None and not _says_its_domain(declaration):
        domain = Domain.ADAPTER
    (candidate,) = candidates_from(declaration, domain, "")
    metadata = _metadata(declaration, candidate)
    model = getattr(declaration, "settings_model", None)
    return Subject(
        domain=str(candidate.domain),
        key=candidate.key,
        provider=candidate.provider,
        factory=candidate.factory,
        metadata=metadata,
        settings_model=metadata.get("settings_model") if model is None else model,
        priority=candidate.priority,
        stack_level=candidate.stack_level,
    )


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


def _says_its_domain(declaration: object) -> bool:
    return getattr(declaration, "domain", None) is not None or callable(getattr(declaration, "to_candidate", None))


def _metadata(declaration: object, candidate: Candidate) -> dict[str, Any]:
    """What the candidate has of it; if it was declared without any, all its further fields and its ``extras``."""
    said = getattr(declaration, "metadata", None) is not None
    if said or callable(getattr(declaration, "to_candidate", None)):
        return {name: _plain(value) for name, value in candidate.metadata.items()}
    names = [name for name in _field_names(declaration) if name not in _OWN_FIELDS and not name.startswith("_")]
    fields = {name: getattr(declaration, name, None) for name in names}
    extras = getattr(declaration, "extras", None)
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
