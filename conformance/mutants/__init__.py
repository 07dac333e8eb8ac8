"""Components, packages and runtimes that are wrong in exactly one way: the proof that every check can fail.

A mutant is a function or a class under :func:`mutant`::

    @mutant("LIFE-001", expects="the same instance")
    class SharedInstance(reference.Slugify):
        '''Its factory gives the same instance twice.'''

A class derived from a component of :mod:`mutants.reference` stands for a package with that one component in it; a class
with ``verify`` and ``sync`` stands for a wrong runtime; a function returns either: a package, or something that makes
runtimes. Factories are given by import path, so that a child process finds them too.
"""

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from inspect import getdoc
from typing import Any, Final, TypeVar

from mutants import reference
from oneiric_conformance.runtime import RuntimeFactory
from oneiric_conformance.subject import Package

__all__ = ["MUTANTS", "Mutant", "load", "mutant"]

Maker = TypeVar("Maker", bound=Callable[..., Any])

MUTANTS: Final[dict[str, "Mutant"]] = {}
"""All mutants by name, ``area.name``; filled by :func:`load`."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to be wrong.

    :param check: the id of the check that has to kill it.
    :param expects: what the failure has to say, as part of its reason or its card; upper and lower case are the same.
    :param also: further checks it cannot help failing, each with the reason why.
    :param wrong: what is wrong with it, in one sentence.
    """

    name: str
    check: str
    expects: str
    wrong: str
    make: Callable[..., Any]
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_runtime(self) -> bool:
        """Whether it is a wrong runtime; else it is a wrong package."""
        return not isinstance(self._made(), Package)

    def package(self) -> Package:
        """The package to be judged: the mutant's own, or the reference package for a wrong runtime."""
        made = self._made()
        return made if isinstance(made, Package) else reference.package()

    def runtime(self) -> RuntimeFactory | None:
        """What makes the runtime to be judged; None for the ordinary one."""
        made = self._made()
        return None if isinstance(made, Package) else made

    def _made(self) -> Any:
        if not isinstance(self.make, type):
            return self.make()
        if hasattr(self.make, "verify") and hasattr(self.make, "sync"):
            return self.make
        return reference.package(reference.subject_of(self.make))


def mutant(check: str, *, expects: str, also: Mapping[str, str] | None = None) -> Callable[[Maker], Maker]:
    """Register what is decorated as a mutant that ``check`` has to kill, with ``expects`` in its message."""

    def register(make: Maker) -> Maker:
        area = make.__module__.rpartition(".")[2]
        wrong = " ".join((getdoc(make) or "").partition("\n\n")[0].split())
        made = Mutant(f"{area}.{make.__name__}", check, expects, wrong, make, dict(also or {}))
        if made.name in MUTANTS:
            raise ValueError(f"there are two mutants named {made.name}. Rename one.")
        if not wrong or not expects:
            raise ValueError(f"{made.name} does not say what is wrong with it. Give it a docstring and 'expects'.")
        MUTANTS[made.name] = made
        return make

    return register


def load() -> Mapping[str, Mutant]:
    """Import every file of mutants, and the checks they are for."""
    # Not at the top: a child process that needs one component is spared all checks.
    import oneiric_conformance.checks  # noqa: F401, PLC0415 - importing it fills the registry

    # What begins with an underscore does something when it is imported; only a child process may do that.
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            import_module(f"{__name__}.{module.name}")
    return MUTANTS
