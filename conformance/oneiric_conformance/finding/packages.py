"""Finding what is to be judged: the entry points of this project, or components somebody names."""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from packaging.utils import canonicalize_name

from oneiric_conformance.finding.declarations import broken, last_line, load, subject_of
from oneiric_conformance.finding.projects import (
    GROUPS,
    declared_entry_points,
    distribution_of,
    entry_points_of,
    installed_distribution,
    modules_of,
    read_project,
    top_level,
)
from oneiric_conformance.isolation.scout import scout
from oneiric_conformance.subject import EntryPointName, Package, Subject
from oneiric_core import ActivationError, ConformanceError, ResolutionError
from oneiric_core.testing import declarations_in, import_object

__all__ = ["find_component", "find_distribution", "find_package"]

_NAMED: Final = "named"


def find_package(rootdir: Path, *, only: Collection[str] = ()) -> Package:
    """The package whose repository ``rootdir`` is, with every component it announces.

    "This project" is the distribution with the normalised name (PEP 503) of ``pyproject.toml``, else the one whose
    ``direct_url.json`` points at ``rootdir``. Entry points that fail to load become subjects with an ``error``.

    :param only: the components to judge, instead of all; see :func:`find_component`.
    :raises ConformanceError: there is no project, it is not installed, it announces nothing, or ``only`` names what is
        not there.
    """
    rootdir = rootdir.resolve()
    if only:
        return _package_of_named(rootdir, only)
    project = read_project(rootdir)
    declared = declared_entry_points(project)
    distribution = distribution_of(rootdir, project.get("name"))
    if distribution is None:
        raise _not_found(rootdir, project, declared)
    package = _package(distribution, rootdir, declared)
    if package.subjects:
        return package
    where = f"{package.name} {package.version} announces no component in {', '.join(GROUPS)}"
    if declared:
        raise ConformanceError(
            f"{where}, though {rootdir / 'pyproject.toml'} declares {len(declared)}",
            fix=f"Run `pip install -e .` in {rootdir} again",
            rootdir=rootdir,
        )
    raise ConformanceError(
        where, fix="Declare components as entry points, or name one as domain/key/provider or module:attribute"
    )


def find_distribution(name: str) -> Package:
    """An installed package by its distribution's name, with every component it announces.

    :raises ConformanceError: it is not installed, or announces nothing.
    """
    distribution = installed_distribution(name)
    if distribution is None:
        raise ConformanceError(f"no distribution {name!r} is installed", fix=f"Run `pip install {name}`", name=name)
    package = _package(distribution, None, None)
    if not package.subjects:
        raise ConformanceError(
            f"{package.name} {package.version} announces no component in {', '.join(GROUPS)}",
            fix="Name a distribution that does, or one component as module:attribute",
            name=name,
        )
    return package


def find_component(spec: str, rootdir: Path) -> Subject:
    """One component.

    :param spec: ``domain/key/provider``, looked for in this project and then in everything installed; or
        ``module:attribute``, where the attribute is a declaration or has one as ``metadata``.
    :raises ConformanceError: there is no such component, or no such module or attribute.
    """
    return _attribute(spec) if ":" in spec else _announced(spec, rootdir.resolve())


def _package_of_named(rootdir: Path, specs: Iterable[str]) -> Package:
    found = {subject.id: subject for subject in (find_component(spec, rootdir) for spec in specs)}
    subjects = tuple(found[name] for name in sorted(found))
    project = read_project(rootdir, required=False)
    own = distribution_of(rootdir, project.get("name"))
    if own is not None and any(entry_points_of(own)):
        return _only(_package(own, rootdir, declared_entry_points(project), load_them=False), subjects)
    modules = {top_level(subject.factory) for subject in subjects} - {""}
    name = canonicalize_name(str(project.get("name") or min(modules, default=_NAMED)))
    version = "" if own is None else own.version
    return Package(name, version, subjects, rootdir, frozenset(modules), declared_entry_points(project))


def _only(package: Package, subjects: tuple[Subject, ...]) -> Package:
    """The package as if it announced nothing but these: of its other entry points nothing can be said unloaded."""
    points = {subject.entry_point for subject in subjects if subject.entry_point is not None}
    names = {(point.group, point.name) for point in points}
    declared = package.declared and tuple(point for point in package.declared if (point.group, point.name) in names)
    installed = tuple(point for point in package.installed if point in points)
    return replace(package, subjects=subjects, declared=declared, installed=installed)


def _package(
    distribution: metadata.Distribution,
    rootdir: Path | None,
    declared: tuple[EntryPointName, ...] | None,
    *,
    load_them: bool = True,
) -> Package:
    points = tuple(sorted(entry_points_of(distribution)))
    return Package(
        name=canonicalize_name(distribution.name),
        version=distribution.version,
        subjects=_loaded(points) if load_them else (),
        rootdir=rootdir,
        modules=modules_of(distribution, points),
        declared=declared,
        installed=points,
    )


def _loaded(points: Sequence[EntryPointName]) -> tuple[Subject, ...]:
    """Everything these entry points declare, in this process only where that is known to be safe."""
    found: dict[str, Subject] = {}
    for point, danger in scout(points).items():
        for subject in [broken(point, danger)] if danger else load(point):
            first = found.setdefault(subject.id, subject)
            if first is not subject:
                twice = broken(point, f"{subject.id} is announced by {first.entry_point}, too")
                found[twice.id] = twice
    return tuple(found[name] for name in sorted(found))


def _attribute(spec: str) -> Subject:
    point = EntryPointName(_NAMED, spec, spec)
    danger = scout([point])[point]
    if danger:
        return broken(point, danger)
    try:
        found = list(declarations_in(import_object(spec, None)))
    except ResolutionError as error:
        raise ConformanceError(
            f"{spec!r} is no component: {error.what}", fix="Give it its declaration as `metadata`", spec=spec
        ) from error
    except (Exception, SystemExit) as error:
        if _is_missing(spec, error):
            raise ConformanceError(f"there is no {spec!r}: {last_line(error)}", fix="Correct it", spec=spec) from error
        return broken(point, last_line(error))
    if len(found) != 1:
        raise ConformanceError(
            f"{spec!r} declares {len(found)} components", fix="Name one as domain/key/provider", spec=spec
        )
    try:
        return subject_of(found[0], None)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - what a runtime refuses is a broken subject, too
        return broken(point, last_line(error))


def _is_missing(spec: str, error: BaseException) -> bool:
    """Whether the name leads nowhere; a module that is there and fails to import is a broken subject."""
    module = spec.partition(":")[0].strip()
    if not isinstance(error, ActivationError):
        return False
    cause = error.__cause__
    if isinstance(cause, ModuleNotFoundError):
        return f"{module}.".startswith(f"{cause.name}.")
    return cause is None or (isinstance(cause, AttributeError) and module in sys.modules)


def _announced(spec: str, rootdir: Path) -> Subject:
    project = read_project(rootdir, required=False)
    own = distribution_of(rootdir, project.get("name"))
    seen: list[str] = []
    points = [] if own is None else sorted(entry_points_of(own))
    others = {point for distribution in metadata.distributions() for point in entry_points_of(distribution)}
    for candidates in (points, sorted(others - set(points))):
        for subject in _loaded(candidates):
            if subject.id == spec:
                return subject
            seen.append(subject.id)
    near = get_close_matches(spec, seen, n=1)
    known = f"Did you mean {near[0]}" if near else f"Name one of {', '.join(seen[:10]) or 'those installed'}"
    raise ConformanceError(f"no component {spec!r} is installed", fix=known, spec=spec)


def _not_found(
    rootdir: Path, project: Mapping[str, Any], declared: tuple[EntryPointName, ...] | None
) -> ConformanceError:
    path, name = rootdir / "pyproject.toml", project.get("name")
    if name is None:
        return ConformanceError(
            f"{path} has no [project] name, and no installed distribution points at {rootdir}",
            fix="Add a name, and run `pip install -e .`",
            rootdir=rootdir,
        )
    return ConformanceError(
        f"{name} declares {len(declared or ())} components in {path}, but is not installed",
        fix=f"Run `pip install -e .` in {rootdir}",
        rootdir=rootdir,
        name=name,
    )
