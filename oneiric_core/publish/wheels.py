"""A wheel as a manifest describes it: where it is, its digest, its length, and on which systems it runs."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from oneiric_core.artifacts.digest import digest_of
from oneiric_core.artifacts.installed import taken_everywhere
from oneiric_core.artifacts.wheel import scan_wheel
from oneiric_core.components import Candidate
from oneiric_core.discovery.importing import split_path
from oneiric_core.errors import ArtifactError, ManifestError
from oneiric_core.publish.packages import Package

__all__ = ["Wheel", "address_of", "name_in", "read_wheel"]

_SYSTEMS: Final = (
    (re.compile(r"(?:many|musl)?linux"), "linux"),
    (re.compile("macosx"), "darwin"),
    (re.compile("win"), "win32"),
)
_MODULE_ENDINGS: Final = (".py", "/__init__.py")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A built wheel.

    :param name: of its distribution, normalised (PEP 503); ``version`` as it writes it.
    :param sha256: 64 lower-case hexadecimal digits; ``length`` in bytes.
    :param os_platform: as :data:`sys.platform` says them; empty means any.
    :param members: paths in it.
    """

    filename: str
    name: str
    version: str
    sha256: str
    length: int
    os_platform: tuple[str, ...]
    members: frozenset[str]

    def fields_at(self, uri: str) -> dict[str, Any]:
        """The fields of an entry whose code it carries, once it can be fetched from ``uri``."""
        fields: dict[str, Any] = {"uri": uri, "sha256": self.sha256, "length": self.length}
        return fields | ({"os_platform": [*self.os_platform]} if self.os_platform else {})

    def refuse_other(self, package: Package) -> None:
        """It has to be a wheel of just this package, with all its factories in it.

        :raises ManifestError: it is not.
        """
        if (self.name, Version(self.version)) != (package.name, Version(package.version)):
            raise ManifestError(
                f"{self.filename} is {self.name} {self.version}, and installed is {package.name} {package.version}",
                fix="Install that wheel and generate the manifest again",
                wheel=self.filename,
            )
        for candidate in package.candidates:
            if not self.carries(_module_of(candidate)):
                raise ManifestError(
                    f"{self.filename} does not carry the factory of {candidate.name}, {candidate.factory}",
                    fix="Build the wheel with that module in it, or declare a factory that lies in the package",
                    wheel=self.filename,
                    name=candidate.name,
                )

    def carries(self, module: str) -> bool:
        """Is the code of a module, named with dots, in it?"""
        path = module.replace(".", "/")
        extension = re.compile(rf"{re.escape(path)}\.[^/]*(?:so|pyd)")
        return any(f"{path}{ending}" in self.members for ending in _MODULE_ENDINGS) or any(
            map(extension.fullmatch, self.members)
        )


def _module_of(candidate: Candidate) -> str:
    factory = candidate.factory
    return split_path(factory)[0] if isinstance(factory, str) else str(getattr(factory, "__module__", ""))


def read_wheel(path: Path, *, offered: bool = True) -> Wheel:
    """What a manifest says of the wheel at ``path``. All of it is read, and nothing is unpacked.

    What is installed at the publisher's decides nothing; names that every runtime has taken are refused.

    :param offered: to runtimes, which fetch it; what is only ever installed may have their names.
    :raises ArtifactError: there is no such file, or its name is not that of the wheel it is.
    :raises UnsafeWheelError: runtimes would refuse it, whatever is installed there.
    """
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise ArtifactError(f"{path.name!r} is not the name of a wheel", fix="Give a file that ends in .whl") from error
    try:
        with path.open("rb") as file:
            sha256 = digest_of(file)
            length = file.tell()
            file.seek(0)
            scanned = scan_wheel(file, shadowed=taken_everywhere if offered else lambda *_: "")
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}", fix="Give a wheel that can be read") from error
    if (scanned.name, Version(scanned.version)) != (canonicalize_name(name), version):
        raise ArtifactError(
            f"{path.name} is a wheel of {scanned.name} {scanned.version}", fix="Give it the name it was built under"
        )
    members = frozenset(member.name for member in scanned.files)
    systems = {system for tag in tags for pattern, system in _SYSTEMS if pattern.match(tag.platform)}
    return Wheel(path.name, scanned.name, str(version), sha256, length, tuple(sorted(systems)), members)


def name_in(url: str) -> str:
    """What the file at an address is called; empty where none is named."""
    parts = _split(url)
    return "" if parts is None else unquote(parts.path.rpartition("/")[2])


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # such as https://[bad/
        return None


def address_of(filename: str, url: str) -> str:
    """Where the file will be: ``url``, and in it where that ends in a slash.

    :raises ManifestError: it is no URL, or of a file of another name.
    """
    parts = _split(url)
    if parts is None or parts.scheme not in {"https", "http", "file"} or not (parts.netloc or parts.scheme == "file"):
        raise ManifestError(f"{url!r} is not the URL of an artifact", fix="Give one that begins with https://", url=url)
    if parts.path.endswith("/"):
        return f"{url}{filename}"
    if parts.path.rpartition("/")[2] != filename:
        raise ManifestError(
            f"{url!r} is the URL of another file than {filename}",
            fix="End it in a slash, or in the name of the file",
            url=url,
        )
    return url
