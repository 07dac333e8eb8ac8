"""Whose code a file is: the standard library's, the test machinery's, or somebody's own."""

import asyncio
import os
import sys
import sysconfig
from collections.abc import Iterator
from enum import Enum, auto
from functools import lru_cache
from types import FrameType
from typing import Final

__all__ = ["Owner", "acting", "is_own", "owner"]


class Owner(Enum):
    """To whom a source file belongs."""

    LIBRARY = auto()
    MACHINERY = auto()
    OTHER = auto()


_LIBRARIES: Final = tuple({path + os.sep for name in ("stdlib", "platstdlib") if (path := sysconfig.get_path(name))})
_MACHINERY: Final = frozenset(
    {
        *("_pytest", "pytest", "pluggy", "xdist", "execnet", "pytest_asyncio", "pytest_oneiric"),
        *("hypothesis", "hypothesis_jsonschema", "coverage", "trustme"),
    }
)
_ASYNCIO: Final = os.path.dirname(asyncio.__file__) + os.sep  # noqa: PTH120 - names of files are compared as texts
_TURNING: Final = frozenset({"_run", "run_forever", "run_until_complete", "run"})
"""The functions of asyncio below which is whatever a loop was given to do."""
_SITE: Final = os.sep + "site-packages" + os.sep


@lru_cache(maxsize=4096)
def owner(filename: str) -> Owner:
    """To whom the code compiled from ``filename`` belongs; generated code (``<string>``) counts as a library's."""
    if filename.startswith("<"):
        return Owner.LIBRARY
    _, installed, inside = filename.rpartition(_SITE)
    if installed:
        top = inside.partition(os.sep)[0].removesuffix(".py")
        return Owner.MACHINERY if top in _MACHINERY else Owner.OTHER
    if filename.startswith(_LIBRARIES):
        return Owner.LIBRARY
    return Owner.MACHINERY if any(filename.startswith(place) for place in _machinery()) else Owner.OTHER


def _machinery() -> Iterator[str]:
    """Where the machinery is that runs, wherever it was installed to."""
    for name in _MACHINERY:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and file.endswith(f"{os.sep}__init__.py"):
            yield file.removesuffix("__init__.py")


def is_own(filename: str) -> bool:
    """Whether it is code that somebody works on: neither installed, nor a library's, nor the machinery."""
    return _SITE not in filename and owner(filename) is Owner.OTHER


def acting(frame: FrameType | None) -> FrameType | None:
    """The innermost frame that is not the standard library's: who has it done. None if there is none.

    There is none either where a loop of asyncio calls back: who runs the loop has not asked for it.
    """
    while frame is not None and owner(frame.f_code.co_filename) is Owner.LIBRARY:
        if frame.f_code.co_filename.startswith(_ASYNCIO) and frame.f_code.co_name in _TURNING:
            return None
        frame = frame.f_back
    return frame
