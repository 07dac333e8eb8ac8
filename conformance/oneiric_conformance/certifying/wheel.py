"""Whether what was judged is what is in the wheel; if not, the first difference by name."""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PathDistribution

from oneiric_conformance.certifying.imported import UNREADABLE
from oneiric_conformance.finding.projects import entry_points_of
from oneiric_conformance.subject import EntryPointName, Package
from oneiric_core import ConformanceError, UnsafeWheelError, scan_wheel
from oneiric_core.testing import taken_everywhere

__all__ = ["ReleasedFiles", "first_difference", "released_files"]

_RECORD = ".dist-info/RECORD"


@dataclass(frozen=True, slots=True)
class ReleasedFiles:
    """What a wheel brings.

    :param files: SHA-256 by name; those of RECORD, which the bytes were found to have.
    :param entry_points: the components it announces.
    """

    files: Mapping[str, str]
    entry_points: frozenset[EntryPointName]


def released_files(package: Package) -> ReleasedFiles:
    """What the package's wheel brings.

    :raises ConformanceError: it has none, it changed during the run, or no runtime would take it.
    """
    if package.wheel is None:
        raise ConformanceError("no wheel was given, so that there is nothing to certify", fix="Give --oneiric-wheel")
    path = package.wheel.path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConformanceError(f"{path} cannot be read: {error.strerror}", fix="Build it again") from error
    if hashlib.sha256(content).hexdigest() != package.wheel.sha256:
        raise ConformanceError(f"{path} was changed during the run", fix="Run again", path=str(path))
    try:  # what is installed is no matter: the package itself is here, and may be this one
        scanned = scan_wheel(io.BytesIO(content), shadowed=taken_everywhere)
    except UnsafeWheelError as error:
        raise ConformanceError(
            f"no runtime takes {path.name}: {error.what}", fix=error.fix, **error.evidence
        ) from error
    files = {file.name: file.sha256 for file in scanned.files}
    (record,) = (name for name in files if name.endswith(_RECORD) and name.count("/") == 1)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = PathDistribution(zipfile.Path(archive, record.removesuffix("RECORD")))
        return ReleasedFiles(files, frozenset(entry_points_of(info)))


def first_difference(released: ReleasedFiles, package: Package, imported: Mapping[str, str]) -> str:
    """How what was judged differs from the wheel, naming the first file by name; empty if it does not."""
    return next(_differences(released, package, imported), "")


def _differences(released: ReleasedFiles, package: Package, imported: Mapping[str, str]) -> Iterator[str]:
    if not imported:
        yield "no file of the package was imported"
    for name, digest in sorted(imported.items()):
        if name not in released.files:
            yield f"{name} was imported, and is not in the wheel"
        elif digest == UNREADABLE:
            yield f"{name} was imported, and then was changed or removed"
        elif digest != released.files[name]:
            yield f"{name} has SHA-256 {digest} where it was imported from, and {released.files[name]} in the wheel"
    for point in sorted(released.entry_points ^ frozenset(package.installed)):
        if point in released.entry_points:
            yield f"the wheel announces {point}, which was not judged"
        else:
            yield f"{point} was judged, and is not announced by the wheel"
