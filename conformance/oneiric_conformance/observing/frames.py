"""Whose code is running: the kit's, the standard library's, or the subject's.

Nobody tells the kit which files belong to a subject: a component may use any library to do its work. So it is the
other way round: what is neither the standard library nor the machinery that runs the checks is on the subject's
account.
"""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Final, NamedTuple

import oneiric_core
from oneiric_conformance.observing.beside import Beside
from oneiric_core.testing import Owner, owner

__all__ = ["Account", "Whose", "account_of", "subject_origin", "thread_of", "whose_code"]


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
_BOOTSTRAP: Final = "_bootstrap"
_BEGINNINGS: Final = frozenset({_BOOTSTRAP, "begin_handed"})
"""Names of functions in which a thread begins, or a piece of work that was handed to it."""
_IN_BETWEEN: Final = _KIT + "observing" + os.sep + "handed.py"
"""What stands there for the library's own code."""
_CALLBACK: Final = "a callback it left on the event loop"
_OWNERS: Final = {Owner.LIBRARY: Whose.LIBRARY, Owner.MACHINERY: Whose.KIT, Owner.OTHER: Whose.SUBJECT}


@lru_cache(maxsize=4096)
def whose_code(filename: str) -> Whose:
    """To whom the code compiled from ``filename`` belongs; generated code (``<string>``) counts as a library's."""
    if filename.startswith("<") or filename == _IN_BETWEEN:
        return Whose.LIBRARY
    if filename.startswith(_OUR_COMPONENTS):
        return Whose.SUBJECT
    if filename.startswith((_KIT, _CORE, _PLUGIN)):
        return Whose.KIT
    return _OWNERS[owner(filename)]


@dataclass(frozen=True, slots=True)
class Account:
    """On whose account an act is.

    :param origin: where in the subject's code, or by which of its threads or callbacks; empty if not the subject's.
    :param beside: whether it is on that of who uses the subject.
    """

    origin: str = ""
    beside: bool = False


_USERS: Final = Account(beside=True)


def subject_origin(frame: FrameType | None, outside: Collection[FrameType]) -> str:
    """Where on the stack the subject acts, as ``file:line in name``; empty if nothing of it is there.

    :param frame: the innermost frame.
    :param outside: frames that called the kit; the walk ends there, so that a test which uses the kit is no subject.
    """
    return account_of(frame, outside).origin


def account_of(
    frame: FrameType | None,
    outside: Collection[FrameType],
    beside: Beside | None = None,
    begun: Callable[[FrameType], Account | None] = lambda frame: None,  # noqa: ARG005 - the shape is given
) -> Account:
    """On whose account is what happens on a stack.

    :param frame: the innermost frame.
    :param outside: as above.
    :param beside: who uses the subject, if anybody does.
    :param begun: on whose account a thread is, or a piece of work in it, of which a frame is the outermost.
    """
    kit_acts = False
    scheduled = ""
    first: _First | None = None
    inner: CodeType | None = None
    while frame is not None and frame not in outside:
        code = frame.f_code
        whose = whose_code(code.co_filename)
        if whose is Whose.SUBJECT:
            first = first or _First(code, f"{code.co_filename}:{frame.f_lineno} in {code.co_name}")
            if beside is None or beside.is_subjects(code):
                given = beside is not None and beside.is_users(first.code) and not _knows(code, inner)
                return _USERS if given else Account(first.place)
        if beside is not None and code is beside.root:
            return _USERS
        if code.co_name in _BEGINNINGS and (account := begun(frame)) is not None:
            return _below(account, first, beside, kit_acts=kit_acts)
        kit_acts = kit_acts or whose is Whose.KIT
        if not kit_acts and code.co_filename.endswith(_LOOP) and code.co_name == "_run":
            scheduled = _CALLBACK
        frame, inner = frame.f_back, code
    if first is None:
        return Account(scheduled)
    users = beside is not None and beside.in_use() and beside.is_users(first.code)
    return _USERS if users else Account(first.place)


class _First(NamedTuple):
    """The innermost code that is neither a library's nor the kit's, and where in it."""

    code: CodeType
    place: str


def _knows(outer: CodeType, inner: CodeType | None) -> bool:
    """Whether it calls a function of a module by its name, which a callback that it was given is not."""
    return inner is not None and inner.co_qualname == inner.co_name and inner.co_name in outer.co_names


def _below(account: Account, first: _First | None, beside: Beside | None, *, kit_acts: bool) -> Account:
    """What has no function of the subject on its stack, and was begun on somebody's account."""
    if first is None:
        return Account() if kit_acts and account.origin.endswith(_CALLBACK) else account
    if account.beside or (beside is not None and account.origin and beside.is_users(first.code)):
        return _USERS
    return Account(first.place)


def thread_of(frame: FrameType) -> object:
    """The :class:`threading.Thread` of which this is the outermost frame; else None."""
    code = frame.f_code
    if code.co_name == _BOOTSTRAP and code.co_filename.endswith(_THREADS):
        return frame.f_locals.get("self")
    return None
