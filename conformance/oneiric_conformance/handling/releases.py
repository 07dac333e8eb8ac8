"""The released wheel, and the same wheel as another version that can be told apart while it runs."""

import base64
import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, GeneratorType
from typing import Any, Final

from packaging.version import Version

from oneiric_conformance.judging.findings import Untried
from oneiric_conformance.subject import Package
from oneiric_core import UnsafeWheelError, scan_wheel
from oneiric_core import Wheel as ScannedWheel

__all__ = ["Release", "late_marks_of", "marks_of", "release", "wheel_bytes"]

_MARK: Final = "__oneiric_conformance_version__"
_LATE: Final = "__oneiric_conformance_late__"
_PROBE: Final = "_oneiric_conformance_probe"
_DATE: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Release:
    """A wheel whose modules know which version they are of.

    :param mark: what they say, also those that are imported only later.
    """

    mark: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def wheel_bytes(package: Package) -> bytes:
    """:raises Untried: the file is not there any more, or is another one."""
    if package.wheel is None:
        raise Untried("no wheel was given", "the file that is released")
    try:
        content = package.wheel.path.read_bytes()
    except OSError as error:
        raise Untried(f"the wheel cannot be read: {error.strerror}", "the file that is released") from error
    if hashlib.sha256(content).hexdigest() != package.wheel.sha256:
        raise Untried("the wheel was changed during the run", "the file that was there before it")
    return content


def release(content: bytes, mark: str, number: int) -> Release:
    """The wheel as its version ``number``, with ``mark`` in each of its modules.

    :raises Untried: it is not one that may be unpacked.
    """
    try:
        scanned = scan_wheel(io.BytesIO(content))
    except UnsafeWheelError as error:
        raise Untried(error.what, "a wheel that may be unpacked") from error
    version = f"{Version(scanned.version).public}+conformance.{number}"
    folder = f"{scanned.dist_info.partition('-')[0]}-{version}.dist-info"
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if not name.endswith("/") and name != f"{scanned.dist_info}/RECORD":
                files[_renamed(name, scanned, folder)] = _marked(name, archive.read(name), scanned, mark)
    was, now = f"\nVersion: {scanned.version}".encode(), f"\nVersion: {version}".encode()
    files[f"{folder}/METADATA"] = files[f"{folder}/METADATA"].replace(was, now)
    for top in scanned.top_levels:
        files[_probe_of(top, scanned)[0]] = f"MARK = {mark!r}\n".encode()
    return Release(mark, _packed(files, folder))


def marks_of(instance: object) -> set[str]:
    """Which releases the code of an instance says it is of; none if it is of no release."""
    return {str(place[_MARK]) for place in _places(instance)}


def late_marks_of(instance: object) -> set[str]:
    """The same of a module that the code of the instance imports only now."""
    return {str(place[_LATE]()) for place in _places(instance)}


def _places(instance: object) -> Iterator[dict[str, Any]]:
    """The namespaces of those modules of a release in which methods of the instance are."""
    return (function.__globals__ for function in _functions(instance) if _MARK in function.__globals__)


def _functions(instance: object) -> Iterator[FunctionType]:
    if isinstance(instance, GeneratorType) and instance.gi_frame is not None:
        yield FunctionType(instance.gi_code, instance.gi_frame.f_globals)
    for kind in type(instance).__mro__:
        for value in [*vars(kind).values()]:
            inner: Any = getattr(value, "__func__", getattr(value, "fget", value))
            if isinstance(inner, FunctionType):
                yield inner


def _renamed(name: str, scanned: ScannedWheel, folder: str) -> str:
    return name.replace(scanned.dist_info, folder, 1) if name.startswith(f"{scanned.dist_info}/") else name


def _marked(name: str, content: bytes, scanned: ScannedWheel, mark: str) -> bytes:
    top = name.partition("/")[0].removesuffix(".py")
    if not name.endswith(".py") or top not in scanned.top_levels:
        return content
    module = _probe_of(top, scanned)[1]
    late = f"def {_LATE}():\n    import {module} as late\n    return late.MARK\n"
    return content + f"\n\n{_MARK} = {mark!r}\n\n\n{late}".encode()


def _probe_of(top: str, scanned: ScannedWheel) -> tuple[str, str]:
    """Name and import path of a module that nobody imports before it is asked to."""
    if any(file.name.startswith(f"{top}/") for file in scanned.files):
        return f"{top}/{_PROBE}.py", f"{top}.{_PROBE}"
    return f"{top}{_PROBE}.py", f"{top}{_PROBE}"


def _packed(files: dict[str, bytes], folder: str) -> bytes:
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode("ascii").rstrip("=")
        rows.writerow([name, f"sha256={digest}", len(content)])
    rows.writerow([f"{folder}/RECORD", "", ""])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, f"{folder}/RECORD": record.getvalue().encode("utf-8")}.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
