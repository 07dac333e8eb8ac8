"""A release is one thing: its tag, its wheels and its manifest name the same version and the same bytes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from oneiric_core.discovery.importing import split_path
from oneiric_core.errors import ManifestError
from oneiric_core.manifest import RemoteManifest, RemoteManifestEntry
from oneiric_core.publish.wheels import Wheel, name_in

__all__ = ["Agreement", "refuse_disagreement", "version_of_tag"]


def version_of_tag(tag: str) -> Version:
    """``v1.4.0`` → ``1.4.0``.

    :param tag: with or without ``refs/tags/``.
    :raises ManifestError: it is no ``v`` and a public version (PEP 440).
    """
    text = tag.removeprefix("refs/tags/")
    try:
        version = Version(text.removeprefix("v"))
    except InvalidVersion:
        version = None
    if version is None or not text.startswith("v") or version.local is not None:
        raise ManifestError(f"the tag {text!r} names no version", fix="Tag releases like v1.4.0", tag=text)
    return version


@dataclass(frozen=True, slots=True)
class Agreement:
    """A release whose parts agree.

    :param elsewhere: by the name of each entry whose code is in none of the released wheels, the file it is in; empty
        for what is installed where the manifest is read.
    """

    version: Version
    elsewhere: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def refuse_disagreement(tag: str, wheels: Sequence[Wheel], manifest: RemoteManifest | None = None) -> Agreement:
    """The version of a release whose parts agree, and what of the manifest is not of this release.

    Whatever of the manifest is in a released wheel, or says it is of another build of the same package, has to name
    that wheel, its bytes and its version. What is somewhere else is none of this release's business.

    :param wheels: all that is released.
    :param manifest: None where there is none yet.
    :raises ManifestError: a wheel has another version, or the manifest says something else of one, or nothing.
    """
    version = version_of_tag(tag)
    for wheel in wheels:
        if Version(wheel.version) != version:
            raise ManifestError(
                f"the tag says {version}, and {wheel.filename} is {wheel.version}",
                fix="Build the wheel from the tagged commit, or tag the commit it was built from",
                tag=tag,
                wheel=wheel.filename,
            )
    return Agreement(version, {} if manifest is None else _elsewhere(wheels, manifest))


def _elsewhere(wheels: Iterable[Wheel], manifest: RemoteManifest) -> dict[str, str]:
    """The entries that are of none of the wheels, after all others were compared with theirs."""
    released = {wheel.filename: wheel for wheel in wheels}
    offered: set[str] = set()
    elsewhere: dict[str, str] = {}
    for entry in manifest.entries:
        filename = "" if entry.uri is None else name_in(entry.uri)
        if filename in released:
            _refuse_other_wheel(entry, released[filename])
            offered.add(filename)
        else:
            _refuse_stale(entry, filename, released.values())
            elsewhere[entry.name] = filename
    if missing := sorted(set(released) - offered):
        raise ManifestError(
            f"the manifest offers nothing from {missing[0]}",
            fix="Generate it with --artifact and --artifact-url",
            wheel=missing[0],
        )
    return elsewhere


def _refuse_other_wheel(entry: RemoteManifestEntry, wheel: Wheel) -> None:
    if (entry.sha256, entry.length) not in {(wheel.sha256, wheel.length), (wheel.sha256, None)}:
        raise ManifestError(
            f"the manifest offers {entry.name} from other bytes than {wheel.filename} has",
            fix="Generate the manifest from the wheels that are released",
            name=entry.name,
        )
    if not _is_version(entry.version, wheel.version):
        raise ManifestError(
            f"the manifest offers {entry.name} in version {entry.version}, and {wheel.filename} is {wheel.version}",
            fix=f"Generate it with --version {wheel.version}; what a component declares has to be that version, too",
            name=entry.name,
            version=entry.version,
        )


def _refuse_stale(entry: RemoteManifestEntry, filename: str, wheels: Iterable[Wheel]) -> None:
    module, _ = split_path(entry.factory)
    for wheel in wheels:
        if filename and _distribution_of(filename) == wheel.name:
            raise ManifestError(
                f"the manifest offers {entry.name} from {filename}, and {wheel.filename} is what is released",
                fix="Generate the manifest from the wheels that are",
                name=entry.name,
            )
        if not filename and wheel.carries(module):
            raise ManifestError(
                f"the manifest does not say that {entry.name} is in {wheel.filename}",
                fix="Generate it with --artifact and --artifact-url",
                name=entry.name,
            )


def _is_version(found: str | None, wanted: str) -> bool:
    try:
        return found is not None and Version(found) == Version(wanted)
    except InvalidVersion:
        return False


def _distribution_of(filename: str) -> str:
    try:
        return parse_wheel_filename(filename)[0]
    except InvalidWheelFilename:
        return ""
