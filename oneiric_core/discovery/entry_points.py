"""Components announced by installed distributions, in the six entry point groups."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from importlib import metadata
from typing import Any

from packaging.utils import canonicalize_name

from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.discovery.importing import import_object
from oneiric_core.domains import DOMAINS, Domain, domain_of_group
from oneiric_core.errors import OneiricError, ResolutionError, told
from oneiric_core.resolver import Resolver, Undo, refuse_malformed

__all__ = [
    "DiscoveryFailure",
    "DiscoveryReport",
    "InstalledEntryPoint",
    "candidates_from",
    "declarations_in",
    "default_allow",
    "discover",
    "installed_entry_points",
]

_BUILTIN = "oneiric_core.builtin"


@dataclass(frozen=True, slots=True, order=True)
class InstalledEntryPoint:
    """One announcement.

    :param distribution: the announcing distribution's name, normalised (PEP 503).
    """

    group: str
    name: str
    value: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"[{self.group}] {self.name} = {self.value}"

    def load(self) -> object:
        """What it names.

        :raises ActivationError: it cannot be imported.
        """
        return import_object(self.value.partition("[")[0], None)


@dataclass(frozen=True, slots=True)
class DiscoveryFailure:
    """An announcement nothing came of."""

    entry_point: InstalledEntryPoint
    error: str


@dataclass(frozen=True, slots=True)
class DiscoveryReport:
    """What :func:`discover` did; ``undo`` takes it back."""

    registered: tuple[Candidate, ...]
    failed: tuple[DiscoveryFailure, ...]
    undo: Undo


def installed_entry_points(distribution: str | None = None) -> list[InstalledEntryPoint]:
    """Every announcement in the six groups, or those of one distribution, sorted."""
    wanted = None if distribution is None else canonicalize_name(distribution)
    everything = metadata.entry_points()
    found = [
        InstalledEntryPoint(
            point.group,
            point.name,
            point.value,
            "" if point.dist is None else canonicalize_name(point.dist.name),
            "" if point.dist is None else point.dist.version,
        )
        for spec in DOMAINS.values()
        for point in everything.select(group=spec.group)
    ]
    return sorted(point for point in found if wanted in (None, point.distribution))


def default_allow() -> frozenset[str]:
    """Packages whose code may be named by a manifest unless configured: our own, and those with announcements."""
    values = (point.value.partition(":")[0].strip() for point in installed_entry_points())
    return frozenset({_BUILTIN} | {value.partition(".")[0] for value in values})


def declarations_in(declared: object) -> Iterator[object]:
    """Each declaration in an announced object, as the author made it: the object itself, its ``metadata``, what it
    gives when it is called, or what any of these iterates over.

    :raises ResolutionError: it declares no component.
    """
    return _flatten(declared, called=False)


def candidates_from(declared: object, group_domain: Domain | None, origin: str) -> list[Candidate]:
    """What an announced object declares: metadata, an object with ``metadata``, a callable giving either, or iterables.

    :param group_domain: the domain of the group it was announced in; None if in none, so that it has to say its own.
    :param origin: the distribution.
    :raises ResolutionError: it declares no component, a malformed one, or one of another domain.
    """
    candidates = [
        replace(_candidate(item, group_domain), source=CandidateSource.ENTRY_POINT, origin=origin)
        for item in declarations_in(declared)
    ]
    for candidate in candidates:
        refuse_malformed(candidate)
        if group_domain is not None and candidate.domain != group_domain:
            raise ResolutionError(
                f"{candidate.name} is announced in the group {DOMAINS[group_domain].group}",
                fix=f"Announce it in {DOMAINS[Domain(candidate.domain)].group}",
                name=candidate.name,
            )
    return candidates


def discover(resolver: Resolver, entry_points: Iterable[InstalledEntryPoint] | None = None) -> DiscoveryReport:
    """Register what is installed; an announcement that fails is reported and keeps no other one back.

    :param entry_points: which ones; all installed ones if None.
    """
    by_origin: dict[str, dict[str, Candidate]] = {}
    failed: list[DiscoveryFailure] = []
    for point in installed_entry_points() if entry_points is None else entry_points:
        theirs = by_origin.setdefault(point.distribution, {})
        try:
            declared = _declared_by(point)
            twice = [candidate.name for candidate in declared if candidate.name in theirs]
            if twice:
                raise ResolutionError(f"{twice[0]} is announced twice", fix="Keep one of the two", name=twice[0])
        except OneiricError as error:
            failed.append(DiscoveryFailure(point, str(error)))
        else:
            theirs.update((candidate.name, candidate) for candidate in declared)
    undos: list[Undo] = []
    registered: list[Candidate] = []
    for origin, found in by_origin.items():
        undos.append(resolver.replace_source(CandidateSource.ENTRY_POINT, origin, found.values()))
        registered += found.values()

    def undo() -> None:
        for each in reversed(undos):
            each()

    return DiscoveryReport(tuple(registered), tuple(failed), undo)


def _declared_by(point: InstalledEntryPoint) -> list[Candidate]:
    domain = domain_of_group(point.group)
    if domain is None:
        raise ResolutionError(
            f"{point.group} is not a group of components",
            fix=f"Use one of {', '.join(spec.group for spec in DOMAINS.values())}",
            group=point.group,
        )
    try:
        return candidates_from(point.load(), domain, point.distribution)
    except OneiricError:
        raise
    except (Exception, SystemExit) as error:  # the author's own function: whatever it raises is the answer
        raise ResolutionError(
            f"{point} raised {told(error)}", fix="Mend the announced function", entry_point=str(point)
        ) from error


def _flatten(declared: object, *, called: bool) -> Iterator[object]:
    if _is_declaration(declared):
        yield declared
    elif _is_declaration(getattr(declared, "metadata", None)):
        yield declared.metadata  # type: ignore[attr-defined]  # the line above found it
    elif isinstance(declared, Iterable) and not isinstance(declared, str | bytes):
        for item in declared:
            yield from _flatten(item, called=called)
    elif callable(declared) and not called:
        yield from _flatten(declared(), called=True)
    else:
        raise ResolutionError(
            f"{declared!r} declares no component",
            fix="Announce metadata (for example AdapterMetadata), or a function returning it or a list of it",
            declared=declared,
        )


def _is_declaration(value: object) -> bool:
    return not isinstance(value, type) and hasattr(value, "provider") and hasattr(value, "factory")


def _candidate(item: Any, group_domain: Domain | None) -> Candidate:
    convert: Callable[[], Any] | None = getattr(item, "to_candidate", None)
    given = convert() if callable(convert) else item
    if isinstance(given, Candidate):
        return given
    key = getattr(given, "key", None) or getattr(given, "category", None) or getattr(given, "action_type", None)
    return Candidate(
        domain=str(_value(getattr(given, "domain", None) or group_domain or "")),
        key=_value(key) or "",
        provider=_value(given.provider) or "",
        factory=given.factory,
        metadata=getattr(given, "metadata", None) or {},
        priority=getattr(given, "priority", None),
        stack_level=getattr(given, "stack_level", None),
        health=getattr(given, "health", None),
    )


def _value(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
