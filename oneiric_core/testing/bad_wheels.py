"""Wheels that are wrong in exactly one way."""

import stat
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

from oneiric_core.artifacts.wheel_rules import WheelRule
from oneiric_core.testing.archives import STORED, Part, local_record, write_archive
from oneiric_core.testing.wheels import SAMPLE, dist_info, record_rows, record_text, wheel_parts

__all__ = ["BadWheel", "bad_wheel"]


class BadWheel(StrEnum):
    """Each way in which :func:`bad_wheel` can be wrong. Nothing else about it is."""

    CLIMBING = "a name that climbs out of the wheel"
    CLIMBING_INSIDE = "a name that climbs out after going in"
    ABSOLUTE = "an absolute name"
    DRIVE = "a name on a drive"
    BACKSLASH = "a backslash for a separator"
    ESCAPED = "a climbing name, percent-encoded"
    LOOK_ALIKE = "a climbing name with a full-width slash"
    DEVICE_NAME = "the name of a Windows device"
    STREAM = "an alternate data stream"
    TRAILING_DOT = "a name with a trailing dot"
    NUL_IN_NAME = "a NUL in a name"
    EMPTY_NAME = "a directory without a name"
    SYMLINK = "a symbolic link"
    DEVICE = "a character device"
    FIFO = "a FIFO"
    WINDOWS_LINK = "a reparse point of Windows"
    FILE_WITH_SLASH = "a file whose name ends like a directory's"
    UNLISTED = "a file that RECORD does not list"
    LISTED_ONLY = "a line of RECORD without a file"
    OTHER_BYTES = "a file with other bytes than RECORD says"
    OTHER_SIZE = "a file with another size than RECORD says"
    NO_DIGEST = "a line of RECORD without a digest"
    WEAK_DIGEST = "a digest by MD5 in RECORD"
    PADDED_DIGEST = "a digest in RECORD with padding"
    LISTED_TWICE = "a file that RECORD lists twice"
    NO_RECORD = "no RECORD"
    NO_DIST_INFO = "no .dist-info"
    TWO_DIST_INFOS = "two .dist-info directories"
    OTHER_NAME = "METADATA of another distribution"
    OTHER_FORMAT = "a version of the format that is not known"
    PTH = "a .pth file"
    SCRIPT = "a script in .data"
    BYTECODE = "bytecode without its source"
    STANDARD_LIBRARY = "a module of the standard library"
    RUNTIME = "a module of this runtime"
    INSTALLED = "a module of another distribution that is installed"
    AT_STARTUP = "a sitecustomize module"
    CASE = "two names that differ in case only"
    COMPOSED = "two names that differ in how a letter is composed only"
    STYLED = "two names that differ in the style of a letter only"
    DIRECTORY_CASE = "two directories that differ in case only"
    FILE_AS_DIRECTORY = "a file that is a directory, too"
    DUPLICATE = "one name twice"
    BOMB = "much more content than the archive has bytes"
    MANY = "more members than are allowed"
    LYING_SIZE = "a file that unpacks to more than declared"
    HUGE = "a file declared to be larger than is allowed"
    OTHER_LOCAL_NAME = "a member with another name than the directory says"
    OTHER_LOCAL_SIZE = "a member with another size than the directory says"
    OTHER_LOCAL_METHOD = "a member packed otherwise than the directory says"
    DESCRIPTOR = "a member with a data descriptor"
    ENCRYPTED = "an encrypted member"
    ODD_METHOD = "a member packed by bzip2"
    BEFORE = "bytes before the archive"
    AFTER = "bytes after the archive"
    BETWEEN = "bytes between members and directory"
    COMMENT = "a comment"
    MEMBER_COMMENT = "a comment of a member"
    HIDDEN = "a member the directory does not have"
    OVERLAPPING = "a member inside another"
    ZIP64 = "an extra field of ZIP64"
    UNICODE_PATH = "an extra field with another name"
    DISKS = "several disks"
    GUESSED_ENCODING = "a name whose encoding is not said"
    OTHER_CHECKSUM = "a member with another checksum than declared"
    TAIL = "bytes after the end of a deflated member"
    LYING_SHORT = "a file that unpacks to less than declared"
    COUNT = "a directory with another number of entries than declared"
    CUT = "the end cut off"
    NO_ARCHIVE = "bytes that are no archive"

    @property
    def rule(self) -> WheelRule:
        """The rule it breaks."""
        return _SPOILERS[self][0]


def bad_wheel(
    kind: BadWheel, files: Mapping[str, str | bytes] = SAMPLE, name: str = "acme", version: str = "1.0"
) -> bytes:
    """A wheel that would be :func:`~oneiric_core.testing.make_wheel` but for the one thing ``kind`` says.

    :param files: at least one, in a package.
    """
    if not files:
        raise ValueError("a bad wheel needs a file to be wrong about. Pass at least one.")
    draft = _Draft(wheel_parts(files, name, version), dist_info(name, version), next(iter(files)))
    _SPOILERS[kind][1](draft)
    return draft.finish()


@dataclass(slots=True)
class _Draft:
    """A wheel before it is written.

    :param parts: everything but RECORD.
    :param file: the name of the first file, in the package all is added to.
    """

    parts: list[Part]
    folder: str
    file: str
    change_record: Callable[[list[list[str]]], list[list[str]]] = lambda rows: rows
    change_parts: Callable[[list[Part]], list[Part]] = lambda parts: parts
    change_bytes: Callable[[bytes], bytes] = lambda data: data
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def package(self) -> str:
        return self.file.partition("/")[0]

    def finish(self) -> bytes:
        rows = self.change_record([*record_rows(self.parts), [f"{self.folder}/RECORD", "", ""]])
        parts = self.change_parts([*self.parts, Part(f"{self.folder}/RECORD", record_text(rows))])
        return self.change_bytes(write_archive(parts, **self.options))


_Spoil: TypeAlias = Callable[[_Draft], None]
_EVIL: Final = b"raise SystemExit('ran')\n"
_LARGE: Final = 16 << 20


def _add(*names: str, content: bytes = _EVIL, **fields: Any) -> _Spoil:
    """Add members, which RECORD lists; ``{package}`` in a name is the package's."""

    def spoil(draft: _Draft) -> None:
        draft.parts += [Part(name.replace("{package}", draft.package), content, **fields) for name in names]

    return spoil


def _alter(**fields: Any) -> _Spoil:
    """Change the first part after RECORD was made."""

    def spoil(draft: _Draft) -> None:
        draft.change_parts = lambda parts: [parts[0].but(**fields), *parts[1:]]

    return spoil


def _alter_both(**fields: Any) -> _Spoil:
    def spoil(draft: _Draft) -> None:
        draft.change_parts = lambda parts: [parts[0].in_both(**fields), *parts[1:]]

    return spoil


def _write(**options: Any) -> _Spoil:
    def spoil(draft: _Draft) -> None:
        draft.options |= options

    return spoil


def _line(change: Callable[[list[str]], list[list[str]]]) -> _Spoil:
    """Put other lines in the place of RECORD's first."""

    def spoil(draft: _Draft) -> None:
        draft.change_record = lambda rows: [*change(rows[0]), *rows[1:]]

    return spoil


def _rewrite(change: Callable[[bytes], bytes]) -> _Spoil:
    def spoil(draft: _Draft) -> None:
        draft.change_bytes = change

    return spoil


def _without(end: str) -> _Spoil:
    def spoil(draft: _Draft) -> None:
        draft.change_parts = lambda parts: [part for part in parts if end not in part.name]

    return spoil


def _in_metadata(file: str, old: bytes, new: bytes) -> _Spoil:
    def spoil(draft: _Draft) -> None:
        draft.parts = [
            part.but(content=part.content.replace(old, new)) if part.name.endswith(f".dist-info/{file}") else part
            for part in draft.parts
        ]

    return spoil


def _exchange(draft: _Draft) -> None:
    draft.change_parts = lambda parts: [parts[0].but(content=_EVIL), *parts[1:]]


def _put_inside(draft: _Draft) -> None:
    inner = Part(f"{draft.package}/inner.py", _EVIL, method=STORED)
    outer = Part(f"{draft.package}/outer.bin", local_record(inner), method=STORED)
    start = len(local_record(outer)) - len(outer.content)
    draft.parts = [outer, inner.but(written=False, central={"offset": start}), *draft.parts]


def _hide(draft: _Draft) -> None:
    draft.change_parts = lambda parts: [
        parts[0].but(hidden=local_record(Part(f"{draft.package}/hidden.py", _EVIL))),
        *parts[1:],
    ]


def _put_bomb(draft: _Draft) -> None:
    bomb = Part(f"{draft.package}/bomb.bin", bytes(_LARGE))
    draft.parts.append(bomb.but(packed=bomb.bytes))  # deflated once


def _put_tail(draft: _Draft) -> None:
    draft.change_parts = lambda parts: [parts[0].but(packed=parts[0].bytes + _EVIL), *parts[1:]]


def _unpack_to(factor: int, offset: int) -> _Spoil:
    def spoil(draft: _Draft) -> None:
        first = draft.parts[0]
        declared = len(first.content) * factor + offset
        draft.change_parts = lambda parts: [first.in_both(size=declared), *parts[1:]]

    return spoil


def _extra(kind: int, content: bytes) -> bytes:
    return struct.pack("<2H", kind, len(content)) + content


def _duplicate(draft: _Draft) -> None:
    draft.change_parts = lambda parts: [*parts, parts[0]]


_CLIMBING: Final = "../../evil.py"
_UNICODE_PATH: Final = _extra(0x7075, b"\1" + struct.pack("<L", zlib.crc32(b"evil.py")) + b"evil.py")

_SPOILERS: Final[Mapping[BadWheel, tuple[WheelRule, _Spoil]]] = {
    BadWheel.CLIMBING: (WheelRule.NAMES, _add(_CLIMBING)),
    BadWheel.CLIMBING_INSIDE: (WheelRule.NAMES, _add("{package}/../../evil.py")),
    BadWheel.ABSOLUTE: (WheelRule.NAMES, _add("/evil.py")),
    BadWheel.DRIVE: (WheelRule.NAMES, _add("C:/evil.py")),
    BadWheel.BACKSLASH: (WheelRule.NAMES, _add("{package}\\evil.py")),
    BadWheel.ESCAPED: (WheelRule.NAMES, _add("%2e%2e/evil.py")),
    BadWheel.LOOK_ALIKE: (WheelRule.NAMES, _add("..\uff0fevil.py")),
    BadWheel.DEVICE_NAME: (WheelRule.NAMES, _add("{package}/nul.txt")),
    BadWheel.STREAM: (WheelRule.NAMES, _add("{package}/data.txt:evil.py")),
    BadWheel.TRAILING_DOT: (WheelRule.NAMES, _add("{package}/evil.py.")),
    BadWheel.NUL_IN_NAME: (WheelRule.NAMES, _add("{package}/evil.py\0.txt")),
    BadWheel.EMPTY_NAME: (WheelRule.NAMES, _add("{package}//evil.py")),
    BadWheel.SYMLINK: (WheelRule.LINKS, _add("{package}/link", content=b"/etc/passwd", mode=stat.S_IFLNK | 0o777)),
    BadWheel.DEVICE: (WheelRule.LINKS, _add("{package}/device", mode=stat.S_IFCHR | 0o666)),
    BadWheel.FIFO: (WheelRule.LINKS, _add("{package}/fifo", mode=stat.S_IFIFO | 0o666)),
    BadWheel.WINDOWS_LINK: (WheelRule.LINKS, _add("{package}/link", central={"attributes": 0x400})),
    BadWheel.FILE_WITH_SLASH: (WheelRule.LINKS, _add("{package}/folder/", content=b"", method=STORED)),
    BadWheel.UNLISTED: (WheelRule.RECORD, _line(lambda _: [])),
    BadWheel.LISTED_ONLY: (WheelRule.RECORD, _line(lambda row: [row, [f"{row[0]}.gone", *row[1:]]])),
    BadWheel.OTHER_BYTES: (WheelRule.RECORD, _exchange),
    BadWheel.OTHER_SIZE: (WheelRule.RECORD, _line(lambda row: [[row[0], row[1], f"{row[2]}0"]])),
    BadWheel.NO_DIGEST: (WheelRule.RECORD, _line(lambda row: [[row[0], "", row[2]]])),
    BadWheel.WEAK_DIGEST: (WheelRule.RECORD, _line(lambda row: [[row[0], "md5=1B2M2Y8AsgTpgAmY7PhCfg", row[2]]])),
    BadWheel.PADDED_DIGEST: (WheelRule.RECORD, _line(lambda row: [[row[0], f"{row[1]}=", row[2]]])),
    BadWheel.LISTED_TWICE: (WheelRule.RECORD, _line(lambda row: [row, row])),
    BadWheel.NO_RECORD: (WheelRule.RECORD, _without(".dist-info/RECORD")),
    BadWheel.NO_DIST_INFO: (WheelRule.RECORD, _without(".dist-info/")),
    BadWheel.TWO_DIST_INFOS: (WheelRule.RECORD, _add("evil-1.0.dist-info/METADATA")),
    BadWheel.OTHER_NAME: (WheelRule.RECORD, _in_metadata("METADATA", b"Name: ", b"Name: not-")),
    BadWheel.OTHER_FORMAT: (WheelRule.RECORD, _in_metadata("WHEEL", b"Version: 1", b"Version: 2")),
    BadWheel.PTH: (WheelRule.STARTUP, _add("evil.pth", content=b"import evil\n")),
    BadWheel.SCRIPT: (WheelRule.STARTUP, _add("acme-1.0.data/scripts/evil")),
    BadWheel.BYTECODE: (WheelRule.STARTUP, _add("{package}/evil.pyc")),
    BadWheel.STANDARD_LIBRARY: (WheelRule.SHADOWING, _add("json/__init__.py")),
    BadWheel.RUNTIME: (WheelRule.SHADOWING, _add("oneiric_core/__init__.py")),
    BadWheel.INSTALLED: (WheelRule.SHADOWING, _add("pydantic/__init__.py")),
    BadWheel.AT_STARTUP: (WheelRule.SHADOWING, _add("sitecustomize.py")),
    BadWheel.CASE: (WheelRule.COLLISIONS, _add("{package}/evil.txt", "{package}/EVIL.txt")),
    BadWheel.COMPOSED: (WheelRule.COLLISIONS, _add("{package}/\u00fc.txt", "{package}/u\u0308.txt")),
    BadWheel.STYLED: (WheelRule.COLLISIONS, _add("{package}/fi.txt", "{package}/\ufb01.txt")),
    BadWheel.DIRECTORY_CASE: (WheelRule.COLLISIONS, _add("{package}/evil/a.txt", "{package}/Evil/b.txt")),
    BadWheel.FILE_AS_DIRECTORY: (WheelRule.COLLISIONS, _add("{package}/evil", "{package}/evil/a.txt")),
    BadWheel.DUPLICATE: (WheelRule.COLLISIONS, _duplicate),
    BadWheel.BOMB: (WheelRule.SIZE, _put_bomb),
    BadWheel.MANY: (WheelRule.SIZE, _add(*(f"{{package}}/{n}" for n in range(10_001)), content=b"", method=STORED)),
    BadWheel.LYING_SIZE: (WheelRule.SIZE, _unpack_to(0, 1)),
    BadWheel.HUGE: (WheelRule.SIZE, _unpack_to(0, 1 << 30)),
    BadWheel.OTHER_LOCAL_NAME: (WheelRule.ARCHIVE, _alter(local={"name": b"evil/__init__.py"})),
    BadWheel.OTHER_LOCAL_SIZE: (WheelRule.ARCHIVE, _alter(local={"size": 1})),
    BadWheel.OTHER_LOCAL_METHOD: (WheelRule.ARCHIVE, _alter(local={"method": STORED})),
    BadWheel.DESCRIPTOR: (WheelRule.ARCHIVE, _alter(flags=0x8)),
    BadWheel.ENCRYPTED: (WheelRule.ARCHIVE, _alter(flags=0x1)),
    BadWheel.ODD_METHOD: (WheelRule.ARCHIVE, _alter_both(method=12)),
    BadWheel.BEFORE: (WheelRule.ARCHIVE, _rewrite(lambda data: b"#!/bin/sh\n" + data)),
    BadWheel.AFTER: (WheelRule.ARCHIVE, _write(after=b"\n")),
    BadWheel.BETWEEN: (WheelRule.ARCHIVE, _write(between=b"\0")),
    BadWheel.COMMENT: (WheelRule.ARCHIVE, _write(comment=b"PK")),
    BadWheel.MEMBER_COMMENT: (WheelRule.ARCHIVE, _alter(central={"comment": b"PK"})),
    BadWheel.HIDDEN: (WheelRule.ARCHIVE, _hide),
    BadWheel.OVERLAPPING: (WheelRule.ARCHIVE, _put_inside),
    BadWheel.ZIP64: (WheelRule.ARCHIVE, _alter(extra=_extra(1, bytes(16)))),
    BadWheel.UNICODE_PATH: (WheelRule.ARCHIVE, _alter(extra=_UNICODE_PATH)),
    BadWheel.DISKS: (WheelRule.ARCHIVE, _write(disk=1)),
    BadWheel.GUESSED_ENCODING: (WheelRule.ARCHIVE, _alter_both(name=b"acme/\x81.py")),
    BadWheel.OTHER_CHECKSUM: (WheelRule.ARCHIVE, _alter_both(crc=1)),
    BadWheel.TAIL: (WheelRule.ARCHIVE, _put_tail),
    BadWheel.LYING_SHORT: (WheelRule.ARCHIVE, _unpack_to(1, 1)),
    BadWheel.COUNT: (WheelRule.ARCHIVE, _write(here=1, count=1)),
    BadWheel.CUT: (WheelRule.ARCHIVE, _rewrite(lambda data: data[:-1])),
    BadWheel.NO_ARCHIVE: (WheelRule.ARCHIVE, _rewrite(lambda _: b"<html>404</html>")),
}
