"""Whose code is running: the kit's, the standard library's, or the subject's.

Nobody tells the kit which files belong to a subject: a component may use any library to do its work. So it is the
other way round: what is neither the standard library nor the machinery that runs the checks is on the subject's
account.
"""

import os
from collections.abc import Collection
from enum import Enum, auto
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Final

import oneiric_core
from oneiric_core.testing import Owner, owner

__all__ = ["Whose", "subject_origin", "whose_code"]


class Whose(Enum):
    """To whom a source file belongs."""

    KIT = auto()
    LIBRARY = auto()
    SUBJECT = auto()


_KIT: Final = str(Path(__file__).parent.parent) + os.sep
_CORE: Final = str(Path(str(oneiric_core.__file__)).parent) + os.sep
_OUR_COMPONENTS: Final = _CORE + "builtin" + os.sep
_PLUGIN: Final = str(Path(str(oneiric_core.__file__)).parent.parent / "pytest_oneiric") + os.sep
_LOOP: Final = f"{os.sep}asyncio{os.sep}events.py"
_THREADS: Final = os.sep + "threading.py"
_OWNERS: Final = {Owner.LIBRARY: Whose.LIBRARY, Owner.MACHINERY: Whose.KIT, Owner.OTHER: Whose.SUBJECT}


@lru_cache(maxsize=4096)
def whose_code(filename: str) -> Whose:
    """To whom the code compiled from ``filename`` belongs; generated code (``<string>``) counts as a library's."""
    if filename.startswith("<"):
        return Whose.LIBRARY
    if filename.startswith(_OUR_COMPONENTS):
        return Whose.SUBJECT
    if filename.startswith((_KIT, _CORE, _PLUGIN)):
        return Whose.KIT
    return _OWNERS[owner(filename)]


def subject_origin(
    frame: FrameType | None, outside: Collection[FrameType], beside: Collection[object] = frozenset()
) -> str:
    """Where on the stack the subject acts, as ``file:line in name``; empty if nothing of it is there.

    :param frame: the innermost frame.
    :param outside: frames that called the kit; the walk ends there, so that a test which uses the kit is no subject.
    :param beside: code, or files of code, that uses the subject and is not it; the walk ends there as well.
    """
    kit_acts = False
    scheduled = ""
    while frame is not None and frame not in outside:
        name = frame.f_code.co_filename
        if beside and (name in beside or frame.f_code in beside):
            return ""
        whose = whose_code(name)
        if whose is Whose.SUBJECT:
            return f"{name}:{frame.f_lineno} in {frame.f_code.co_name}"
        kit_acts = kit_acts or whose is Whose.KIT
        if not kit_acts and name.endswith(_LOOP) and frame.f_code.co_name == "_run":
            scheduled = "a callback it left on the event loop"
        frame = frame.f_back
    return scheduled


def thread_of(frame: FrameType) -> object:
    """The :class:`threading.Thread` whose stack this is, or None outside threads started from Python."""
    outermost = frame
    while outermost.f_back is not None:
        outermost = outermost.f_back
    code = outermost.f_code
    if code.co_name == "_bootstrap" and code.co_filename.endswith(_THREADS):
        return outermost.f_locals.get("self")
    return None
