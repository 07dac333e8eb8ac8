"""What a component may not change: the functions and classes of the kit, of asyncio, and of the system modules.

A component that replaces ``Bench.expect`` or ``time.monotonic`` would judge itself. Only functions, classes and their
functions are compared, by identity and code: modules keep caches and settings too, and those may change.
"""

import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from inspect import isclass
from types import BuiltinFunctionType, MethodType, MethodWrapperType, ModuleType
from typing import Final, TypeAlias

from oneiric_conformance.isolation.watched import EVERYWHERE, OURS, code_of, function_in, is_of, same_code

__all__ = ["Fingerprint", "noting_imports", "take_fingerprint"]

_HERE: Final = EVERYWHERE | {"builtins", "sys", "_pytest", "pytest", "pluggy"}
"""In a process of its own no test is run, so that nobody else has a reason to touch these either."""
_CODE: Final = (type, BuiltinFunctionType, MethodType, MethodWrapperType)
_REPLACED_BY_DESIGN: Final = frozenset({("sys", "displayhook"), ("sys", "excepthook"), ("sys", "unraisablehook")})

_Held: TypeAlias = tuple[object, tuple[object, ...]]
"""What a name stands for, and what code that has."""


@dataclass(slots=True, eq=False)
class Fingerprint:
    """What the watched modules held when each was first seen."""

    modules: dict[str, dict[str, _Held]]

    def add(self, module: ModuleType) -> None:
        """Take the module as it is now for what it should be."""
        self.modules.setdefault(module.__name__, _held(module))

    def differences(self) -> list[str]:
        """What has been replaced or taken away since, as dotted names, sorted."""
        changed = []
        for name, before in self.modules.items():
            module = sys.modules.get(name)
            now = _held(module) if module is not None else {}
            changed += [
                f"{name}.{attribute}"
                for attribute, held in before.items()
                if (name, attribute) not in _REPLACED_BY_DESIGN and not _same(held, now.get(attribute))
            ]
        return sorted(changed)


def take_fingerprint() -> Fingerprint:
    """Of every watched module that is loaded now."""
    fingerprint = Fingerprint({})
    for name, module in list(sys.modules.items()):
        if is_of(_HERE, name) and getattr(module, "__name__", None) == name:
            fingerprint.add(module)
    return fingerprint


@contextmanager
def noting_imports(fingerprint: Fingerprint) -> Iterator[None]:
    """Add watched modules that are imported during the block, as they are before anyone else can touch them."""
    finder = _Noting(fingerprint)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)


class _Noting(MetaPathFinder):
    def __init__(self, fingerprint: Fingerprint) -> None:
        self._fingerprint = fingerprint

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not is_of(_HERE, fullname):
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _NotingLoader(spec.loader, self._fingerprint)
                return spec
        return None


class _NotingLoader(Loader):
    def __init__(self, loader: Loader, fingerprint: Fingerprint) -> None:
        self._loader = loader
        self._fingerprint = fingerprint

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._fingerprint.add(module)


def _held(module: ModuleType) -> dict[str, _Held]:
    found: dict[str, _Held] = {}
    for name, value in list(vars(module).items()):
        if _is_code[type(value)]:
            found[name] = (value, _code(value))
        if isclass(value) and value.__module__ == module.__name__:
            found |= {f"{name}.{part}": (held, _code(held)) for part, held in vars(value).items() if _counts(held)}
        if isinstance(value, Mapping) and not name.startswith("__") and module.__name__.partition(".")[0] in OURS:
            found |= {f"{name}[{key!r}]": (held, ()) for key, held in list(value.items()) if _counts(held)}
    return found


def _counts(value: object) -> bool:
    return isinstance(value, property) or _is_code[type(value)]


class _CodeByType(dict[type, bool]):
    """Whether objects of a type are classes, or what :func:`inspect.isroutine` says of each: their type decides."""

    def __missing__(self, kind: type) -> bool:
        descriptor = hasattr(kind, "__get__") and not hasattr(kind, "__set__")
        self[kind] = answer = descriptor or issubclass(kind, _CODE)
        return answer


_is_code: Final = _CodeByType()


def _code(value: object) -> tuple[object, ...]:
    function = function_in(value)
    return () if function is None else code_of(function)


def _same(before: _Held, now: _Held | None) -> bool:
    return now is not None and before[0] is now[0] and same_code(now[1], before[1])
