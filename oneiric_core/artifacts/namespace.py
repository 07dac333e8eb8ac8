"""The modules of one unpacked wheel, under a name that is theirs alone.

``acme.cache`` of a wheel is imported as ``_oneiric_<digest>_<number>.acme.cache``, so that two versions of ``acme``,
and an installed one, live side by side. The code does not notice: whatever it imports by a name of its own wheel,
absolutely or relatively, now or later, it is given from the same wheel. For this its modules have an ``__import__`` of
their own, which is what import statements call (https://docs.python.org/3/library/functions.html#import__).

Modules are in ``sys.modules`` while somebody holds a :class:`Pin`. Without one they live as long as anything refers to
them, and are put back for as long as an import from within takes.
"""

import builtins
import hashlib
import itertools
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.metadata import Distribution, DistributionFinder, PathDistribution
from importlib.util import spec_from_file_location
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any, Final
from weakref import finalize

from packaging.utils import canonicalize_name

from oneiric_core.artifacts.loaders import ExtensionLoader, FolderLoader, SourceLoader
from oneiric_core.artifacts.wheel import SOURCE, Wheel

__all__ = ["Namespace", "Pin"]

_numbers: Final = itertools.count(1)
_entering: Final = RLock()
"""Held while modules of any namespace come or go; a finalizer may come in between, in the same thread."""

_MACHINERY: Final = ("importlib", "_frozen_importlib", "pkgutil", "functools", __name__)


class Pin:
    """Keeps modules in ``sys.modules`` as long as it lives."""

    __slots__ = ("__weakref__",)


class Namespace:
    """The modules of a wheel.

    :param tree: where the files of the wheel are.
    :param sha256: of the wheel; it is part of the private name.
    :param let_go: called when nothing refers to any of it any more, and the files are not needed.
    """

    def __init__(self, wheel: Wheel, tree: Path, sha256: str, let_go: Callable[[], object]) -> None:
        self.wheel = wheel
        self.tree = tree
        self.name = f"_oneiric_{sha256[:16]}_{next(_numbers)}"
        self.builtins: Mapping[str, Any] = vars(builtins) | {"__import__": self._import}
        self._digests = {file.name: file.sha256 for file in wheel.files}
        self._folders = {name[:at] for name in self._digests for at, char in enumerate(name) if char == "/"}
        self._finder = _Finder(self)
        self._modules: dict[str, ModuleType] = {self.name: self._root()}
        self._pins = 0
        for duty in (partial(_forget_loggers, self.name), let_go):
            finalize(self, duty).atexit = False

    def pin(self) -> Pin:
        """Put the modules into ``sys.modules``, until the pin is gone."""
        pin = Pin()
        self._enter()
        finalize(pin, self._leave).atexit = False
        return pin

    def has(self, module: str) -> bool:
        """Whether the wheel has a module of that public name, not looking into it."""
        return self.find(module) is not None

    def find(self, module: str) -> ModuleSpec | None:
        """How a module is loaded; packages come first, and compiled code before source, as everywhere."""
        path, private = module.replace(".", "/"), f"{self.name}.{module}"
        for stem, below in ((f"{path}/__init__", [self._place(path)]), (path, None)):
            for suffix in (*EXTENSION_SUFFIXES, SOURCE):
                if (name := f"{stem}{suffix}") in self._digests:
                    loader = self._loader(private, name)
                    return spec_from_file_location(private, loader=loader, submodule_search_locations=below)
        if path in self._folders:
            spec = ModuleSpec(private, FolderLoader(self._place(f"{path}/__init__{SOURCE}")), is_package=True)
            spec.submodule_search_locations = [self._place(path)]
            return spec
        return None

    def _loader(self, private: str, name: str) -> SourceLoader | ExtensionLoader:
        if name.endswith(SOURCE):
            return SourceLoader(private, self._place(name), self.checked, self.builtins)
        return ExtensionLoader(private, self._place(name), self.checked)

    def checked(self, path: str, content: bytes) -> bytes:
        """The content of a file, if it is the one that was unpacked.

        :raises ImportError: it is not.
        """
        name = Path(path).relative_to(self.tree).as_posix()
        if hashlib.sha256(content).hexdigest() != self._digests.get(name):
            raise ImportError(f"{path} is not what was unpacked. Somebody changed the cache; empty it.", path=path)
        return content

    def asked_from_within(self) -> bool:
        """Whether it is code of this wheel that the import system is working for."""
        frame = sys._getframe(1)  # noqa: SLF001 - there is no other way to know who asks
        while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(_MACHINERY):
            frame = frame.f_back
        return str(frame.f_globals.get("__name__")).partition(".")[0] == self.name

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """What stands for ``__import__`` in the modules."""
        top = name.partition(".")[0]
        if level == 0 and top not in self.wheel.top_levels:
            return builtins.__import__(name, globals, locals, fromlist or (), 0)
        with self._present():
            if level == 0:
                module = builtins.__import__(f"{self.name}.{name}", globals, locals, fromlist or (), 0)
                return module if fromlist else sys.modules[f"{self.name}.{top}"]
            if level > str((globals or {}).get("__package__")).count("."):
                raise ImportError("attempted relative import beyond top-level package")
            return builtins.__import__(name, globals, locals, fromlist or (), level)

    def _root(self) -> ModuleType:
        root = ModuleType(self.name, f"{self.wheel.name} {self.wheel.version}, as unpacked at {self.tree}")
        root.__spec__ = ModuleSpec(self.name, None, is_package=True)
        root.__path__ = []
        return root

    def _place(self, name: str) -> str:
        return str(self.tree.joinpath(*name.split("/")))

    @contextmanager
    def _present(self) -> Iterator[None]:
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with _entering:
            if not self._pins:
                sys.meta_path.insert(0, self._finder)
                sys.modules.update(self._modules)
                self._join_loggers()
            self._pins += 1

    def _leave(self) -> None:
        with _entering:
            self._pins -= 1
            if not self._pins:
                sys.meta_path.remove(self._finder)
                names = [name for name in [*sys.modules] if name.partition(".")[0] == self.name]
                self._modules = {name: sys.modules.pop(name) for name in names}
                for path in [path for path in [*sys.path_importer_cache] if path.startswith(str(self.tree))]:
                    sys.path_importer_cache.pop(path, None)

    def _join_loggers(self) -> None:
        """Let what the modules log under their private names reach whoever listens to the public one."""
        for name in self.wheel.top_levels:
            logging.getLogger(f"{self.name}.{name}").parent = logging.getLogger(name)


class _Finder(MetaPathFinder):
    """Finds the modules of a namespace; tells its code what it cannot be given by a public name."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        namespace = self._namespace
        top, _, inner = fullname.partition(".")
        if top == namespace.name:
            return namespace.find(inner)
        if top in namespace.wheel.top_levels and namespace.asked_from_within():
            raise ModuleNotFoundError(
                f"{fullname!r} is asked for by its public name, which code in an artifact does not have. "
                f"Import it by a statement, or ask for it by __name__ or __package__.",
                name=fullname,
            )
        return None

    def find_distributions(self, context: DistributionFinder.Context) -> Iterable[Distribution]:
        """The wheel's own metadata, for its own code: it may ask for its version."""
        namespace = self._namespace
        wanted = context.name is not None and canonicalize_name(context.name) == namespace.wheel.name
        if wanted and namespace.asked_from_within():
            return [PathDistribution(namespace.tree / namespace.wheel.dist_info)]
        return []


def _forget_loggers(name: str) -> None:
    known = logging.root.manager.loggerDict
    for each in [each for each in [*known] if each.partition(".")[0] == name]:
        known.pop(each, None)
