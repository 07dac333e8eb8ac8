"""What a component is given as settings during a run: what its author configured, else what can be guessed safely."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_conformance.subject import Subject
from oneiric_core.testing import import_object

__all__ = ["SANDBOX", "declared", "filled", "guessed", "mentions_sandbox"]

SANDBOX: Final = "{sandbox}"
_ROOTS: Final = ("root", "base_path", "directory", "path")


def declared(subject: Subject) -> Mapping[str, Any]:
    """Raw settings of the subject, those of its author or guessed ones, in which ``{sandbox}`` may stand.

    :raises OneiricError: if ``settings_model`` names something that cannot be imported.
    """
    return subject.settings or guessed(subject.settings_model)


def filled(raw: Mapping[str, Any], box: Sandbox) -> dict[str, Any]:
    """The same with the path of the box for ``{sandbox}``, at any depth.

    :raises ConformanceError: if the box has no directory yet, and there is no room for one.
    """
    return {name: _replaced(value, box) for name, value in raw.items()}


def mentions_sandbox(raw: object) -> bool:
    """Whether ``{sandbox}`` stands anywhere in raw settings."""
    if isinstance(raw, Mapping):
        return any(map(mentions_sandbox, raw.values()))
    return any(map(mentions_sandbox, raw)) if isinstance(raw, list) else isinstance(raw, str) and SANDBOX in raw


def guessed(settings_model: object) -> Mapping[str, Any]:
    """``{sandbox}`` for the one field that must be where the component works: a sole path, or one named like a root."""
    model = import_object(settings_model, None) if isinstance(settings_model, str) else settings_model
    fields = getattr(model, "model_fields", None)
    if not isinstance(fields, Mapping):
        return {}
    paths = [name for name, field in fields.items() if _is_path(getattr(field, "annotation", None))]
    roots = [name for name in _ROOTS if name in fields and (name in paths or _is_text(fields[name].annotation))]
    chosen = paths if len(paths) == 1 else roots[:1]
    return dict.fromkeys(chosen, SANDBOX)


def _is_path(annotation: object) -> bool:
    return any(isinstance(kind, type) and issubclass(kind, Path) for kind in _kinds(annotation))


def _is_text(annotation: object) -> bool:
    return str in _kinds(annotation)


def _kinds(annotation: object) -> tuple[object, ...]:
    """The alternatives of a union; the annotation itself if it is none."""
    return get_args(annotation) or (annotation,)


def _replaced(value: object, box: Sandbox) -> Any:
    if isinstance(value, str):
        return value.replace(SANDBOX, str(box.path)) if SANDBOX in value else value
    if isinstance(value, Mapping):
        return {name: _replaced(item, box) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, box) for item in value]
    return value
