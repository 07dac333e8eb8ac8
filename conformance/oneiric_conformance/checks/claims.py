"""META: whether a component is, needs and does what it claims."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, get_args
from urllib.parse import urlsplit

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import SecretBytes, SecretStr

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.contracts import CONTRACTS, PROMISES, lacks
from oneiric_conformance.judging.findings import described
from oneiric_conformance.registry import check
from oneiric_conformance.subject import Subject
from oneiric_core import Domain, ManifestError, RemoteManifest
from oneiric_core.testing import current_environment, import_object, why_not_here

__all__: list[str] = []

_NEEDS: Final = ("requires", "conflicts_with", "python_version", "os_platform")
_NOTHING: Final[tuple[object, ...]] = (None, [], ())
_ANYBODY: Final = {"domain": Domain.TASK.value, "key": "key", "provider": "provider", "factory": "module:attribute"}
_PAPERS: Final = ("license", "documentation_url")


def _declares(names: Iterable[str]) -> Any:
    listed = tuple(names)

    def applies(subject: Subject) -> str:
        declared = any(subject.metadata.get(name) not in _NOTHING for name in listed)
        return "" if declared else f"declares no {', '.join(listed)}"

    return applies


@check("META-007", judges="component", level="must", since="2026.1", applies=_declares(_NEEDS))
def it_can_run_where_it_is_judged(bench: Bench) -> None:
    """``requires``, ``conflicts_with``, ``python_version`` and ``os_platform`` can be read, and admit this interpreter.

    Troubleshooting: a requirement that is not one by PEP 508, a bare number where PEP 440 wants a specifier (">=3.11"),
    a platform spelt otherwise than sys.platform spells it. A runtime skips what cannot run where it is.
    """
    with bench.control("a requirement that cannot be read, and one that nobody meets, would be noticed"):
        seen = [_why_not_here("requires", [text]) for text in ("acme, the newest", "nobody-offers-this>=1")]
        bench.expect(all(seen), seen="one was not")
    for name, value in _needs(bench.subject.metadata):
        fault = _why_not_here(name, value)
        bench.expect(not fault, seen=f"{name} {value!r}: {fault}", expected="what this interpreter offers")
        bench.exercised()


def _needs(metadata: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What is declared of where it can run, by name."""
    return [(name, metadata[name]) for name in _NEEDS if metadata.get(name) not in _NOTHING]


def _why_not_here(name: str, value: Any) -> str:
    """Why a runtime skips what declares this, or why no manifest can say it; empty if it may run here."""
    entry = {**_ANYBODY, name: [*value] if isinstance(value, tuple) else value}
    try:
        manifest = RemoteManifest.from_document({"entries": [entry]})
    except ManifestError as error:
        return error.what
    return why_not_here(manifest.entries[0], current_environment())


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
