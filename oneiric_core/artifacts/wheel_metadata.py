"""What a wheel says of itself in its ``.dist-info``: name and version, tags, and the digest of each of its files.

(PyPA specifications "Binary distribution format" and "Recording installed projects"; of the hashes these allow, only
SHA-256 is taken.)
"""

import base64
import binascii
import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from packaging.utils import canonicalize_name
from packaging.version import Version

from oneiric_core.artifacts.archive import Archive, Member
from oneiric_core.artifacts.wheel_rules import LIMITS, REBUILD, WheelLimits, WheelRule, unsafe
from oneiric_core.errors import UnsafeWheelError

__all__ = ["LONGEST_RECORD", "DistInfo", "Recorded", "parse_record", "read_dist_info", "read_record"]

DIST_INFO: Final = ".dist-info"
_LONGEST: Final = 1 << 20
LONGEST_RECORD: Final = 16 << 20
_COLUMNS: Final = 3
_FIELD: Final = re.compile(rb"([!-9;-~]+):")  # RFC 5322, 3.6.8


@dataclass(frozen=True, slots=True)
class DistInfo:
    """The one directory of metadata.

    :param name: of the distribution, normalised (PEP 503).
    :param tags: which interpreters and systems it is for, as "py3-none-any".
    """

    directory: str
    name: str
    version: str
    tags: frozenset[str]

    @property
    def record(self) -> str:
        """The name of RECORD among the members."""
        return f"{self.directory}/RECORD"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A line of RECORD. ``sha256`` is in hexadecimal digits, ``size`` in bytes, None where it is not said."""

    sha256: str
    size: int | None


def read_dist_info(archive: Archive) -> DistInfo:
    """:raises UnsafeWheelError: by rule RECORD: there is not one, or its name and METADATA do not say the same."""
    tops = {top for member in archive.members if (top := member.name.partition("/")[0]).casefold().endswith(DIST_INFO)}
    if len(tops) != 1:
        found = ", ".join(sorted(tops)) or "none"
        raise _wrong("", f"has to have one directory of metadata ({DIST_INFO}), and there is {found}")
    [directory] = tops
    files = {member.name: member for member in archive.members if member.name.startswith(f"{directory}/")}
    told = _told(_content(archive, files, f"{directory}/METADATA", _LONGEST), "name", "version")
    name, version = (values[0] if len(values) == 1 else "" for values in told)
    stem_name, _, stem_version = directory.removesuffix(DIST_INFO).partition("-")
    if not name or canonicalize_name(name) != canonicalize_name(stem_name) or not _same(version, stem_version):
        raise _wrong(directory, f"is of another distribution than METADATA says ({name!r} {version!r})")
    formats, tags = _told(_content(archive, files, f"{directory}/WHEEL", _LONGEST), "wheel-version", "tag")
    if [each.partition(".")[0] for each in formats] != ["1"]:
        raise _wrong(f"{directory}/WHEEL", "does not say that it is of version 1 of the format")
    return DistInfo(directory, canonicalize_name(name), version, frozenset(tags))


def read_record(archive: Archive, info: DistInfo, limits: WheelLimits = LIMITS) -> Mapping[str, Recorded]:
    """What RECORD says of each file but itself.

    :raises UnsafeWheelError: by rule RECORD: a line cannot be read, or files and lines are not the same; by rule SIZE.
    """
    files = {member.name: member for member in archive.members if not member.is_directory}
    lines = parse_record(_content(archive, files, info.record, LONGEST_RECORD), info.record, limits)
    _compare(files, lines)
    return {name: line for name, line in lines.items() if name != info.record}


def parse_record(content: bytes, name: str, limits: WheelLimits = LIMITS) -> Mapping[str, Recorded]:
    """What a RECORD says of each file; of itself it may say nothing (an empty ``sha256``).

    Each line is judged before the next one is read: 16 MiB have room for eight million of them.

    :param name: its own, among the files it speaks of.
    :raises UnsafeWheelError: by rule RECORD: a line cannot be read; by rule SIZE: there are too many.
    """
    lines: dict[str, Recorded] = {}
    try:
        for row in filter(None, csv.reader(io.StringIO(_text(content, name), newline=""), strict=True)):
            if len(lines) == limits.members:
                raise unsafe(WheelRule.SIZE, name, f"has more than {limits.members} lines", REBUILD)
            if len(row) != _COLUMNS or row[0] in lines:
                raise _wrong(row[0], "has a line in RECORD that is not the only one, or not one of three columns")
            lines[row[0]] = _recorded(row, itself=row[0] == name)
    except csv.Error as error:
        raise _wrong(name, f"cannot be read ({error})") from error
    return lines


def _compare(files: Collection[str], lines: Collection[str]) -> None:
    for name in files:
        if name not in lines:
            raise _wrong(name, "is not in RECORD")
    for name in lines:
        if name not in files:
            raise _wrong(name, "is in RECORD and nowhere else")


def _recorded(row: list[str], *, itself: bool) -> Recorded:
    name, digest, size = row
    if size and not (size.isascii() and size.isdecimal() and len(size) < 20):  # noqa: PLR2004 - digits of 2 ** 64
        raise _wrong(name, f"has a size in RECORD that is no number: {size[:20]!r}")
    number = int(size) if size else None
    if itself and not digest:
        return Recorded("", number)
    algorithm, _, text = digest.partition("=")
    sha256 = _decoded(text)
    if algorithm != "sha256" or sha256 is None:
        raise _wrong(name, f"has no SHA-256 in RECORD, in URL-safe base64 without padding, but {digest[:60]!r}")
    return Recorded(sha256, number)


def _decoded(text: str) -> str | None:
    """The 32 bytes written in strict base64 (RFC 4648, section 5, without padding), in hexadecimal digits."""
    try:
        digest = base64.b64decode(f"{text}=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(digest) != 32 or base64.urlsafe_b64encode(digest).decode("ascii") != f"{text}=":  # noqa: PLR2004 - SHA-256
        return None
    return digest.hex()


def _content(archive: Archive, files: Mapping[str, Member], name: str, longest: int) -> bytes:
    member = files.get(name)
    if member is None:
        raise _wrong(name, "is missing")
    if member.size > longest:
        raise unsafe(WheelRule.SIZE, name, f"has more than {longest} bytes", REBUILD)
    return archive.read(member)


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _wrong(name, "is not UTF-8") from error


def _told(content: bytes, *fields: str) -> Sequence[Sequence[str]]:
    """What METADATA or WHEEL says under each of these names, up to the first line that is no field, as all readers do.

    Nothing else of it is kept, and nothing after that line is looked at: the parser for mail takes a minute for the
    names in 100 KB, and goes as deep into the parts of a body as these go. A continuation counts as one more value.
    """
    told: dict[str, list[str]] = {field: [] for field in fields}
    values: list[str] = []
    for line in content.splitlines():
        if field := _FIELD.match(line):
            values = told.get(field[1].decode("ascii").lower(), [])
        elif not line.startswith((b" ", b"\t")):
            break
        values.append(line[field.end() if field else 0 :].decode("utf-8", "backslashreplace").strip())
    return [told[field] for field in fields]


def _same(version: str, written: str) -> bool:
    try:
        return Version(version) == Version(written.replace("_", "-"))
    except ValueError:  # InvalidVersion, or more digits than int() takes
        return False


def _wrong(member: str, what: str) -> UnsafeWheelError:
    return unsafe(WheelRule.RECORD, member, what, REBUILD)
