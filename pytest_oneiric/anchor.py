"""The file of the author's repository below which the suite appears."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_oneiric.options import ANCHOR_INI

if TYPE_CHECKING:
    from oneiric_conformance import Package

__all__ = ["anchor_of"]


def anchor_of(config: pytest.Config, package: "Package") -> Path:
    """The file configured, else the first of the usual ones that is there, else one of the package's own modules.

    :raises pytest.UsageError: if the one configured is no file, or none is found.
    """
    configured: str = config.getini(ANCHOR_INI)
    if configured:
        path = (config.rootpath / configured).resolve()
        if not path.is_file():
            raise pytest.UsageError(f"{ANCHOR_INI} names {path}, which is no file. Name one that exists.")
        return path
    found = next((path for path in _usual(config, package) if path.is_file()), None)
    if found is None:
        raise pytest.UsageError(f"nothing in {config.rootpath} to hang the suite from. Add a pyproject.toml there.")
    return found.resolve()


def _usual(config: pytest.Config, package: "Package") -> Iterator[Path]:
    yield config.rootpath / "oneiric-conformance.toml"
    for folder in config.getini("testpaths")[:1]:
        yield config.rootpath / folder / "oneiric-conformance.toml"
    yield config.rootpath / "pyproject.toml"
    if config.inipath is not None:
        yield config.inipath
    for subject in package.subjects:
        yield from _module_of(subject.factory)


def _module_of(factory: object) -> Iterator[Path]:
    """The file of the module a factory comes from; a component named on the command line has at least that."""
    import sys  # noqa: PLC0415 - rarely needed

    name = factory.partition(":")[0].strip() if isinstance(factory, str) else getattr(factory, "__module__", "")
    file = getattr(sys.modules.get(name), "__file__", None)
    if file:
        yield Path(file)
