"""Reading a ZIP archive that every reader reads alike.

ZIP says everything twice, at each member and in the directory at the end, and readers differ in which of the two they
believe. So an archive is read here only if there is nothing to choose from:

- it begins with its first member and ends with a directory and an end record without comments, on one disk;
- the members follow each other without gaps, none is inside another, and each is in the directory;
- what stands at a member is what the directory says of it, byte by byte; nothing is left for a descriptor after it;
- no encryption, no ZIP64, no extra field that changes a name; stored or deflated, and nothing after the deflated end.

Whatever bytes come in, time and memory are bounded by the limits. (APPNOTE.TXT 6.3.10; of the ways in which readers
differ: "My ZIP isn't your ZIP", USENIX Security 2025)
"""

import stat
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Self

from oneiric_core.artifacts.wheel_rules import LIMITS, REBUILD, WheelLimits, WheelRule, unsafe
from oneiric_core.errors import UnsafeWheelError

__all__ = ["Archive", "Member"]

CHUNK: Final = 1 << 16
_STORED: Final = 0
_DEFLATED: Final = 8
_UTF8: Final = 0x800
_HOW_DEFLATED: Final = 0x006  # says how hard the writer tried; readers do not care
_HARMLESS_EXTRAS: Final = frozenset({0x000A, 0x5455, 0x5855, 0x7855, 0x7875})  # times and owners, which we do not take
_MARKER_16: Final = 0xFFFF
_MARKER_32: Final = 0xFFFFFFFF
_DIRECTORY_BYTES: Final = 16 << 20
_WINDOWS_DIRECTORY: Final = 0x10
_WINDOWS_LINK: Final = 0x400

# Signature; disk, directory's disk, entries here, entries; directory's size, its offset; length of the comment.
_END: Final = struct.Struct("<4s4H2LH")
# Signature; made by, needed, flags, method, time, date; CRC, packed, size; lengths of name, extra, comment; disk,
# internal attributes; external attributes, offset.
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
# Signature; needed, flags, method, time, date; CRC, packed, size; lengths of name and extra.
_LOCAL: Final = struct.Struct("<4s5H3L2H")


@dataclass(frozen=True, slots=True)
class Member:
    """One file or directory of an archive, as both of its headers have it.

    :param packed: bytes in the archive; ``size``: bytes unpacked, by declaration.
    :param start: where the first of the packed bytes is.
    :param mode: as ``st_mode``; 0 where the archive says nothing of it.
    :param attributes: as Windows has them.
    """

    name: str
    deflated: bool
    crc: int
    packed: int
    size: int
    start: int
    mode: int
    attributes: int

    @property
    def is_directory(self) -> bool:
        return self.name.endswith("/")

    @property
    def is_what_its_name_says(self) -> bool:
        """Is it a plain file, or a directory if its name ends like one?"""
        kind, windows = stat.S_IFMT(self.mode), bool(self.attributes & _WINDOWS_DIRECTORY)
        if self.attributes & _WINDOWS_LINK:
            return False
        if self.is_directory:
            return kind in {0, stat.S_IFDIR}
        return kind in {0, stat.S_IFREG} and not windows


class Archive:
    """An archive whose two accounts of itself agree. It reads ``file`` as long as it is used."""

    def __init__(self, file: BinaryIO, members: Sequence[Member]) -> None:
        self._file = file
        self.members = tuple(members)

    @classmethod
    def open(cls, file: BinaryIO, limits: WheelLimits = LIMITS) -> Self:
        """:raises UnsafeWheelError: by rule ARCHIVE or SIZE."""
        length = file.seek(0, 2)
        count, size, offset = _read_end(file, length, limits)
        file.seek(offset)
        directory = _Directory(file.read(size))
        entries = [directory.next() for _ in range(count)]
        directory.refuse_rest()
        members = [_read_member(file, entry) for entry in entries]
        _refuse_gaps(members, entries, offset)
        total = sum(member.size for member in members)
        if total > limits.most(length):
            what = f"its {length} bytes unpack to {total}, and {limits.most(length)} are allowed"
            raise unsafe(WheelRule.SIZE, "", what, _TOO_MUCH)
        return cls(file, members)

    def chunks(self, member: Member) -> Iterator[bytes]:
        """The content of a member, unpacked a little at a time.

        :raises UnsafeWheelError: it is not as long as declared, has another checksum, or is followed by something.
        """
        size, checksum = 0, 0
        for chunk in self._inflated(member) if member.deflated else self._packed(member):
            size, checksum = size + len(chunk), zlib.crc32(chunk, checksum)
            if size > member.size:
                raise unsafe(WheelRule.SIZE, member.name, f"unpacks to more than the declared {member.size}", REBUILD)
            yield chunk
        if size != member.size or checksum != member.crc:
            raise _ambiguous(member.name, "has another length or checksum than declared")

    def read(self, member: Member) -> bytes:
        """All of a member's content; raises as :meth:`chunks`."""
        return b"".join(self.chunks(member))

    def _packed(self, member: Member) -> Iterator[bytes]:
        self._file.seek(member.start)
        for left in range(member.packed, 0, -CHUNK):
            yield self._file.read(min(left, CHUNK))

    def _inflated(self, member: Member) -> Iterator[bytes]:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for block in self._packed(member):
                chunk = inflate.decompress(block, CHUNK)
                while chunk:
                    yield chunk
                    chunk = inflate.decompress(inflate.unconsumed_tail, CHUNK)
                if inflate.unused_data:
                    break
        except zlib.error as error:
            raise _ambiguous(member.name, f"cannot be inflated ({error})") from error
        if not inflate.eof or inflate.unused_data:
            raise _ambiguous(member.name, "does not end where it is said to end")


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the directory says of a member; ``same`` is what its own header has to say, too."""

    name: bytes
    same: tuple[int, ...]
    attributes: int
    offset: int


class _Directory:
    """The entries of a central directory, one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def next(self) -> _Entry:
        fields = self._take(_CENTRAL.size)
        signature, _, *same, name, extra, comment, disk, _, attributes, offset = _CENTRAL.unpack(fields)
        if signature != b"PK\1\2":
            raise _ambiguous("", "its directory has something in it that is no entry")
        entry = _Entry(self._take(name), tuple(same), attributes, offset)
        shown = entry.name.decode("utf-8", "backslashreplace")
        _refuse_extras(shown, self._take(extra))
        if comment or disk:
            raise _ambiguous(shown, "has a comment, or is on another disk")
        return entry

    def refuse_rest(self) -> None:
        if self._at != len(self._content):
            raise _ambiguous("", "its directory has more in it than its entries")

    def _take(self, count: int) -> bytes:
        taken = self._content[self._at : self._at + count]
        self._at += count
        if len(taken) != count:
            raise _ambiguous("", "its directory is cut off")
        return taken


_TOO_MUCH: Final = "Ask the publisher for a smaller one, or allow more"


def _ambiguous(member: str, what: str) -> UnsafeWheelError:
    return unsafe(WheelRule.ARCHIVE, member, what, REBUILD)


def _read_end(file: BinaryIO, length: int, limits: WheelLimits) -> tuple[int, int, int]:
    """How many entries the directory has, its size in bytes and its place."""
    file.seek(max(0, length - _END.size))
    record = file.read(_END.size)
    if len(record) != _END.size or not record.startswith(b"PK\5\6"):
        raise _ambiguous("", "it does not end as an archive without a comment does")
    _, disk, start_disk, here, count, size, offset, comment = _END.unpack(record)
    if disk or start_disk or here != count or comment:
        raise _ambiguous("", "it is spread over several disks, or has a comment")
    if count == _MARKER_16 or _MARKER_32 in {size, offset}:
        raise _ambiguous("", "it is a ZIP64 archive")
    if offset + size + _END.size != length:
        raise _ambiguous("", "its directory is not where it is said to be, or something is before or after it")
    if count > limits.members or size > _DIRECTORY_BYTES:
        raise unsafe(WheelRule.SIZE, "", f"it has {count} members, and {limits.members} are allowed", _TOO_MUCH)
    return count, size, offset


def _read_member(file: BinaryIO, entry: _Entry) -> Member:
    """The member at the place the directory names, which has to say the same of itself."""
    name = _decoded(entry)
    _, flags, method, _, _, crc, packed, size = entry.same
    if flags & ~(_UTF8 | _HOW_DEFLATED) or method not in {_STORED, _DEFLATED}:
        raise _ambiguous(name, f"is encrypted, has a descriptor, or is packed in an odd way ({flags:#x}, {method})")
    if _MARKER_32 in {packed, size, entry.offset}:
        raise _ambiguous(name, "is a ZIP64 member")
    file.seek(entry.offset)
    header = file.read(_LOCAL.size)
    if len(header) != _LOCAL.size or not header.startswith(b"PK\3\4"):
        raise _ambiguous(name, "is not where the directory says it is")
    *same, name_length, extra_length = _LOCAL.unpack(header)[1:]
    if tuple(same) != entry.same or file.read(name_length) != entry.name:
        raise _ambiguous(name, "is described in two ways, by itself and by the directory")
    _refuse_extras(name, file.read(extra_length))
    if (method == _STORED and packed != size) or (name.endswith("/") and (packed or size)):
        raise _ambiguous(name, "has a size that it cannot have")
    start = entry.offset + _LOCAL.size + name_length + extra_length
    attributes = entry.attributes & _MARKER_16
    return Member(name, method == _DEFLATED, crc, packed, size, start, entry.attributes >> 16, attributes)


def _decoded(entry: _Entry) -> str:
    encoding = "utf-8" if entry.same[1] & _UTF8 else "ascii"
    try:
        return entry.name.decode(encoding)
    except UnicodeDecodeError as error:
        shown = entry.name.decode("utf-8", "backslashreplace")
        raise _ambiguous(shown, "has a name in an encoding that readers have to guess") from error


def _refuse_extras(name: str, extra: bytes) -> None:
    """Let only those extra fields pass that say nothing of name, size or encryption."""
    while extra:
        kind, length = struct.unpack("<2H", extra[:4]) if len(extra) >= 4 else (_MARKER_16, 0)  # noqa: PLR2004 - 2H
        if kind not in _HARMLESS_EXTRAS or len(extra) < 4 + length:
            raise _ambiguous(name, f"has an extra field that may change what it is ({kind:#06x})")
        extra = extra[4 + length :]


def _refuse_gaps(members: Sequence[Member], entries: Sequence[_Entry], end: int) -> None:
    """Every byte before the directory belongs to exactly one member."""
    reached = 0
    for entry, member in sorted(zip(entries, members, strict=True), key=lambda pair: pair[0].offset):
        if entry.offset != reached:
            raise _ambiguous(member.name, "overlaps what is before it, or something hidden is before it")
        reached = member.start + member.packed
    if reached != end:
        raise _ambiguous("", "something is between its last member and its directory, or they overlap")
