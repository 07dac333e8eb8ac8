"""Which files of a package were imported in this process, and what is in them."""

import hashlib
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

from oneiric_conformance.finding.projects import top_level
from oneiric_conformance.subject import Package

__all__ = ["UNREADABLE", "imported_files"]

UNREADABLE = ""
"""In the place of the digest of a file that was imported, and changed or went in the course of the run."""


def imported_files(package: Package) -> dict[str, str]:
    """SHA-256 by name, of each file of the package that was imported in this process.

    A file has the name that it has in a wheel: that of its module. Of the package is what lies under its top-level
    names, and under those that its components come from.
    """
    ours = {*package.modules, *(top_level(subject.factory) for subject in package.subjects)} - {""}
    return dict(sorted(_files(ours)))


def _files(ours: set[str]) -> Iterator[tuple[str, str]]:
    for name, module in [*sys.modules.items()]:
        spec = getattr(module, "__spec__", None)
        if name.partition(".")[0] in ours and isinstance(spec, ModuleSpec) and spec.has_location and spec.origin:
            yield _name_in_wheel(name, spec, Path(spec.origin)), _digest(Path(spec.origin))


def _name_in_wheel(module: str, spec: ModuleSpec, file: Path) -> str:
    folders = module.split(".")
    if spec.submodule_search_locations is None:
        folders.pop()
    return "/".join([*folders, file.name])


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return UNREADABLE
