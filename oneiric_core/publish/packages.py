"""What a package offers: the components it announces, and what its own metadata says of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import metadata
from types import MappingProxyType
from typing import Any, Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import Version

from oneiric_core.components import Candidate
from oneiric_core.discovery import discover, installed_entry_points
from oneiric_core.errors import ManifestError
from oneiric_core.resolver import Resolver

__all__ = ["BUILT_IN", "Package", "find_package", "plain_name"]

BUILT_IN: Final = "oneiric-core"
"""The package that the components are in which we ship ourselves; it has no need to announce them."""

_DOCUMENTATION: Final = frozenset({"documentation", "docs"})


@dataclass(frozen=True, slots=True)
class Package:
    """A package and the components in it.

    :param name: normalised (PEP 503).
    :param shared: fields of an entry that its own metadata answers for each component that leaves them open.
    """

    name: str
    version: str
    candidates: tuple[Candidate, ...]
    shared: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def plain_name(name: str) -> str:
    """The name of a package, normalised (PEP 503).

    :raises ManifestError: it is none.
    """
    try:
        return canonicalize_name(name, validate=True)
    except InvalidName as error:
        raise ManifestError(
            f"{name!r} is not the name of a package", fix="Write it as pip does, such as acme-oneiric", package=name
        ) from error


def find_package(name: str) -> Package:
    """The installed package of that name, as pip writes it, with all it announces; or what we ship ourselves.

    Its code is imported.

    :raises ManifestError: it is no name of one, is not installed, announces nothing, or one of its announcements is
        broken.
    """
    if plain_name(name) == BUILT_IN:
        return _built_in()
    points = installed_entry_points(name)
    if not points:
        raise _without_components(name)
    report = discover(Resolver(), points)
    if report.failed:
        first = report.failed[0]
        raise ManifestError(
            f"{first.entry_point} of {first.entry_point.distribution} is broken: {first.error.rstrip('.')}",
            fix="Mend it first; a manifest without it would take it away from whoever uses it",
            package=name,
        )
    return Package(points[0].distribution, points[0].version, report.registered, shared_fields(metadata.metadata(name)))


def _built_in() -> Package:
    """Their code is never in an artifact: whoever reads the manifest has to have it, and in this version at least."""
    from oneiric_core.builtin import builtin_metadata  # noqa: PLC0415 - imports all of them

    version = Version(metadata.version(BUILT_IN))
    shared = {**shared_fields(metadata.metadata(BUILT_IN)), "requires": [f"{BUILT_IN}>={version.public}"]}
    candidates = tuple(each.to_candidate() for each in builtin_metadata())
    return Package(BUILT_IN, str(version), candidates, MappingProxyType(shared))


def shared_fields(message: Any) -> Mapping[str, Any]:
    """What core metadata (PEP 566, 621, 639) says that an entry of a manifest can say, too.

    :param message: as :func:`importlib.metadata.metadata` gives it.
    """
    found: dict[str, Any] = {}
    requires = [text for text in message.get_all("Requires-Dist", []) if not _is_extra(text)]
    if requires:
        found["requires"] = sorted(requires)
    if python := message.get("Requires-Python"):
        found["python_version"] = python
    if (license_text := _license(message)) is not None:
        found["license"] = license_text
    for url in message.get_all("Project-URL", []):
        label, _, address = url.partition(",")
        if label.strip().lower() in _DOCUMENTATION:
            found["documentation_url"] = address.strip()
            break
    return MappingProxyType(found)


def _is_extra(text: str) -> bool:
    """Is it wanted with an extra only, which nobody who takes a wheel from a manifest asks for?"""
    marker = Requirement(text).marker
    return marker is not None and "extra" in str(marker)


def _license(message: Any) -> str | None:
    """The SPDX expression; older packages write one into ``License``, or a text that is none."""
    for name in ("License-Expression", "License"):
        if text := message.get(name):
            try:
                return str(canonicalize_license_expression(text))
            except InvalidLicenseExpression:
                continue
    return None


def _without_components(name: str) -> ManifestError:
    known = sorted({point.distribution for point in installed_entry_points()})
    near = get_close_matches(name, known, n=1)
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        what = f"no package {name!r} is installed here"
    else:
        what = f"the package {name!r} announces no component"
    if near:
        fix = f"Did you mean {near[0]}?"
    elif known:
        fix = f"Install it, or name one of {', '.join(known)}"
    else:
        fix = "Install it, and announce its components by entry points such as oneiric.adapters"
    return ManifestError(what, fix=fix, package=name)
