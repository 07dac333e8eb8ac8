"""The certificate of a run: an in-toto Statement v1 with the predicate test-result v0.1, in a DSSE envelope.

See https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md. What that predicate has no field
for stands under a name of its own, which other readers pass over.
"""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from oneiric_conformance.certifying.wheel import first_difference, released_files
from oneiric_conformance.levels import LEVELS, lacking
from oneiric_conformance.report import ConformanceReport
from oneiric_conformance.results import Status
from oneiric_core import (
    CertificatePolicy,
    ConformanceError,
    OneiricError,
    PublicKey,
    conformance_statement,
    load_private_key,
    sign_certificate,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["DOES_NOT_PROVE", "PROVES", "VALIDITY", "SigningKey", "issue"]

VALIDITY: Final = timedelta(days=365)
"""How long a certificate is believed: rules get stricter, and keys get lost."""

_ENCRYPTED: Final = b"ENCRYPTED"

PROVES: Final = (
    "The subject is exactly these bytes, by SHA-256.",
    "The signer says that the checks named here were run over them with this outcome, in the configuration named here.",
    "Each file of the package that was imported in that run has the SHA-256 it has in the wheel's RECORD.",
)
DOES_NOT_PROVE: Final = (
    "That the signer is honest, or ran the kit at all: that is a matter of whose key it is.",
    "That the package is free of defects or of malice: it passed these checks, on this machine, in this run.",
    "Anything about its dependencies, or about files that are not modules.",
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What certificates are signed with.

    :param warning: what is wrong with how it is kept; empty if nothing is.
    """

    private: "Ed25519PrivateKey"
    warning: str = ""

    @classmethod
    def from_file(cls, path: Path, *, password_env: str = "") -> "SigningKey":
        """The key in the file: PEM (PKCS #8), 32 raw bytes, or their base64.

        :param password_env: the environment variable that holds its password; empty for a key that is not encrypted.
        :raises ConformanceError: there is none, or its password is missing or wrong.
        """
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read()
        except OSError as error:
            raise ConformanceError(
                f"the signing key {str(path)!r} cannot be read: {error.strerror}",
                fix="Make one with `oneiric-core keys generate`",
                path=str(path),
            ) from error
        try:
            key = load_private_key(content, name=str(path), password=_password(password_env))
            CertificatePolicy([PublicKey(key.public_key().public_bytes_raw())])  # nobody trusts what everybody has
        except OneiricError as error:
            locked = _ENCRYPTED in content and not password_env
            fix = "Name the environment variable that holds its password, by password-env" if locked else error.fix
            raise ConformanceError(error.what, fix=fix, path=str(path)) from error
        open_to_others = os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO)
        told = f"the signing key {path} can be read by others ({stat.filemode(mode)}): say chmod 600 {path}"
        return cls(key, told if open_to_others else "")


def issue(
    report: ConformanceReport, imported: Mapping[str, str], key: SigningKey, *, now: datetime, url: str = ""
) -> str:
    """The certificate of a run as the text of a file.

    :param imported: SHA-256 by name of each file of the package that was imported in the run, whichever process did.
    :param now: aware; from when on it is valid.
    :param url: where people can look at the run; empty where nobody can.
    :raises ConformanceError: there can be none; says why.
    """
    if not report.levels:
        raise ConformanceError(
            f"no certificate: no level was reached ({'; '.join(lacking(report, LEVELS[0]))})",
            fix="Mend what is broken, and judge everything",
        )
    released = released_files(report.package)
    if difference := first_difference(released, report.package, imported):
        raise ConformanceError(
            f"no certificate: what was judged is not what is in the wheel: {difference}",
            fix="Install the wheel, and run again",
        )
    return json.dumps(sign_certificate(_statement(report, imported, now, url), key.private), indent=2) + "\n"


def _password(variable: str) -> bytes | None:
    if not variable:
        return None
    value = os.environ.get(variable, "")
    if not value:
        raise ConformanceError(
            f"the environment variable {variable!r}, for the password of the signing key, is not set, or empty",
            fix=f"Set {variable}",
            variable=variable,
        )
    return value.encode("utf-8", "surrogateescape")


def _statement(report: ConformanceReport, imported: Mapping[str, str], now: datetime, url: str) -> dict[str, Any]:
    wheel = report.package.wheel
    subjects = {} if wheel is None else {wheel.name: wheel.sha256}
    passed, warned = _named(report, Status.PASS), _named(report, Status.WARN, Status.WAIVED)
    predicate = {
        "result": "WARNED" if warned else "PASSED",
        "configuration": [
            {
                "name": f"oneiric_conformance/requirements/{report.requirements.id}.toml",
                "digest": {"sha256": report.requirements.sha256},
            }
        ],
        **({"url": url} if url else {}),
        "passedTests": passed,
        "warnedTests": warned,
        "failedTests": [],
    }
    return conformance_statement(subjects, predicate, _said(report, imported, now))


def _said(report: ConformanceReport, imported: Mapping[str, str], now: datetime) -> dict[str, Any]:
    waivers = [result.waiver.to_json() for result in report.results if result.waiver is not None]
    return {
        "package": {"name": report.package.name, "version": report.package.version},
        "levels": [*report.levels],
        "requirements": report.requirements.to_json(),
        "profile": report.profile.name,
        "seed": report.profile.seed,
        "verdict": report.verdict.value,
        "components": {component.id: component.verdict.value for component in report.components},
        "counts": report.counts,
        "waivers": waivers,
        "limits": asdict(report.limits),
        "componentLimits": {
            component.id: dict(component.limits) for component in report.components if component.limits
        },
        "imported": dict(imported),
        "kit": version("oneiric-core"),
        "runtime": report.runtime,
        "issuedAt": _rfc3339(now),
        "expiresAt": _rfc3339(now + VALIDITY),
        "proves": [*PROVES],
        "doesNotProve": [*DOES_NOT_PROVE],
    }


def _named(report: ConformanceReport, *statuses: Status) -> list[str]:
    return [f"{result.subject}::{result.check}" for result in report.results if result.status in statuses]


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
