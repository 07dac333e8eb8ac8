"""META: what a package says about itself and its components, and what importing it does."""

import inspect
import json
from collections.abc import Iterable
from typing import Any

from packaging.version import InvalidVersion, Version

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import is_plain_name
from oneiric_conformance.handling.plain import same
from oneiric_conformance.judging.findings import Finding, described
from oneiric_conformance.registry import check
from oneiric_conformance.subject import EntryPointName, Subject
from oneiric_core import Domain
from oneiric_core.testing import import_object, make_settings

__all__: list[str] = []


@check("META-001", judges="package", level="must", since="2026.1")
def entry_points_yield_components(bench: Bench) -> None:
    """Every entry point loads and yields components with domain, key, provider and factory, and those installed are
    those declared.

    Troubleshooting: a module that cannot be imported, an entry point that names something which is no component, or a
    pyproject.toml that was changed after the package was installed; install it again (pip install -e .) after each
    change of its entry points.
    """
    package = bench.package
    with bench.control("a component without a name would be noticed"):
        bench.expect(bool(_lacks(Subject(domain="", key="", provider=""))), seen="it was not")
    if package.declared is not None:
        _agree(bench, package.declared, package.installed)
    for subject in package.subjects:
        point = subject.entry_point
        bench.expect(not subject.error, seen=f"{point or subject.id} could not be loaded: {subject.error}")
        lacking = _lacks(subject)
        bench.expect(not lacking, seen=f"{point or subject.id} yields a component without {lacking}")
        bench.exercised()
    yielding = {subject.entry_point for subject in package.subjects}
    for point in package.installed:
        bench.expect(point in yielding or None in yielding, seen=f"{point} yields no component")
    names = [subject.id for subject in package.subjects]
    twice = sorted({name for name in names if names.count(name) > 1})
    bench.expect(not twice, seen=f"two components are both named {', '.join(twice)}", expected="a name for each")


def _agree(bench: Bench, declared: Iterable[EntryPointName], installed: Iterable[EntryPointName]) -> None:
    missing, stale = sorted({*declared} - {*installed}), sorted({*installed} - {*declared})
    bench.expect(not missing, seen=f"declared but not installed: {_listed(missing)}")
    bench.expect(not stale, seen=f"installed but no longer declared: {_listed(stale)}")


def _listed(points: Iterable[EntryPointName]) -> str:
    return ", ".join(map(str, points))


def _lacks(subject: Subject) -> str:
    parts: dict[str, object] = {"domain": subject.domain, "key": subject.key, "provider": subject.provider}
    empty = [name for name, value in parts.items() if not isinstance(value, str) or not value]
    return ", ".join(empty + ["factory"] * (subject.factory is None))


@check("META-002", judges="component", level="must", since="2026.1", floor=3)
def domain_key_and_provider_are_plain_names(bench: Bench) -> None:
    """The domain is one of the six; key and provider are made of letters, digits, "_", "-" and single dots.

    Troubleshooting: blanks, slashes or capital look-alikes in a name that somebody typed into a form. Names stand in
    configuration files, manifests and commands; keep them short and plain.
    """
    subject = bench.subject
    with bench.control("a name with a path in it would be noticed"):
        bench.expect(not is_plain_name(f"../{subject.key}"), seen="it was not")
    domains = ", ".join(Domain)
    bench.expect(subject.domain in set(Domain), seen=f"the domain is {subject.domain!r}", expected=f"one of {domains}")
    bench.exercised()
    for what, name in (("key", subject.key), ("provider", subject.provider)):
        bench.expect(is_plain_name(name), seen=f"the {what} is {name!r}", expected="a plain name such as cache")
        bench.exercised()


@check("META-003", judges="component", level="must", since="2026.1")
def the_factory_is_the_packages_own(bench: Bench) -> None:
    """The factory resolves to something callable in the package's own modules.

    Troubleshooting: a path with a spelling mistake, one that names a module instead of what is in it, or one that
    leads into another package; wrap what is not yours in a function of your own.
    """
    own = bench.package.modules
    with bench.control("a factory of the standard library would be noticed"):
        bench.expect(_home("os:system") not in own, seen="it was not")
    factory = bench.subject.factory
    with bench.asking(f"importing {factory!r}" if isinstance(factory, str) else "the factory"):
        made = import_object(factory, None) if isinstance(factory, str) else factory
    bench.expect(callable(made), seen=f"the factory {factory!r} is a {type(made).__name__}, which cannot be called")
    home = _home(factory)
    bench.expect(
        not own or not home or home in own,
        seen=f"the factory {factory!r} is in {home}, which is not the package's own",
        expected=f"a factory in {', '.join(sorted(own))}",
    )
    bench.exercised()


def _home(factory: Any) -> str:
    """The top-level module of a factory; empty for a callable that does not say (a partial, an instance)."""
    if isinstance(factory, str):
        return factory.partition(":")[0].strip().partition(".")[0]
    known = inspect.isfunction(factory) or inspect.isclass(factory)
    return str(factory.__module__).partition(".")[0] if known else ""


@check("META-004", judges="component", level="must", since="2026.1")
def importing_it_does_nothing_else(bench: Bench) -> None:
    """Importing the component's modules connects nowhere, starts no process or thread, and writes nothing.

    Troubleshooting: a client, a pool or a log file that is created at the top of a module; create it in init().
    """
    with bench.control("its import was watched, in a process of its own"):
        bench.expect("import" in bench.smoke.durations, seen=bench.smoke.failure or "no other process can import it")
    effects = bench.smoke.side_effects
    bench.expect(not effects, seen=f"importing it also did: {'; '.join(effects)}", expected="nothing else")
    bench.exercised()


def _has_settings_model(subject: Subject) -> str:
    return "" if subject.settings_model is not None else "declares no settings_model"


@check("META-005", judges="component", level="must", since="2026.1", applies=_has_settings_model)
def the_settings_model_round_trips(bench: Bench) -> None:
    """The settings model resolves, has a JSON schema, and settings survive being written as JSON and read again.

    They may be written under the names of their fields or under their aliases.

    Troubleshooting: a path with a spelling mistake, a class that is no pydantic model, a field of a type that has no
    JSON form, or a validator that does not accept what the serialiser wrote.
    """
    declared = bench.subject.settings_model
    with bench.control("something without a schema would be noticed"):
        bench.expect(not _is_model(object), seen="it was not")
    with bench.asking(f"importing the settings model {declared!r}"):
        model: Any = import_object(declared, None) if isinstance(declared, str) else declared
    bench.expect(
        _is_model(model), seen=f"the settings model is {model!r}", expected="a pydantic model, or the path of one"
    )
    with bench.asking("the settings model's JSON schema"):
        json.dumps(model.model_json_schema(), allow_nan=False)
    with bench.sandbox() as box:
        raw = bench.settings(box)
        with bench.asking(f"making settings of {raw!r}"):
            settings: Any = make_settings(model, raw)
    _expect_survival(bench, model, settings)
    bench.exercised()


def _expect_survival(bench: Bench, model: Any, settings: Any) -> None:
    """Under the names of the fields or, as they stand in a file, under their aliases."""
    first: Finding | None = None
    for by_alias in (False, True):
        try:
            with bench.asking("writing the settings as JSON"):
                written = settings.model_dump_json(round_trip=True, by_alias=by_alias)
            with bench.asking("reading the settings back"):
                again = model.model_validate_json(written)
            before, after = settings.model_dump(mode="json"), again.model_dump(mode="json")
            survived = same(before, after)
            bench.expect(survived, seen=f"the settings {before!r} came back as {after!r}", expected="the same")
        except Finding as found:
            first = first or found
        else:
            return
    if first is not None:
        raise first


def _is_model(model: Any) -> bool:
    methods = ("model_json_schema", "model_validate_json", "model_dump_json")
    return isinstance(model, type) and all(callable(getattr(model, name, None)) for name in methods)


def _has_version(subject: Subject) -> str:
    return "" if subject.metadata.get("version") is not None else "declares no version"


@check("META-006", judges="component", level="must", since="2026.1", applies=_has_version)
def the_version_can_be_compared(bench: Bench) -> None:
    """The version is one that PEP 440 defines.

    Troubleshooting: versions such as "v1-final" or a number instead of text; write "1.0.0".
    """
    with bench.control("a version that cannot be compared would be noticed"):
        bench.expect(bool(_unfit_version("v1-final")), seen="it was not")
    fault = _unfit_version(bench.subject.metadata["version"])
    bench.expect(not fault, seen=fault, expected="a version such as 1.0.0")
    bench.exercised()


def _unfit_version(version: Any) -> str:
    if not isinstance(version, str):
        return f"the version is {version!r}, which is not text"
    try:
        Version(version)
    except InvalidVersion as error:
        return f"the version is {version!r}: {described(error)}"
    return ""
