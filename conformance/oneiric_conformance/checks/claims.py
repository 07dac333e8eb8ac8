"""META: whether a component is, needs and does what it claims."""

import platform
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, get_args
from urllib.parse import urlsplit

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import SecretBytes, SecretStr

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.contracts import CONTRACTS, PROMISES, lacks
from oneiric_conformance.judging.findings import described
from oneiric_conformance.registry import check
from oneiric_conformance.subject import Subject
from oneiric_core.testing import import_object

__all__: list[str] = []

_NEEDS: Final = ("requires", "conflicts_with", "python_version", "os_platform")
_PLATFORMS: Final = {"windows": "win32", "macos": "darwin", "osx": "darwin", "mac": "darwin"}
_PAPERS: Final = ("license", "documentation_url")


def _declares(names: Iterable[str]) -> Any:
    listed = tuple(names)

    def applies(subject: Subject) -> str:
        declared = any(subject.metadata.get(name) not in (None, [], ()) for name in listed)
        return "" if declared else f"declares no {', '.join(listed)}"

    return applies


@check("META-007", judges="component", level="must", since="2026.1", applies=_declares(_NEEDS))
def it_can_run_where_it_is_judged(bench: Bench) -> None:
    """``requires``, ``conflicts_with``, ``python_version`` and ``os_platform`` can be read, and admit this interpreter.

    Troubleshooting: a requirement that is not one by PEP 508, a bare number where PEP 440 wants a specifier (">=3.11"),
    a platform spelt otherwise than sys.platform spells it. A runtime skips what cannot run where it is.
    """
    with bench.control("a requirement that cannot be read, and one that nobody meets, would be noticed"):
        bench.expect(bool(_unmet("acme, the newest")) and bool(_unmet("nobody-offers-this>=1")), seen="one was not")
    declared = bench.subject.metadata
    for name, judge in (("requires", _unmet), ("conflicts_with", _conflicting)):
        for text in _texts(bench, name, declared.get(name)):
            fault = judge(text)
            bench.expect(not fault, seen=f"{name} {text!r}: {fault}", expected="met by what is installed here")
            bench.exercised()
    python = declared.get("python_version")
    if python is not None:
        fault = _not_this_python(python)
        bench.expect(not fault, seen=f"python_version {python!r}: {fault}", expected="a specifier such as >=3.11")
        bench.exercised()
    platforms = _texts(bench, "os_platform", declared.get("os_platform"))
    if platforms:
        known = [_PLATFORMS.get(text.lower(), text.lower()) for text in platforms]
        seen = f"os_platform {platforms!r} does not name {sys.platform}"
        bench.expect(sys.platform in known, seen=seen, expected="the system it is judged on among them")
        bench.exercised()


def _texts(bench: Bench, name: str, value: Any) -> list[str]:
    listed = [] if value is None else value
    fits = isinstance(listed, list | tuple) and all(isinstance(item, str) for item in listed)
    bench.expect(fits, seen=f"{name} is {value!r}", expected="a list of texts")
    return list(listed)


def _unmet(text: str) -> str:
    return _judged(text, wanted=True)


def _conflicting(text: str) -> str:
    return _judged(text, wanted=False)


def _judged(text: str, *, wanted: bool) -> str:
    """Why a requirement is not met here, or is though nobody wants it; empty if it is as it should be."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        return described(error)
    if requirement.marker is not None and not requirement.marker.evaluate():
        return ""
    name, found = requirement.name, _installed(requirement.name)
    met = found is not None and requirement.specifier.contains(found, prereleases=True)
    if met is wanted:
        return ""
    return f"there is no {name} here" if found is None else f"here is {name} {found}"


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _not_this_python(text: Any) -> str:
    if not isinstance(text, str):
        return "it is not text"
    try:
        admitted = SpecifierSet(text).contains(platform.python_version(), prereleases=True)
    except InvalidSpecifier as error:
        return described(error)
    return "" if admitted else f"this is Python {platform.python_version()}"


@check("META-008", judges="component", level="should", since="2026.1", applies=_declares(_PAPERS))
def its_papers_can_be_read(bench: Bench) -> None:
    """The licence is an SPDX expression, and the documentation has an https address.

    Troubleshooting: "BSD" or "Apache 2" where SPDX has BSD-3-Clause and Apache-2.0, a path or an http address.
    """
    with bench.control("a licence that SPDX does not know would be noticed"):
        bench.expect(bool(_unfit_licence("do what you like")), seen="it was not")
    declared = bench.subject.metadata
    if (licence := declared.get("license")) is not None:
        fault = _unfit_licence(licence)
        bench.expect(
            not fault, seen=f"the licence is {licence!r}: {fault}", expected="an expression such as BSD-3-Clause"
        )
        bench.exercised()
    if (address := declared.get("documentation_url")) is not None:
        fit = isinstance(address, str) and _is_https(address)
        bench.expect(fit, seen=f"documentation_url is {address!r}", expected="an address that begins with https://")
        bench.exercised()


def _unfit_licence(licence: Any) -> str:
    if not isinstance(licence, str):
        return "it is not text"
    try:
        canonicalize_license_expression(licence)
    except (InvalidLicenseExpression, RecursionError) as error:
        return described(error)
    return ""


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


@check("META-009", judges="component", level="must", since="2026.1", floor=len(CONTRACTS))
def claims_hold_both_ways(bench: Bench) -> None:
    """A component that claims a contract has its methods; an adapter that has the methods of one claims it.

    Claims that the kit does not know are listed as unjudged. What is there and not claimed is a warning.

    Troubleshooting: a capability named before it was written, a method of another name (``put`` for ``set``), or a
    contract that is kept and that nobody can find because it is not claimed.
    """
    with bench.control("a component without any method lacks them all"):
        bench.expect(all(lacks(object(), name) for name in CONTRACTS), seen="it lacks none")
    with bench.sandbox() as box:
        instance = bench.run(bench.activated(box))
        try:
            missing = {name: lacks(instance, name) for name in CONTRACTS}
        finally:
            bench.run(bench.cleanup(instance))
    claimed = bench.subject.capabilities
    for name, methods in missing.items():
        seen = f"it claims {name} and has no {', '.join(methods)}"
        bench.expect(name not in claimed or not methods, seen=seen, expected="what it claims, or no claim")
        bench.exercised()
    if unknown := sorted(claimed - {*CONTRACTS} - PROMISES):
        bench.note(f"unjudged: {', '.join(unknown)}")
    if bench.subject.domain == "adapter" and not _has_everything(instance):
        unclaimed = sorted(name for name, methods in missing.items() if not methods and name not in claimed)
        seen = f"it has the methods of {', '.join(unclaimed)} and does not claim that"
        bench.advise(not unclaimed, seen=seen, expected="a claim, so that it is found and judged by it")


def _has_everything(instance: object) -> bool:
    """Whether it answers to any name, so that what it has says nothing."""
    try:
        return callable(getattr(instance, "oneiric_asks_for_what_nobody_has", None))
    except Exception:  # noqa: BLE001 - an instance may raise what it likes here
        return False


def _has_settings(subject: Subject) -> str:
    return "" if subject.settings_model is not None else "declares no settings_model"


@check("META-010", judges="component", level="must", since="2026.1", applies=_has_settings)
def secret_settings_are_declared(bench: Bench) -> None:
    """A component whose settings hold secrets (a field of type ``SecretStr`` or ``SecretBytes``) declares
    ``requires_secrets``.

    Troubleshooting: a password or token that was added to the settings model and not to the declaration; operators look
    there to know what has to be provided.
    """
    declared = bench.subject.settings_model
    with bench.control("a field for a secret would be noticed"):
        bench.expect([*_secret_fields(_WithSecret)] == ["token"], seen="it was not")
    with bench.asking(f"importing the settings model {declared!r}"):
        model = import_object(declared, None) if isinstance(declared, str) else declared
    secret = [*_secret_fields(model)]
    says = bench.subject.metadata.get("requires_secrets") is True
    seen = f"its settings hold a secret in {', '.join(secret)}, and it does not declare requires_secrets"
    bench.expect(says or not secret, seen=seen, expected="requires_secrets=True")
    bench.exercised()


class _Field:
    annotation: Any = SecretStr | None


class _WithSecret:
    model_fields: Final = {"token": _Field}


def _secret_fields(model: Any, above: tuple[Any, ...] = ()) -> Iterator[str]:
    """The dotted names of fields that hold a secret, at any depth."""
    fields = getattr(model, "model_fields", None)
    if not isinstance(fields, dict) or model in above:
        return
    for name, field in fields.items():
        for kind in _kinds(getattr(field, "annotation", None)):
            if isinstance(kind, type) and issubclass(kind, SecretStr | SecretBytes):
                yield name
            else:
                yield from (f"{name}.{inner}" for inner in _secret_fields(kind, (*above, model)))


def _kinds(annotation: Any) -> Iterator[Any]:
    """The annotation and everything in its brackets."""
    yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)
