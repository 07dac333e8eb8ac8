"""What is judged: a component as its author declared it, and the package it came from. Nothing is validated here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["EntryPointName", "Package", "Subject", "Wheel"]


@dataclass(frozen=True, slots=True, order=True)
class EntryPointName:
    """An entry point as the package's metadata has it."""

    group: str
    name: str
    value: str

    def __str__(self) -> str:
        return f"[{self.group}] {self.name} = {self.value}"


@dataclass(frozen=True, slots=True)
class Subject:
    """One component, with whatever its declaration holds: judging it is the checks' business.

    :param factory: import path, callable, or anything else the author wrote.
    :param metadata: all further declared fields by their published names, unvalidated.
    :param settings_model: class, ``"m:C"``, ``"m.C"`` or None.
    :param settings: what the author configured for conformance runs, ``{sandbox}`` and the like not yet filled in.
    :param written: the same before environment variables were filled in, so that it can be shown; empty if unknown.
    :param payloads: import path of the author's own strategy of payloads, or of a function that gives one; or empty.
    :param external: addresses of services that it needs.
    :param exercise: import path of the author's own function that uses an instance for what it is for; or empty.
    :param limits: seconds by the names of :class:`~oneiric_conformance.Limits`, where they are others than for all.
    :param entry_point: where it was found; None if it was named on the command line.
    :param error: the last line of the traceback if it could not be loaded at all; only META-001 judges it then.
    """

    domain: str
    key: str
    provider: str
    factory: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    settings_model: Any = None
    priority: Any = None
    stack_level: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    written: Mapping[str, Any] = field(default_factory=dict)
    payloads: str = ""
    external: tuple[str, ...] = ()
    exercise: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    entry_point: EntryPointName | None = None
    error: str = ""

    @property
    def id(self) -> str:
        """``domain/key/provider``; for one that could not be loaded, its entry point's group and name."""
        if self.error and self.entry_point is not None:
            return f"{self.entry_point.group}/{self.entry_point.name}"
        return f"{self.domain}/{self.key}/{self.provider}"

    @property
    def capabilities(self) -> frozenset[str]:
        """The names it claims, whether given as names or as descriptors; odd items are left out."""
        declared = self.metadata.get("capabilities")
        described = self.metadata.get("capability_descriptors")
        items = [*_listed(declared), *_listed(described)]
        names = (item.get("name") if isinstance(item, Mapping) else item for item in items)
        return frozenset(name for name in names if isinstance(name, str))


def _listed(value: object) -> list[object]:
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, list | tuple | set | frozenset) else []


@dataclass(frozen=True, slots=True)
class Wheel:
    """The file that is released. What is in it is for checks to judge.

    :param sha256: of its bytes, 64 hexadecimal digits.
    """

    path: Path
    sha256: str

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True)
class Package:
    """What an author publishes.

    :param name: the distribution's normalised name (PEP 503).
    :param version: its version, or empty if it is not installed.
    :param rootdir: the author's repository; None if there is none.
    :param subjects: its components, sorted by id.
    :param modules: top-level importable names that belong to the distribution.
    :param declared: the entry points that ``pyproject.toml`` declares; None if that could not be read.
    :param installed: the entry points that the installed metadata has.
    :param wheel: the file it is released as; None if none was given.
    """

    name: str
    version: str
    subjects: tuple[Subject, ...]
    rootdir: Path | None = None
    modules: frozenset[str] = frozenset()
    declared: tuple[EntryPointName, ...] | None = None
    installed: tuple[EntryPointName, ...] = ()
    wheel: Wheel | None = None

    @property
    def id(self) -> str:
        return self.name
