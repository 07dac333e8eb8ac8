"""A certificate as a manifest describes it: where it is, its digest, and which wheel it is about."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from oneiric_core.errors import CertificateError, ManifestError
from oneiric_core.publish.wheels import Wheel
from oneiric_core.publish.write import read_file
from oneiric_core.trust import Certificate, open_certificate

__all__ = ["CertificateFile", "certificate_fields", "read_certificate"]


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """A certificate that was issued.

    :param sha256: of the file, 64 lower-case hexadecimal digits.
    :param said: what it says. Who signed it was not asked: that is for those who trust an issuer.
    """

    filename: str
    sha256: str
    said: Certificate


def read_certificate(path: Path, now: datetime) -> CertificateFile:
    """What a manifest says of the certificate at ``path``.

    :raises ArtifactError: it cannot be read.
    :raises CertificateError: it is none.
    :raises ExpiredError: it is not valid now, so that runtimes would refuse what it is about.
    """
    data = read_file(path)
    said = open_certificate(data)
    said.check_moment(now)
    return CertificateFile(path.name, hashlib.sha256(data).hexdigest(), said)


def certificate_fields(
    wheels: Mapping[str, Wheel], certificates: Mapping[str, CertificateFile]
) -> dict[str, dict[str, Any]]:
    """By the name of the package whose wheel it is about, the field of an entry that names the certificate.

    :param wheels: by the URL they will be fetched from; ``certificates`` likewise.
    :raises CertificateError: one is about none of the wheels.
    :raises ManifestError: two are about one wheel.
    """
    found: dict[str, dict[str, Any]] = {}
    for uri, certificate in certificates.items():
        about = [wheel for wheel in wheels.values() if wheel.sha256 in certificate.said.subjects.values()]
        if not about:
            named = ", ".join(f"{name} ({digest})" for name, digest in certificate.said.subjects.items())
            raise CertificateError(
                f"{certificate.filename} is about other bytes than those of the wheels given: {named}",
                fix="Give the wheel that was certified by --artifact, or have this one certified",
                certificate=certificate.filename,
            )
        for wheel in about:
            if wheel.name in found:
                raise ManifestError(
                    f"there are two certificates of {wheel.filename}, and an entry names one",
                    fix="Give the one that runtimes are to go by",
                    wheel=wheel.filename,
                )
            found[wheel.name] = {"certificate": {"uri": uri, "sha256": certificate.sha256}}
    return found
