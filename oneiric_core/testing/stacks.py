"""Stacks as lines to be read: down to where the test machinery called the test, and of what a coroutine waits for."""

from collections.abc import Iterator, Sequence
from types import CodeType, FrameType
from typing import Any, Final, TypeAlias

from oneiric_core.testing import audit
from oneiric_core.testing.code_owners import Owner, is_own, owner

__all__ = ["Place", "awaited_in", "lines_of", "places_on", "stack_of"]

Place: TypeAlias = tuple[CodeType, int]
"""Code, and the line in it; kept in the place of a frame, which would keep all its variables."""

_SHOWN: Final = 12
_INNERMOST: Final = 3
"""How many of the innermost are shown whosever they are."""
_DEEPEST: Final = 200
_SILENT: Final = ("<frozen", audit.__file__)


def stack_of(frame: FrameType | None) -> tuple[str, ...]:
    """``file:line in function``, innermost first."""
    return lines_of(places_on(frame))


def places_on(frame: FrameType | None) -> tuple[Place, ...]:
    """The same before it is written down, and whole."""
    found: list[Place] = []
    while frame is not None and len(found) < _DEEPEST and owner(frame.f_code.co_filename) is not Owner.MACHINERY:
        found.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(found)


def lines_of(places: Sequence[Place]) -> tuple[str, ...]:
    """The innermost ones, which say what was done, and of the others those of code that somebody works on."""
    told = [place for place in places if not place[0].co_filename.startswith(_SILENT)]
    own = {at for at, (code, _) in enumerate(told) if is_own(code.co_filename)}
    shown = [place for at, place in enumerate(told) if at < _INNERMOST or at in own or not own]
    return tuple(f"{code.co_filename}:{line} in {code.co_name}" for code, line in shown[:_SHOWN])


def awaited_in(coroutine: Any) -> tuple[str, ...]:
    """Where a suspended coroutine, or generator, waits: innermost first, to itself."""
    return lines_of([*_awaits(coroutine)][::-1])


def _awaits(coroutine: Any) -> Iterator[Place]:
    for _ in range(_DEEPEST):
        kind = next((kind for kind in ("cr", "gi", "ag") if hasattr(coroutine, f"{kind}_frame")), None)
        frame = None if kind is None else getattr(coroutine, f"{kind}_frame")
        if frame is None:
            return
        yield frame.f_code, frame.f_lineno
        coroutine = getattr(coroutine, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
