"""How each fault looks on the wire."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Final, TypeAlias

from oneiric_core.testing.wire.faults import WireFault
from oneiric_core.testing.wire.replies import Redirect, chunked
from oneiric_core.testing.wire.script import End, Headers, Pause, Send, Step, WireRequest, head

__all__ = ["PLAYS", "Material"]


@dataclass(frozen=True, slots=True)
class Material:
    """What a fault is made of.

    :param at: where in the body it strikes.
    :param much: the amount, for the faults that have one.
    :param pause: seconds.
    """

    body: bytes
    at: int
    much: int
    pause: float
    request: WireRequest

    @property
    def size(self) -> int:
        return len(self.body)

    @property
    def before(self) -> bytes:
        return self.body[: self.at]


_Play: TypeAlias = Callable[[Material], Iterator[Step]]

_HOP: Final = "hop="


def _length(size: object) -> tuple[str, str]:
    return ("Content-Length", str(size))


def _ok(*headers: tuple[str, str]) -> bytes:
    return head(200, headers)


def _says(*headers: tuple[str, str]) -> _Play:
    """These headers, the body, the end."""
    return lambda made: iter((Send(_ok(*headers) + made.body), End.CLOSE))


def _at_once(end: End) -> _Play:
    return lambda _: iter((end,))


def _in_the_head(end: End) -> _Play:
    return lambda made: iter((Send(_ok(_length(made.size))[:-9]), end))


def _in_the_body(end: End) -> _Play:
    return lambda made: iter((Send(_ok(_length(made.size)) + made.before), end))


def _in_the_chunks(line: bytes) -> _Play:
    """The first part as a chunk, and then a line where the size of another one should be."""

    def play(made: Material) -> Iterator[Step]:
        first = b"%x\r\n%b\r\n" % (len(made.before), made.before) if made.before else b""
        yield Send(_ok(("Transfer-Encoding", "chunked")) + first + line)
        yield End.CLOSE

    return play


def _drip(made: Material) -> Iterator[Step]:
    yield Send(_ok(_length(made.size)))
    for start in range(0, made.size, made.much):
        yield Pause(made.pause)
        yield Send(made.body[start : start + made.much])


def _long(made: Material) -> Iterator[Step]:
    yield Send(_ok(_length(made.size)) + made.body + b"+" * made.much)
    yield End.CLOSE


def _endless(made: Material) -> Iterator[Step]:
    yield Send(_ok(("Connection", "close")))
    piece = (made.body or b"\0") * max(1, 65536 // max(1, made.size))
    while True:
        yield Send(piece)


def _stale(made: Material) -> Iterator[Step]:
    yield Send(_ok(_length(made.size), ("Connection", "keep-alive")) + made.body)
    yield End.CLOSE


def _garbage(made: Material) -> Iterator[Step]:
    # All bytes but those that could end a line, so that it is for certain no header either.
    pattern = bytes(byte for byte in range(255, 0, -1) if byte not in b"\r\n")
    yield Send((pattern * (made.much // len(pattern) + 1))[: made.much])
    yield End.CLOSE


def _raw(data: Callable[[Material], bytes]) -> _Play:
    return lambda made: iter((Send(data(made)), End.CLOSE))


def _sized(*more: tuple[str, str]) -> _Play:
    """The body with its true length and something else in the head."""
    return lambda made: iter((Send(_ok(_length(made.size), *more) + made.body), End.CLOSE))


def _with_headers(headers: Callable[[Material], Headers]) -> _Play:
    return lambda made: _sized(*headers(made))(made)


def _early(made: Material) -> Iterator[Step]:
    yield Send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * made.much + _ok(_length(made.size)) + made.body)
    yield End.CLOSE


def _encoded(coding: str, code: Callable[[Material], bytes]) -> _Play:
    def play(made: Material) -> Iterator[Step]:
        data = code(made)
        yield Send(_ok(_length(len(data)), ("Content-Encoding", coding)) + data)
        yield End.CLOSE

    return play


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


@lru_cache(maxsize=4)
def _bomb(size: int) -> bytes:
    """A gzip stream (RFC 1952) of ``size`` zeros, at once: the same piece of it over and over."""
    piece = bytes(1 << 20)
    packer = zlib.compressobj(9, wbits=-15)
    repeated = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)  # can stand anywhere in a stream
    whole, rest = divmod(size, len(piece))
    last = zlib.compressobj(9, wbits=-15)
    checksum = 0
    for _ in range(whole):
        checksum = zlib.crc32(piece, checksum)
    checksum = zlib.crc32(piece[:rest], checksum)
    end = checksum.to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + repeated * whole + last.compress(piece[:rest]) + last.flush() + end


def _changed(made: Material) -> bytes:
    """One bit in the middle; what has no byte is given one, or nothing would have changed."""
    middle = made.size // 2
    changed = bytes([made.body[middle] ^ 1]) if made.body else b"\0"
    return made.body[:middle] + changed + made.body[middle + 1 :]


def _in_order(status: int, headers: Callable[[Material], Headers], body: Callable[[Material], bytes]) -> _Play:
    def play(made: Material) -> Iterator[Step]:
        data = body(made)
        length = () if status == HTTPStatus.NO_CONTENT else (_length(len(data)),)
        yield Send(head(status, (*length, *headers(made))) + data)

    return play


def _part_told(first: Callable[[Material], int]) -> Callable[[Material], Headers]:
    def told(made: Material) -> Headers:
        start = first(made)
        return (("Content-Range", f"bytes {start}-{start + len(made.before) - 1}/{made.size}"),)

    return told


def _hops(made: Material) -> Iterator[Step]:
    _, _, hops = made.request.query.rpartition(_HOP)
    number = int(hops) + 1 if hops.isdecimal() else 1
    return Redirect(f"{made.request.path}?{_HOP}{number}").steps(made.request)


PLAYS: Final[Mapping[WireFault, _Play]] = {
    WireFault.SILENT: _at_once(End.STALL),
    WireFault.STALLED_HEAD: _in_the_head(End.STALL),
    WireFault.STALLED_BODY: _in_the_body(End.STALL),
    WireFault.DRIP: _drip,
    WireFault.CLOSED: _at_once(End.CLOSE),
    WireFault.RESET: _at_once(End.RESET),
    WireFault.CUT_HEAD: _in_the_head(End.CLOSE),
    WireFault.SHORT: _in_the_body(End.CLOSE),
    WireFault.RESET_BODY: _in_the_body(End.RESET),
    WireFault.LONG: _long,
    WireFault.ENDLESS: _endless,
    WireFault.STALE: _stale,
    WireFault.CUT_CHUNKS: _in_the_chunks(b""),
    WireFault.BROKEN_CHUNKS: _in_the_chunks(b"many\r\n"),
    WireFault.HUGE_CHUNK: _in_the_chunks(b"%x\r\n" % (2**64 + 1)),
    WireFault.NEGATIVE_CHUNK: _raw(lambda _: _ok(("Transfer-Encoding", "chunked")) + b"-1\r\n\r\n0\r\n\r\n"),
    WireFault.GARBAGE: _garbage,
    WireFault.OTHER_PROTOCOL: _raw(lambda _: b"SSH-2.0-OpenSSH_9.9\r\n"),
    WireFault.BAD_STATUS: _raw(
        lambda made: b"HTTP/1.1 two OK\r\nContent-Length: %d\r\n\r\n%b" % (made.size, made.body)
    ),
    WireFault.NO_HEAD: _raw(lambda made: made.body),
    WireFault.TWO_LENGTHS: _with_headers(lambda made: (_length(made.size + 1),)),
    WireFault.NEGATIVE_LENGTH: _says(_length(-1)),
    WireFault.WORDY_LENGTH: _says(_length("ten")),
    WireFault.LENGTH_AND_CHUNKS: _raw(
        lambda made: _ok(_length(made.size), ("Transfer-Encoding", "chunked")) + chunked(made.body)
    ),
    WireFault.UNKNOWN_TRANSFER: _says(("Transfer-Encoding", "oneiric")),
    WireFault.HUGE_HEADER: _with_headers(lambda made: (("X-Huge", "h" * made.much),)),
    WireFault.MANY_HEADERS: _with_headers(lambda made: tuple((f"X-{number}", "1") for number in range(made.much))),
    WireFault.NUL_HEADER: _sized(("X-Odd", "nothing\0here")),
    WireFault.NAMELESS_HEADER: _raw(lambda made: _ok(_length(made.size))[:-2] + b"no colon here\r\n\r\n" + made.body),
    WireFault.EARLY_ANSWERS: _early,
    WireFault.WRONG_ENCODING: _encoded("gzip", lambda made: made.body),
    WireFault.UNKNOWN_ENCODING: _encoded("oneiric", lambda made: made.body),
    WireFault.UNASKED_GZIP: _encoded("gzip", lambda made: _gzip(made.body)),
    WireFault.CUT_GZIP: _encoded("gzip", lambda made: (packed := _gzip(made.body))[: len(packed) // 2]),
    WireFault.GZIP_BOMB: _encoded("gzip", lambda made: _bomb(made.much)),
    WireFault.CHANGED: _in_order(200, lambda _: (), _changed),
    WireFault.EMPTY: _in_order(200, lambda _: (), lambda _: b""),
    WireFault.NO_CONTENT: _in_order(204, lambda _: (), lambda _: b""),
    WireFault.UNASKED_PART: _in_order(206, _part_told(lambda _: 0), lambda made: made.before),
    WireFault.OTHER_PART: _in_order(
        206, _part_told(lambda made: made.size - len(made.before)), lambda made: made.before
    ),
    WireFault.LOOP: lambda made: Redirect(made.request.target).steps(made.request),
    WireFault.FOREVER: _hops,
    WireFault.NOWHERE: lambda made: Redirect(None).steps(made.request),
}
