"""What is here already that a wheel could get in the way of: module names that are taken, and what this Python runs."""

import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import Final

from packaging.tags import Tag, sys_tags
from packaging.utils import canonicalize_name

__all__ = ["runs_here", "shadowed_by", "taken_everywhere"]

_OURS: Final = frozenset({"oneiric_core", "oneiric_conformance", "pytest_oneiric"})
_PARTS: Final = 3
_STARTUP: Final = frozenset({"__main__", "sitecustomize", "usercustomize"})


def shadowed_by(name: str, distribution: str) -> str:
    """Who has the top-level module ``name`` here, other than ``distribution``; empty if nobody.

    :param distribution: normalised (PEP 503). If it is installed here, the modules it has are no matter.
    """
    if owner := taken_everywhere(name):
        return owner
    spec = _find(name)
    if spec is None:
        return ""
    owners = set(_owners(name))
    if not owners and not _is_installed(distribution) and not _is_just_a_directory(spec):
        return "something that can be imported here"
    return ", ".join(sorted(owners - {distribution}))


def taken_everywhere(name: str, distribution: str = "") -> str:
    """Who has the top-level module ``name`` wherever a runtime is, whatever else is installed; empty if nobody.

    Case does not matter: on some systems it does not matter to files either.

    :param distribution: no matter which one; these names belong to none that is fetched.
    """
    del distribution
    folded = name.casefold()
    if folded in _OURS:
        return "this runtime"
    if folded in _STARTUP:
        return "Python's start-up"
    return "the standard library" if folded in _standard() else ""


def runs_here(tags: frozenset[str]) -> bool:
    """Whether one of the tags of a wheel is of this interpreter on this system (PEP 425).

    A tag stands for every combination of what its three parts list, and these are never made: a few thousand
    characters would be millions of them.
    """
    return any(_is_ours(*parts) for parts in (text.lower().split("-") for text in tags) if len(parts) == _PARTS)


def _is_ours(interpreters: str, abis: str, platforms: str) -> bool:
    listed = [frozenset(part.split(".")) for part in (interpreters, abis, platforms)]
    if any(here.isdisjoint(part) for here, part in zip(_parts_of_ours(), listed, strict=True)):
        return False
    interpreter, abi, platform = listed
    return any(tag.interpreter in interpreter and tag.abi in abi and tag.platform in platform for tag in _ours())


@cache
def _standard() -> frozenset[str]:
    return frozenset(name.casefold() for name in {*sys.stdlib_module_names, *sys.builtin_module_names})


@cache
def _ours() -> frozenset[Tag]:
    return frozenset(sys_tags())


@cache
def _parts_of_ours() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    ours = _ours()
    return (
        frozenset(tag.interpreter for tag in ours),
        frozenset(tag.abi for tag in ours),
        frozenset(tag.platform for tag in ours),
    )


def _find(name: str) -> ModuleSpec | None:
    """What ``import name`` would import, which is not done for that."""
    try:
        return find_spec(name)
    except (ImportError, ValueError):  # what is imported has no spec to say where from
        return ModuleSpec(name, None, origin="memory") if name in sys.modules else None


def _owners(name: str) -> Iterator[str]:
    """The installed distributions that have it. Their lists are searched as text: to parse them all takes long."""
    for distribution in metadata.distributions():
        listed = f"\n{distribution.read_text('RECORD') or ''}"
        declared = (distribution.read_text("top_level.txt") or "").split()
        if name in declared or f"\n{name}/" in listed or f"\n{name}." in listed:
            yield canonicalize_name(str(distribution.name))


def _is_just_a_directory(spec: ModuleSpec) -> bool:
    """Any directory can be imported as a namespace package, one that happens to be in the working directory, too."""
    return spec.origin is None and spec.submodule_search_locations is not None


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
