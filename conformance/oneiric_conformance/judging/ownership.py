"""Which files are the subject's own: what goes wrong there is its doing; elsewhere it is a defect of ours."""

import inspect
import os
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from traceback import walk_tb
from types import TracebackType

from oneiric_conformance.subject import Package

__all__ = ["OwnFiles", "passes_through"]


class OwnFiles:
    """The files of a package, and of a runtime that is not the ordinary one. Looking them up imports nothing."""

    def __init__(self, package: Package, runtime_factory: Callable[..., object] | None = None) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        for name in package.modules:
            self._add_module(name)
        for subject in package.subjects:
            if isinstance(subject.factory, str):
                self._add_module(subject.factory.partition(":")[0].partition(".")[0].strip())
            else:
                self._add_callable(subject.factory)
        if runtime_factory is not None:
            self._add_callable(runtime_factory)

    def __contains__(self, filename: object) -> bool:
        if not isinstance(filename, str) or filename.startswith(_OURS):
            return False
        return filename in self._files or any(filename.startswith(folder) for folder in self._folders)

    def _add_module(self, name: str) -> None:
        spec = PathFinder.find_spec(name) if name else None
        if spec is None:
            return
        self._folders |= {f"{folder}{os.sep}" for folder in spec.submodule_search_locations or ()}
        if spec.submodule_search_locations is None and spec.origin:
            self._files.add(spec.origin)

    def _add_callable(self, made: object) -> None:
        try:
            self._files.add(inspect.getsourcefile(inspect.unwrap(made)) or "")  # type: ignore[arg-type]  # it refuses
        except (TypeError, ValueError):  # not a function or class: nothing tells its file
            return


def passes_through(traceback: TracebackType | None, own: OwnFiles) -> bool:
    """Whether any frame of the traceback runs the subject's code."""
    return any(frame.f_code.co_filename in own for frame, _ in walk_tb(traceback))


_OURS = f"{Path(__file__).parent.parent}{os.sep}"
