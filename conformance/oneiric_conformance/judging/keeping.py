"""What a component must leave as it is while it acts in this process: the code that judges it, and what that stands on.

The first run in a process of its own finds who patches at once; this finds who does so later, from a thread or after
some calls. Whatever was replaced is put back, so that the next component is judged by the kit and by nothing else.
"""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from inspect import isclass, isroutine
from operator import getitem, is_
from typing import Any

from oneiric_conformance.isolation.watched import EVERYWHERE, REMEMBERS, code_of, function_in, is_of, same_code
from oneiric_conformance.judging.recoding import Recoding
from oneiric_conformance.observing.watch import watching

__all__ = ["Keeper", "Stillness", "as_it_was"]


class Keeper:
    """Functions and classes as they are now: three milliseconds for each look at eleven thousand names.

    Names are looked up in one sweep, and must have the very objects they had: what takes a place may claim to equal
    anything. That a function is given other code is heard when it happens, and looked for one by one only then; or if
    nothing can be heard any more, which is tried each time.
    """

    def __init__(self) -> None:
        with watching():  # the first watch lets Python 3.11 announce its threads, and replaces a function for it
            modules = [(name, module) for name, module in list(sys.modules.items()) if is_of(EVERYWHERE, name)]
        self._spaces = [space for name, module in modules for space in _spaces(name, module)]
        held = [(space.names, name, value) for space in self._spaces for name, value in space.held.items()]
        self._homes, self._names, self._values = zip(*held, strict=True)
        self._recoding = Recoding(function for space in self._spaces for function in space.functions)

    def close(self) -> None:
        """Look no more; idempotent."""
        self._recoding.close()

    def differences(self) -> list[str]:
        """What has been replaced, taken away or given other code since, as dotted names."""
        suspicions = self._recoding.suspicions()
        if not suspicions and self._holds():
            return []
        found = [name for space in self._spaces for name in space.differences()]
        if not found:
            self._recoding.forget(suspicions)
        return found

    def _holds(self) -> bool:
        """Whether every name stands for what it did; what functions do is not looked at."""
        try:
            now = [*map(getitem, self._homes, self._names)]
        except Exception:  # noqa: BLE001 - one is gone; or a name was replaced as well, by what compares as it likes
            return False
        return len(now) == len(self._values) and all(map(is_, now, self._values))  # StopIteration would end it sooner

    def restore(self) -> None:
        """Put everything back, and forget what was worked out meanwhile and would be remembered."""
        for space in self._spaces:
            space.restore()
        for value in self._values:
            if isinstance(value, REMEMBERS):
                value.cache_clear()


class _Space:
    """One module or class, and the functions and classes in it."""

    def __init__(self, path: str, owner: Any, held: dict[str, object]) -> None:
        self._path = path
        self._owner = owner
        self.names = vars(owner)
        self.held = held
        self.functions = [value for value in map(function_in, held.values()) if value is not None]
        self._codes = [code_of(function) for function in self.functions]

    def differences(self) -> list[str]:
        replaced = [name for name, value in self.held.items() if not self._has(name, value)]
        pairs = zip(self.functions, self._codes, strict=True)
        recoded = [function.__name__ for function, code in pairs if not same_code(code_of(function), code)]
        return [f"{self._path}.{name}" for name in (*replaced, *recoded)]

    def _has(self, name: str, value: object) -> bool:
        try:
            return self.names.get(name) is value
        except Exception:  # noqa: BLE001 - a name was replaced as well
            return False

    def restore(self) -> None:
        if not self.differences():
            return
        for name, value in self.held.items():
            if not self._has(name, value):
                with suppress(Exception):  # a name that was replaced as well; nobody can put that back
                    setattr(self._owner, name, value)
        for function, (code, defaults, named) in zip(self.functions, self._codes, strict=True):
            function.__code__, function.__defaults__, function.__kwdefaults__ = code, defaults, named


def _spaces(name: str, module: Any) -> Iterator[_Space]:
    if getattr(module, "__name__", None) != name:
        return
    held: dict[str, object] = {
        key: value for key, value in list(vars(module).items()) if isclass(value) or isroutine(value)
    }
    if held:
        yield _Space(name, module, held)
    for key, kind in held.items():
        if isclass(kind) and kind.__module__ == name and kind.__qualname__ == key:
            parts = {part: value for part, value in vars(kind).items() if function_in(value) is not None}
            if parts:
                yield _Space(f"{name}.{key}", kind, parts)


@contextmanager
def as_it_was() -> Iterator[None]:
    """Put back afterwards what belongs to the whole process and is nobody's to change: its directory and its limits."""
    place, depth, collects = os.getcwd(), sys.getrecursionlimit(), gc.isenabled()  # noqa: PTH109 - only text is kept
    try:
        yield
    finally:
        os.chdir(place)
        sys.setrecursionlimit(depth)
        (gc.enable if collects else gc.disable)()


class Stillness:
    """What there is now, kept out of the collector's way until it is closed.

    Checks that look for what a component leaves alive collect often, and the whole of pytest would be walked through
    each time. It is asked for once in a run: to count what is frozen takes as long as a walk. Where somebody had
    frozen things before, they cannot be told from ours, and all stay so.
    """

    def __init__(self) -> None:
        self._ours = gc.get_freeze_count() == 0
        gc.freeze()

    def close(self) -> None:
        """Give the collector everything back; idempotent."""
        if self._ours:
            gc.unfreeze()
        self._ours = False
