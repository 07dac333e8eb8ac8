"""From a candidate to the entry that stands for it: the way back from :mod:`oneiric_core.manifest.candidates`."""

from collections.abc import Mapping
from typing import Any, Final

from oneiric_core.components import Candidate
from oneiric_core.discovery import import_object
from oneiric_core.errors import ActivationError, ManifestError
from oneiric_core.manifest import RemoteManifestEntry
from oneiric_core.manifest.candidates import PUBLISHED_NAMES

__all__ = ["entry_of"]

_FIELDS: Final = tuple(RemoteManifestEntry.model_fields)
_FIELD_OF: Final = {published: field for field, published in PUBLISHED_NAMES.items()}
_CAPABILITIES: Final = frozenset({"capabilities", "capability_descriptors"})
_PLACED: Final = frozenset({"domain", "key", "provider", "factory", "stack_level", "priority", "metadata"})
"""Names that a candidate's metadata may use for something else than the field of that name."""


def entry_of(candidate: Candidate, version: str, shared: Mapping[str, Any]) -> dict[str, Any]:
    """The entry as plain JSON values, fields in the order of the schema.

    What the candidate declares goes into the field of that meaning, anything else into ``metadata``.

    :param version: its version, where it does not declare one.
    :param shared: fields that hold unless it declares them.
    :raises ManifestError: its factory cannot be named by a text.
    """
    fields: dict[str, Any] = {
        "domain": str(candidate.domain),
        "key": candidate.key,
        "provider": candidate.provider,
        "factory": _factory_text(candidate),
        "stack_level": candidate.stack_level,
        "priority": candidate.priority,
    }
    free: dict[str, Any] = {}
    for name, value in candidate.metadata.items():
        field = _FIELD_OF.get(name, name)
        if name in _CAPABILITIES:
            fields["capabilities"] = _capabilities(candidate)
        elif field in _FIELDS and field not in _PLACED:
            fields[field] = value
        else:
            free[name] = value
    for field, value in {**shared, "version": version}.items():
        fields.setdefault(field, value)
    fields["metadata"] = free or None
    return {name: fields[name] for name in _FIELDS if fields.get(name) is not None}


def _factory_text(candidate: Candidate) -> str:
    factory = candidate.factory
    if isinstance(factory, str):
        return factory
    path = f"{getattr(factory, '__module__', None)}:{getattr(factory, '__qualname__', None)}"
    try:
        found = import_object(path, None)
    except ActivationError as error:
        raise _nameless(candidate, path) from error
    if found is not factory:
        raise _nameless(candidate, path)
    return path


def _nameless(candidate: Candidate, path: str) -> ManifestError:
    return ManifestError(
        f"the factory of {candidate.name} is not what {path!r} names, so no manifest can name it",
        fix='Declare it as "package.module:attribute"',
        name=candidate.name,
    )


def _capabilities(candidate: Candidate) -> list[Any]:
    """Each once: described where there is a description."""
    described = {item["name"]: item for item in candidate.metadata.get("capability_descriptors") or ()}
    claimed = candidate.metadata.get("capabilities") or ()
    names = [claimed] if isinstance(claimed, str) else [*claimed]
    return [described.get(name, name) for name in dict.fromkeys([*names, *described])]
