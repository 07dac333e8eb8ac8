"""A release is one thing: its tag, its wheels and its manifest name the same version and the same bytes."""

from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

from packaging.version import InvalidVersion, Version

from oneiric_core.errors import ManifestError
from oneiric_core.manifest import RemoteManifest
from oneiric_core.publish.wheels import Wheel

__all__ = ["refuse_disagreement", "version_of_tag"]


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


def refuse_disagreement(tag: str, wheels: Sequence[Wheel], manifest: RemoteManifest | None = None) -> Version:
    """The version of a release whose parts agree.

    :param wheels: all that is released.
    :param manifest: None where there is none yet.
    :raises ManifestError: a wheel has another version, or the manifest offers other wheels or other bytes.
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
    if manifest is not None:
        _refuse_other_wheels(wheels, manifest)
    return version


def _refuse_other_wheels(wheels: Iterable[Wheel], manifest: RemoteManifest) -> None:
    released = {wheel.filename: wheel for wheel in wheels}
    offered: set[str] = set()
    for entry in manifest.entries:
        if entry.uri is None:
            continue
        filename = unquote(urlsplit(entry.uri).path.rpartition("/")[2])
        wheel = released.get(filename)
        if wheel is None:
            raise ManifestError(
                f"the manifest offers {entry.name} from {filename}, which is not released",
                fix="Generate the manifest from the wheels that are",
                name=entry.name,
            )
        if (entry.sha256, entry.length) not in {(wheel.sha256, wheel.length), (wheel.sha256, None)}:
            raise ManifestError(
                f"the manifest offers {entry.name} from other bytes than {filename} has",
                fix="Generate the manifest from the wheels that are released",
                name=entry.name,
            )
        offered.add(filename)
    if missing := sorted(set(released) - offered):
        raise ManifestError(
            f"the manifest offers nothing from {missing[0]}",
            fix="Generate it with --artifact and --artifact-url",
            wheel=missing[0],
        )
