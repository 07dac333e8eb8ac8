"""The wheel somebody names. That it is there, and of this package, is seen before the run; the rest is judged in it."""

import hashlib
from dataclasses import replace
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from oneiric_conformance.subject import Package, Wheel
from oneiric_core import ConformanceError

__all__ = ["digest_of", "with_wheel"]


def with_wheel(package: Package, place: Path | None) -> Package:
    """The package with the file it is released as.

    :param place: the file, or a pattern (``dist/*.whl``) that one file matches; None leaves the package as it is.
    :raises ConformanceError: there is no such file, its name is not that of a wheel (PEP 427), or it is one of another
        package or version.
    """
    if place is None:
        return package
    path = _the_one(place)
    try:
        name, version, _, _ = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise ConformanceError(
            f"{path.name!r} is not the name of a wheel: {error}", fix="Give the file as it was built", path=str(path)
        ) from error
    if (name, str(version)) != (canonicalize_name(package.name), package.version):
        raise ConformanceError(
            f"the wheel is {name} {version}, and what is judged is {package.name} {package.version or 'of no version'}",
            fix=f"Install that wheel, or give the one of {package.name} {package.version}".rstrip(),
            path=str(path),
        )
    return replace(package, wheel=Wheel(path, digest_of(path)))


def digest_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits.

    :raises ConformanceError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _the_one(place: Path) -> Path:
    found = sorted(place.parent.glob(place.name)) if "*" in place.name else [place]
    if len(found) != 1:
        listed = ", ".join(path.name for path in found) or "none"
        raise ConformanceError(
            f"{str(place)!r} matches {len(found)} files instead of one: {listed}",
            fix="Build the wheel into an empty directory, or name the file",
            path=str(place),
        )
    if not found[0].is_file():
        raise _unreadable(found[0], "there is no such file")
    return found[0]


def _unreadable(path: Path, why: str) -> ConformanceError:
    return ConformanceError(f"the wheel {str(path)!r} cannot be read: {why}", fix="Build it first", path=str(path))
