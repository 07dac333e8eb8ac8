"""Can an entry be understood and run here? If not, it is skipped with its reason; its neighbours are none the worse."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from oneiric_core.domains import Domain
from oneiric_core.manifest.models import RemoteManifestEntry
from oneiric_core.manifest.text import cut, shown

__all__ = ["Environment", "why_not_here", "why_not_understood"]

_PLATFORMS: Final[Mapping[str, str]] = MappingProxyType(
    {"windows": "win32", "macos": "darwin", "osx": "darwin", "mac": "darwin"}
)
"""Other names of what :data:`sys.platform` says."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What an entry may ask about.

    :param python_version: of the running interpreter, as ``3.11.4``.
    :param os_platform: as :data:`sys.platform` says it.
    :param installed: the version of a distribution, or None where there is none.
    """

    python_version: str
    os_platform: str
    installed: Callable[[str], str | None]


class _UnclearError(Exception):
    """A marker that cannot be answered; the message is the reason that an entry is skipped for it."""


def why_not_here(entry: RemoteManifestEntry, environment: Environment) -> str:
    """Why ``entry`` cannot run in ``environment``; empty if it can.

    A marker that has no answer here is a reason, too: whether its requirement is meant is not for us to guess, and the
    publisher's other entries are none the worse.
    """
    if reason := why_not_understood(entry):
        return reason
    try:
        return _why_not(entry, environment)
    except _UnclearError as unclear:
        return str(unclear)


def why_not_understood(entry: RemoteManifestEntry) -> str:
    """Why nobody here can say which events ``entry`` is to be given; empty if one can.

    What else is unknown counts for nothing. In a filter it may be what keeps an event away, or makes ``equals`` mean
    something else, and a handler must not hear more for want of our knowing it.
    """
    if entry.domain is Domain.EVENT:
        for place, each in enumerate(entry.event_filters or ()):
            if each.model_extra:
                return f"its event_filters[{place}] has {shown(min(each.model_extra))}, which is not known here"
    return ""


def _why_not(entry: RemoteManifestEntry, environment: Environment) -> str:
    python = environment.python_version
    if entry.python_version and not SpecifierSet(entry.python_version).contains(python, prereleases=True):
        return f"it needs Python {entry.python_version}, and this is {python}"
    platforms = [_PLATFORMS.get(name.lower(), name.lower()) for name in entry.os_platform or ()]
    if platforms and environment.os_platform not in platforms:
        return f"it runs on {cut(', '.join(platforms), 200)}, and this is {environment.os_platform}"
    for text in entry.requires:
        if (requirement := _asked(text, environment)) and not _met(requirement, environment):
            return f"it requires {text}, and here is {_found(requirement, environment)}"
    for text in entry.conflicts_with:
        if (requirement := _asked(text, environment)) and _met(requirement, environment):
            return f"it conflicts with {text}, and here is {_found(requirement, environment)}"
    return ""


def _asked(text: str, environment: Environment) -> Requirement | None:
    """The requirement, unless its marker is about another environment.

    :raises _UnclearError: nobody can say which it is about.
    """
    requirement = Requirement(text)
    version = environment.python_version
    here = {
        "python_full_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": environment.os_platform,
    }
    try:
        return requirement if requirement.marker is None or requirement.marker.evaluate(here) else None
    except Exception as error:  # which one it is differs from marker to marker and from packaging to packaging
        raise _UnclearError(f"it names {text}, and the marker has no meaning here") from error


def _met(requirement: Requirement, environment: Environment) -> bool:
    found = environment.installed(requirement.name)
    if found is None:
        return False
    try:
        version = Version(found)
    except InvalidVersion:
        return not requirement.specifier  # it is there, and more cannot be said
    return requirement.specifier.contains(version, prereleases=True)


def _found(requirement: Requirement, environment: Environment) -> str:
    found = environment.installed(requirement.name)
    return f"no {requirement.name}" if found is None else f"{requirement.name} {found}"
