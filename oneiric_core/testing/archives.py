"""ZIP archives put together field by field, so that each field can be wrong."""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

__all__ = ["Part", "local_record", "write_archive"]

DEFLATED: Final = 8
STORED: Final = 0
_UNIX: Final = 3 << 8
_UTF8: Final = 0x800
_1980_01_01: Final = 0x21


@dataclass(frozen=True, slots=True)
class Part:
    """One member.

    :param packed: the bytes that stand in the archive; by default ``content``, deflated if that is the ``method``.
    :param local: fields its own header has otherwise: ``name``, ``flags``, ``method``, ``crc``, ``packed``, ``size``.
    :param central: the same for the directory, and ``disk``, ``comment``, ``attributes``, ``offset``.
    :param extra: the extra field of both.
    :param hidden: bytes that stand before it, of which nothing tells.
    :param written: whether it stands in the archive at all, or only in the directory.
    """

    name: str
    content: bytes = b""
    mode: int = 0o100644
    method: int = DEFLATED
    flags: int = 0
    packed: bytes | None = None
    extra: bytes = b""
    local: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    central: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    hidden: bytes = b""
    written: bool = True

    def but(self, **fields: Any) -> "Part":
        """The same part with other fields."""
        return replace(self, **fields)

    def in_both(self, **fields: Any) -> "Part":
        """The same part of which both headers say otherwise."""
        return replace(self, local={**self.local, **fields}, central={**self.central, **fields})

    @property
    def bytes(self) -> bytes:
        """What stands in the archive behind its header."""
        if self.packed is not None:
            return self.packed
        if self.method != DEFLATED:
            return self.content
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return deflate.compress(self.content) + deflate.flush()

    @property
    def fields(self) -> Mapping[str, Any]:
        """What is true of it, for both headers."""
        name = self.name.encode("utf-8")
        return {
            "name": name,
            "needed": 20,
            "flags": self.flags | (0 if name.isascii() else _UTF8),
            "method": self.method,
            "time": 0,
            "date": _1980_01_01,
            "crc": zlib.crc32(self.content),
            "packed": len(self.bytes),
            "size": len(self.content),
            "extra": self.extra,
            "comment": b"",
            "disk": 0,
            "attributes": self.mode << 16,
        }


def write_archive(
    parts: Iterable[Part],
    *,
    before: bytes = b"",
    between: bytes = b"",
    after: bytes = b"",
    comment: bytes = b"",
    **end: int,
) -> bytes:
    """The bytes of an archive: right, but for what is asked to be otherwise.

    :param before: bytes before the first member, ``between`` the last one and the directory, ``after`` the end.
    :param end: fields of the end record: ``disk``, ``start_disk``, ``here``, ``count``, ``size``, ``offset``.
    """
    body, directory, count = bytearray(before), bytearray(), 0
    for part in parts:
        body += part.hidden
        directory += _central_record(part, len(body))
        body += local_record(part) if part.written else b""
        count += 1
    body += between
    fields = {"disk": 0, "start_disk": 0, "here": count, "count": count, "size": len(directory), "offset": len(body)}
    said = [(fields | end)[name] for name in fields]
    return bytes(body + directory + struct.pack("<4s4H2LH", b"PK\5\6", *said, len(comment)) + comment + after)


def local_record(part: Part) -> bytes:
    """A member's own header, and its bytes."""
    said = {**part.fields, **part.local}
    return struct.pack("<4s5H3L2H", b"PK\3\4", *_same(said)) + bytes(said["name"] + said["extra"]) + part.bytes


def _central_record(part: Part, offset: int) -> bytes:
    said = {**part.fields, "offset": offset, **part.central}
    texts = said["name"] + said["extra"] + said["comment"]
    rest = len(said["comment"]), said["disk"], 0, said["attributes"], said["offset"]
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", _UNIX | 20, *_same(said), *rest) + bytes(texts)


def _same(said: Mapping[str, Any]) -> list[int]:
    names = "needed", "flags", "method", "time", "date", "crc", "packed", "size"
    return [*(said[name] for name in names), len(said["name"]), len(said["extra"])]
