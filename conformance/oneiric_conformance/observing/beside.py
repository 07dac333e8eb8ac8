"""Code that uses a component and is not it, as an author's exercise does, told from the component's own.

Both may use any library, and may lie in one package or in one file. What the component does is below a function of its
own on the stack; what is not is the user's, with whatever helps it.
"""

import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from inspect import unwrap
from pathlib import Path
from types import CodeType
from typing import Any, Final

from oneiric_core.testing import Owner, owner

__all__ = ["Beside", "beside_of", "using"]

_USING: Final = ContextVar("using", default=False)
"""Set in all that a user of the component begins: tasks have a copy, and so has what is handed to threads."""


@contextmanager
def using() -> Iterator[None]:
    """A component is used until the block ends; the block stands in a function that is a ``root``."""
    token = _USING.set(True)
    try:
        yield
    finally:
        _USING.reset(token)


@dataclass(frozen=True, slots=True)
class Beside:
    """Who uses a component.

    :param root: the kit's code, below which everything is the user's that is not the component's.
    :param place: the user's file, or its directory with a separator at the end where nothing of the component is in it.
    :param code: the user's own function, which may even be a method of the component.
    :param files: the component's files, and the directories of its packages with a separator at the end.
    :param methods: files that hold more than the component, with the names of the component's classes in them.
    """

    root: CodeType
    place: str
    code: CodeType | None
    files: tuple[str, ...]
    methods: dict[str, tuple[str, ...]]

    def is_subjects(self, code: CodeType) -> bool:
        """Whether code is the component's for certain."""
        if code is self.code:
            return False
        if (classes := self.methods.get(code.co_filename)) is not None:
            return code.co_qualname.startswith(classes)
        return any(_within(code.co_filename, place) for place in self.files)

    def is_users(self, code: CodeType) -> bool:
        """Whether code is the user's where that is not below its function: a callback, or what runs beside it."""
        return _within(code.co_filename, self.place) and not self.is_subjects(code)

    def in_use(self) -> bool:
        """Whether what runs now was begun by the user, or by the component while it was used."""
        return _USING.get()


def beside_of(user: Callable[..., Any], instance: object, modules: Collection[str], root: CodeType) -> Beside:
    """Find out which code is the user's.

    :param modules: top-level names of the component's package, where they are known.
    """
    plain = unwrap(user.func if isinstance(user, partial) else user)
    code = getattr(plain, "__code__", None)
    file = _file(getattr(plain, "__module__", "") or "") if code is None else code.co_filename
    kinds = [kind for kind in type(instance).__mro__ if (at := _file(kind.__module__)) and owner(at) is Owner.OTHER]
    tops = {*modules, _top(type(instance).__module__)}
    files = {_file(kind.__module__) for kind in kinds if _top(kind.__module__) in tops} - {file}
    shared = {_file(kind.__module__) for kind in kinds} - files
    methods = {
        name: tuple(f"{kind.__qualname__}." for kind in kinds if _file(kind.__module__) == name) for name in shared
    }
    packages = [place for top in tops for place in _places(top)]
    files.update(place for place in packages if not _within(file, place))
    folder = str(Path(file).parent) + os.sep
    apart = file and not any(place.startswith(folder) for place in (*files, *shared))
    return Beside(root, folder if apart else file, code, tuple(sorted(files)), methods)


def _within(file: str, place: str) -> bool:
    return file == place or (place.endswith(os.sep) and file.startswith(place))


def _top(module: str) -> str:
    return module.partition(".")[0]


def _file(module: str) -> str:
    return getattr(sys.modules.get(module), "__file__", None) or ""


def _places(top: str) -> Iterator[str]:
    """The directories of a package, or the file of a module."""
    module = sys.modules.get(top)
    folders = [str(folder) for folder in getattr(module, "__path__", ())]
    yield from (f"{folder}{os.sep}" for folder in folders)
    if not folders and (file := _file(top)):
        yield file
