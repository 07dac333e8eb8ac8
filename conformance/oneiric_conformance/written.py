"""Values as an author wrote them into ``pyproject.toml``, refused where they are not what they have to be."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from oneiric_core import ConformanceError

__all__ = ["SECTION", "of_type", "refuse", "refuse_unknown"]

SECTION: Final = "[tool.oneiric.conformance]"


def of_type(name: str, value: Any, kind: type) -> Any:
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise ConformanceError(
        f"{name} in {SECTION} is {value!r}, of type {type(value).__name__}",
        fix=f"Give it a value of type {kind.__name__}",
        name=name,
        value=value,
    )


def refuse_unknown(given: Mapping[str, object], known: "list[str] | tuple[str, ...]", where: str) -> None:
    for name in given:
        if name not in known:
            refuse(name, known, f"{where} has the unknown key {name!r}")


def refuse(name: str, known: "list[str] | tuple[str, ...]", what: str) -> None:
    near = get_close_matches(name, known, n=1)
    listed = ", ".join(known) or "nothing"
    raise ConformanceError(what, fix=f"Did you mean {near[0]}?" if near else f"There is {listed}", name=name)
