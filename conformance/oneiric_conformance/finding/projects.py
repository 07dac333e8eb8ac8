"""The project at hand: what its ``pyproject.toml`` says, and which installed distribution it is."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlparse

from packaging.utils import canonicalize_name

from oneiric_conformance.subject import EntryPointName
from oneiric_core import DOMAINS, ConformanceError

__all__ = [
    "GROUPS",
    "declared_entry_points",
    "distribution_of",
    "entry_points_of",
    "installed_distribution",
    "modules_of",
    "pointing_at",
    "read_project",
    "top_level",
]

GROUPS: Final = tuple(spec.group for spec in DOMAINS.values())
"""The six entry point groups."""


def read_project(rootdir: Path, *, required: bool = True) -> Mapping[str, Any]:
    path = rootdir / "pyproject.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {})
    except FileNotFoundError:
        if required and pointing_at(rootdir) is None:
            raise ConformanceError(
                f"there is no pyproject.toml in {rootdir}, and no installed distribution points there",
                fix="Run from the root of your repository, or name a component as module:attribute",
                rootdir=rootdir,
            ) from None
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConformanceError(f"{path} cannot be read: {error}", fix="Mend the file", path=path) from error
    return table if isinstance(table, Mapping) else {}


def declared_entry_points(project: Mapping[str, Any]) -> tuple[EntryPointName, ...] | None:
    """The entry points the project's own file declares; None if it leaves them to its build backend."""
    groups = project.get("entry-points", {})
    if not project or "entry-points" in project.get("dynamic", ()) or not isinstance(groups, Mapping):
        return None
    return tuple(
        sorted(
            EntryPointName(group, name, str(value))
            for group, entries in groups.items()
            if group in GROUPS and isinstance(entries, Mapping)
            for name, value in entries.items()
        )
    )


def distribution_of(rootdir: Path, name: object) -> metadata.Distribution | None:
    return (installed_distribution(name) if isinstance(name, str) else None) or pointing_at(rootdir)


def installed_distribution(name: str) -> metadata.Distribution | None:
    wanted = canonicalize_name(name)
    return next((found for found in metadata.distributions() if canonicalize_name(found.name or "") == wanted), None)


def pointing_at(rootdir: Path) -> metadata.Distribution | None:
    """The distribution that was installed from this directory (PEP 610)."""
    for distribution in metadata.distributions():
        text = distribution.read_text("direct_url.json")
        if not text:
            continue
        url = urlparse(str(json.loads(text).get("url", "")))
        if url.scheme == "file" and Path(unquote(url.path)).resolve() == rootdir:
            return distribution
    return None


def entry_points_of(distribution: metadata.Distribution) -> list[EntryPointName]:
    return [
        EntryPointName(point.group, point.name, point.value)
        for point in distribution.entry_points
        if point.group in GROUPS
    ]


def modules_of(distribution: metadata.Distribution, points: Iterable[EntryPointName]) -> frozenset[str]:
    """Top-level names: where entry points lead, and what the list of files shows (little, if it is editable)."""
    named = {top_level(point.value) for point in points}
    files = {path.parts[0] for path in distribution.files or () if path.suffix == ".py"}
    listed = {name.removesuffix(".py") for name in files if not name.startswith(("__editable__", "_editable"))}
    return frozenset(name for name in named | listed if name.isidentifier())


def top_level(path: object) -> str:
    if isinstance(path, str):
        return path.partition(":")[0].partition(".")[0].strip()
    return str(getattr(path, "__module__", "") or "").partition(".")[0]
