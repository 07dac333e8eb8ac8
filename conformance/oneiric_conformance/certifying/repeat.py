"""The run that a certificate tells of, once more, and how the two differ."""

from collections.abc import Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from oneiric_conformance.certifying.imported import imported_files
from oneiric_conformance.certifying.wheel import first_difference, released_files
from oneiric_conformance.config import read_configuration
from oneiric_conformance.finding.packages import find_distribution, find_package
from oneiric_conformance.finding.projects import read_project
from oneiric_conformance.finding.wheels import with_wheel
from oneiric_conformance.judging.session import Session
from oneiric_conformance.requirements import requirement_set
from oneiric_conformance.results import Status
from oneiric_conformance.run import judged
from oneiric_core import Certificate, ConformanceError

__all__ = ["repeat"]

_UNLIKE_A_PASS = frozenset({Status.FAIL, Status.WARN, Status.WAIVED})


def repeat(certificate: Certificate, wheel: Path) -> tuple[str, ...]:
    """How another run over the installed package differs from the one that the certificate tells of; empty if not.

    In the package's own repository what is configured there holds; anywhere else the package is judged as it is.

    :raises ConformanceError: it cannot be repeated here: the package is not installed, is not what is in the wheel, or
        was judged in a runtime of somebody else.
    """
    said = certificate.extension
    requirements = requirement_set(certificate.requirements)
    seed = said.get("seed") if certificate.profile == "explore" else None
    home = Path.cwd() if _is_of(certificate.package) else None
    configuration = read_configuration(home, profile=certificate.profile, seed=seed)
    found = find_distribution(certificate.package) if home is None else find_package(home)
    package = with_wheel(configuration.applied_to(found), wheel)
    with Session(package, profile=configuration.profile, requirements=requirements) as session:
        if said.get("runtime") != session.runtime:
            raise ConformanceError(
                f"it was judged in the runtime {said.get('runtime')!r}, not in ours", fix="Repeat it with that runtime"
            )
        report = judged(session)
    if difference := first_difference(released_files(package), package, imported_files(package)):
        raise ConformanceError(f"what is installed is not what is in the wheel: {difference}", fix="Install the wheel")
    now = {f"{result.subject}::{result.check}": result.status for result in report.results}
    return tuple(_differences(certificate, now))


def _differences(certificate: Certificate, now: dict[str, Status]) -> Iterator[str]:
    """A warning or a waived rule is told apart only from a pass: waivers are their author's, and do not hold here."""
    predicate = certificate.statement["predicate"]
    former = {**dict.fromkeys(predicate["passedTests"], True), **dict.fromkeys(predicate["warnedTests"], False)}
    for name, passed in former.items():
        status = now.get(name)
        if status is None:
            yield f"{name} is not judged any more"
        elif passed != (status is Status.PASS) or (not passed and status not in _UNLIKE_A_PASS):
            yield f"{name} {'passed' if passed else 'did not pass'} then, and now is {status.value}"
    for name, status in now.items():
        if name not in former and status in {*_UNLIKE_A_PASS, Status.PASS, Status.ERROR}:
            yield f"{name} was not judged then, and now is {status.value}"


def _is_of(package: str) -> bool:
    name = read_project(Path.cwd(), required=False).get("name")
    return isinstance(name, str) and canonicalize_name(name) == package
