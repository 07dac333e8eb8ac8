"""What a wheel must be before anything of it is unpacked.

A wheel is scanned as a whole, its content included; nothing is written. It is refused, with the member and the rule,
unless

- it is an archive that every reader reads alike, and small enough (:mod:`oneiric_core.artifacts.archive`);
- each name passes :func:`~oneiric_core.artifacts.confine.confine`, and no two are one after NFKC and case folding;
- each member is a plain file or a directory;
- nothing is a ``.pth`` file, of a ``.data`` directory, or compiled bytecode: none of it is put elsewhere, runs unasked,
  or runs in the place of the source beside it;
- it has one ``.dist-info``, and every file is in its RECORD, with the SHA-256 it has;
- the modules it brings clash neither with the standard library, nor with ours, nor with those of another distribution.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from oneiric_core.artifacts.archive import Archive, Member
from oneiric_core.artifacts.confine import confine
from oneiric_core.artifacts.installed import shadowed_by
from oneiric_core.artifacts.wheel_metadata import DIST_INFO, DistInfo, Recorded, read_dist_info, read_record
from oneiric_core.artifacts.wheel_rules import LIMITS, WheelLimits, WheelRule, unsafe
from oneiric_core.errors import PathTraversalError, UnsafeWheelError

__all__ = ["Shadowed", "Wheel", "WheelFile", "scan_wheel", "unpacked", "wheel_faults"]

Shadowed: TypeAlias = Callable[[str, str], str]
"""Who has a top-level name here, other than a distribution; empty if nobody."""

SOURCE: Final = ".py"
_ROOT: Final = Path("/")
_DEEPEST: Final = 64


@dataclass(frozen=True, slots=True)
class WheelFile:
    """A file of a wheel, with what its bytes are."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that may be unpacked.

    :param name: of the distribution, normalised (PEP 503).
    :param tags: which interpreters and systems it is for.
    :param dist_info: its directory of metadata.
    :param files: all of them, RECORD included, by name.
    :param top_levels: the names under which its modules are imported.
    """

    name: str
    version: str
    tags: frozenset[str]
    dist_info: str
    files: tuple[WheelFile, ...]
    top_levels: frozenset[str]


def scan_wheel(file: BinaryIO, limits: WheelLimits = LIMITS, *, shadowed: Shadowed = shadowed_by) -> Wheel:
    """What the wheel is, if it keeps every rule. Reads all of it, in bounded time and memory.

    :param shadowed: who has a top-level name already; by default asks what is installed here.
    :raises UnsafeWheelError: it breaks a rule; ``member`` and ``rule`` say which. The first one found is raised.
    """
    faults = _faults(file, limits, shadowed)
    while True:
        try:
            raise next(faults)
        except StopIteration as end:
            wheel: Wheel = end.value
            return wheel


def wheel_faults(
    file: BinaryIO, limits: WheelLimits = LIMITS, *, shadowed: Shadowed = shadowed_by
) -> list[UnsafeWheelError]:
    """Everything for which :func:`scan_wheel` would refuse the wheel.

    What cannot be read as an archive, or has no RECORD, is not looked at any further.
    """
    return list(_faults(file, limits, shadowed))


def unpacked(file: BinaryIO, wheel: Wheel, limits: WheelLimits = LIMITS) -> Iterator[tuple[WheelFile, Iterator[bytes]]]:
    """The files of a wheel that was scanned, each with its content, which is checked once more as it is taken.

    :raises UnsafeWheelError: the bytes are not those that were scanned.
    """
    archive = Archive.open(file, limits)
    known = {each.name: each for each in wheel.files}
    for member in archive.members:
        if not member.is_directory:
            if member.name not in known:
                raise _changed(member.name)
            yield known[member.name], _as_scanned(archive, member, known[member.name])


def _as_scanned(archive: Archive, member: Member, scanned: WheelFile) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for chunk in archive.chunks(member):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != scanned.sha256:
        raise _changed(member.name)


def _faults(file: BinaryIO, limits: WheelLimits, shadowed: Shadowed) -> Generator[UnsafeWheelError, None, Wheel | None]:
    """Everything that is wrong; at the end, if nothing was, what the wheel is."""
    try:
        archive = Archive.open(file, limits)
    except UnsafeWheelError as fault:
        yield fault
        return None
    for rule in (_names, _kinds, _startup, _collisions):
        yield from rule(archive)
    try:
        info = read_dist_info(archive)
        record = read_record(archive, info, limits)
    except UnsafeWheelError as fault:
        yield fault
        return None
    top_levels = _top_levels(archive)
    yield from _shadowing(top_levels, info, shadowed)
    files = yield from _contents(archive, record, info)
    return Wheel(info.name, info.version, info.tags, info.directory, files, top_levels)


# --- the rules, each giving what breaks it ----------------------------------------------------------------------------


def _names(archive: Archive) -> Iterator[UnsafeWheelError]:
    for member in archive.members:
        why = _why_not_plain(member.name.removesuffix("/"))
        if why:
            yield unsafe(WheelRule.NAMES, member.name, why, "Give it a plain relative path")


def _why_not_plain(name: str) -> str:
    if "%" in name:
        return "holds a percent sign, which some readers take for the beginning of an escape"
    if name.count("/") >= _DEEPEST:
        return f"is more than {_DEEPEST} directories deep"
    try:
        confine(_ROOT, name)
    except PathTraversalError as error:
        return str(error.evidence["rule"])
    return ""


def _kinds(archive: Archive) -> Iterator[UnsafeWheelError]:
    for member in archive.members:
        if not member.is_what_its_name_says:
            what = f"is not a plain file or directory (mode {member.mode:o}, attributes {member.attributes:#x})"
            yield unsafe(WheelRule.LINKS, member.name, what, "Put a copy of the file itself in the wheel")


def _startup(archive: Archive) -> Iterator[UnsafeWheelError]:
    for member in archive.members:
        name = _folded(member.name.removesuffix("/"))
        what = ""
        if name.partition("/")[0].endswith(".data"):
            what = "is to be installed outside of the package"
        elif name.endswith(".pth"):
            what = "would run whenever Python starts"
        elif name.endswith((".pyc", ".pyo")):
            what = "is bytecode, which need not be what its source says"
        if what:
            yield unsafe(WheelRule.STARTUP, member.name, what, "Leave it out, or ship it as data of the package")


@dataclass(slots=True)
class _Place:
    """One name in one directory; ``below`` is what is in it, None in a file."""

    spelt: str
    below: "dict[str, _Place] | None"
    listed: bool = False


def _collisions(archive: Archive) -> Iterator[UnsafeWheelError]:
    root: dict[str, _Place] = {}
    for member in archive.members:
        *above, last = member.name.removesuffix("/").split("/")
        level = _directory(root, above)
        if level is None or not _is_free(level, last, member):
            yield unsafe(WheelRule.COLLISIONS, member.name, "is one with another member on some system", "Rename it")


def _directory(root: dict[str, _Place], above: Sequence[str]) -> dict[str, _Place] | None:
    """What is in a directory so far; None if it is spelt otherwise elsewhere, or a file."""
    level = root
    for step in above:
        place = level.setdefault(_folded(step), _Place(step, {}))
        if place.spelt != step or place.below is None:
            return None
        level = place.below
    return level


def _is_free(level: dict[str, _Place], name: str, member: Member) -> bool:
    place = level.setdefault(_folded(name), _Place(name, {} if member.is_directory else None))
    if place.listed or place.spelt != name or (place.below is None) is member.is_directory:
        return False
    place.listed = True
    return True


def _folded(name: str) -> str:
    """What systems that ignore case, or how characters are composed, take ``name`` for."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _top_levels(archive: Archive) -> frozenset[str]:
    """The names under which the modules of the wheel are imported, without the packages they are in."""
    found = set()
    for member in archive.members:
        top, _, below = member.name.partition("/")
        if member.name.endswith((SOURCE, *EXTENSION_SUFFIXES)) and not top.endswith(DIST_INFO):
            found.add(top if below else top.partition(".")[0])
    return frozenset(name for name in found if name.isidentifier())


def _shadowing(top_levels: frozenset[str], info: DistInfo, shadowed: Shadowed) -> Iterator[UnsafeWheelError]:
    for name in sorted(top_levels):
        if owner := shadowed(name, info.name):
            yield unsafe(WheelRule.SHADOWING, name, f"is the name of a module of {owner}", "Rename the package")


def _contents(
    archive: Archive, record: Mapping[str, Recorded], info: DistInfo
) -> Generator[UnsafeWheelError, None, tuple[WheelFile, ...]]:
    files: list[WheelFile] = []
    for member in archive.members:
        if member.is_directory:
            continue
        try:
            file = WheelFile(member.name, _digest(archive, member), member.size)
        except UnsafeWheelError as fault:
            yield fault
            continue
        if member.name != info.record and record[member.name] not in {
            Recorded(file.sha256, file.size),
            Recorded(file.sha256, None),
        }:
            what = "has other bytes than RECORD says"
            yield unsafe(WheelRule.RECORD, member.name, what, "Build the wheel anew, and change nothing afterwards")
        files.append(file)
    return tuple(sorted(files, key=lambda file: file.name))


def _digest(archive: Archive, member: Member) -> str:
    digest = hashlib.sha256()
    for chunk in archive.chunks(member):
        digest.update(chunk)
    return digest.hexdigest()


def _changed(name: str) -> UnsafeWheelError:
    return unsafe(WheelRule.RECORD, name, "is not what was scanned", "Let nobody else write where it is kept")
