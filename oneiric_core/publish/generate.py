"""A manifest of what a package offers. The same package, wheels and certificates always give the same document."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from packaging.version import InvalidVersion, Version

from oneiric_core.bridges import check_declaration
from oneiric_core.domains import Domain
from oneiric_core.errors import ManifestError
from oneiric_core.manifest import RemoteManifest
from oneiric_core.publish.certified import CertificateFile, certificate_fields
from oneiric_core.publish.entries import entry_of
from oneiric_core.publish.packages import Package
from oneiric_core.publish.wheels import Wheel

__all__ = ["check_version", "generate_manifest"]

_SCHEMA_VERSION: Final = 2
_ORDER: Final = {domain: place for place, domain in enumerate(Domain)}


def check_version(text: str) -> str:
    """The version itself, if it is one (PEP 440).

    :raises ManifestError: it is none.
    """
    try:
        Version(text)
    except InvalidVersion as error:
        raise ManifestError(f"{text!r} is no version", fix="Write it like 1.4.0 or 2.0rc1", version=text) from error
    return text


def generate_manifest(
    packages: Sequence[Package],
    *,
    version: str,
    source: str,
    domains: Collection[Domain] = tuple(Domain),
    wheels: Mapping[str, Wheel] | None = None,
    certificates: Mapping[str, CertificateFile] | None = None,
) -> dict[str, Any]:
    """An unsigned manifest as plain JSON values, entries by domain, key and provider.

    :param version: of each component that does not declare one.
    :param source: who publishes: the name of this line of manifests.
    :param domains: the only ones that entries are made for.
    :param wheels: by the URL it will be fetched from, the wheel of each package whose code is to travel.
    :param certificates: by the URL it will be fetched from, the certificate of each wheel that has one.
    :raises ManifestError: ``version`` is none (PEP 440), nothing is left to offer, a wheel is of none of the packages,
        a factory lies in no wheel of its own, a wheel has two certificates, or a component declares what no manifest
        can say.
    :raises ResolutionError: a component declares what no bridge could work with.
    :raises CertificateError: a certificate is about none of the wheels.
    """
    check_version(version)
    offered = [(package, each) for package in packages for each in package.candidates if each.domain in domains]
    homes = _homes(packages, wheels or {})
    certified = certificate_fields(wheels or {}, certificates or {})
    entries = [
        entry_of(
            candidate, version, {**package.shared, **homes.get(package.name, {}), **certified.get(package.name, {})}
        )
        for package, candidate in offered
    ]
    if not entries:
        raise ManifestError(
            f"{_listed(package.name for package in packages)} offers nothing in {_listed(domains)}",
            fix="Leave out fewer domains",
        )
    entries.sort(key=lambda entry: (_ORDER[Domain(entry["domain"])], entry["key"], entry["provider"]))
    document = {"schema_version": _SCHEMA_VERSION, "source": source, "entries": entries}
    RemoteManifest.from_document(document)
    for _, candidate in offered:
        check_declaration(candidate)  # who reads the manifest takes a slip for something newer
    return document


def _homes(packages: Sequence[Package], wheels: Mapping[str, Wheel]) -> dict[str, dict[str, Any]]:
    """By package, the fields that say where its code is."""
    by_name = {package.name: package for package in packages}
    homes: dict[str, dict[str, Any]] = {}
    for uri, wheel in wheels.items():
        package = by_name.get(wheel.name)
        if package is None:
            raise ManifestError(
                f"{wheel.filename} is of {wheel.name}, and the manifest is of {_listed(by_name)}",
                fix="Give the wheels of the packages it is made from",
                wheel=wheel.filename,
            )
        if wheel.name in homes:
            raise ManifestError(
                f"there are two wheels of {wheel.name}, and an entry names one",
                fix="Give the one for all systems, or make a manifest for each",
                wheel=wheel.filename,
            )
        wheel.refuse_other(package)
        homes[wheel.name] = wheel.fields_at(uri)
    return homes


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
