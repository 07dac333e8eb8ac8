"""Scripts that keep to the protocol: answers with ranges and tags, redirects; and whatever bytes a test writes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from oneiric_core.errors import MisuseError
from oneiric_core.testing.choosing import did_you_mean, refuse_unless
from oneiric_core.testing.wire.script import End, Headers, Hold, Script, Send, Step, WireRequest, head

__all__ = ["Raw", "Redirect", "Reply", "chunked", "refuse_no_bytes"]

_FRAMINGS: Final = ("length", "chunked", "close")
_BODILESS: Final = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
_LARGEST_STATUS: Final = 999
_SHORT: Final = 40
_CHUNK: Final = 8192
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True, repr=False)
class Reply(Script):
    """An answer as a good server gives it.

    With status 200 a ``GET`` for one range is answered with 206 or 416 (RFC 9110, section 14), and one that has the
    ``etag`` already with 304 (section 13.1.2). A ``HEAD`` has the same headers and no body.

    :param headers: further ones, after those that follow from the body.
    :param etag: with its quotes.
    :param ranges: False for a server that knows nothing of them: it sends the whole.
    :param framing: how the end of the body is told: ``length``, ``chunked``, or ``close``, when only the end of the
        connection is.
    :param held: answer only after :meth:`ArtifactServer.release`.
    :param keep: whether the connection may serve another request.
    :raises MisuseError: a header with a line break in it, an etag without quotes, an unknown framing, text for bytes.
    """

    body: bytes = b""
    status: int = 200
    headers: Headers = ()
    etag: str | None = None
    ranges: bool = True
    framing: str = "length"
    held: bool = False
    keep: bool = True

    def __post_init__(self) -> None:
        refuse_no_bytes(self.body)
        refuse_no_status(self.status)
        if self.framing not in _FRAMINGS:
            fix = did_you_mean(self.framing, _FRAMINGS)
            raise MisuseError(f"there is no framing {self.framing!r}", fix=fix, framing=self.framing)
        if self.etag is not None and not re.fullmatch(r'(W/)?"[^"\r\n]*"', str(self.etag)):
            raise MisuseError(f"{self.etag!r} is no etag", fix="Write it with its quotes: '\"v1\"'", etag=self.etag)
        refuse_no_headers(self.headers)

    @classmethod
    def busy(cls, after: int | str = 1, *, status: int = 503) -> "Reply":
        """Not now: 503 (or 429) with ``Retry-After``, seconds or an HTTP date."""
        return cls(b"busy\n", status=status, headers=(("Retry-After", str(after)),))

    def steps(self, request: WireRequest) -> Iterator[Step]:
        if self.held:
            yield Hold()
        status, body, more = self._chosen(request)
        bodiless = status in _BODILESS or status < HTTPStatus.OK
        headers = [*more, *self.headers]
        if not bodiless:
            headers += self._framing(body)
        leaves = not self.keep or self.framing == "close" or request.wants_to_leave
        if leaves:
            headers.append(("Connection", "close"))
        yield Send(head(status, headers))
        if not bodiless and request.method != "HEAD":
            yield Send(chunked(body) if self.framing == "chunked" else body)
        if leaves:
            yield End.CLOSE

    def _framing(self, body: bytes) -> Headers:
        named = {"length": ("Content-Length", str(len(body))), "chunked": ("Transfer-Encoding", "chunked")}
        return (named[self.framing],) if self.framing in named else ()

    def _chosen(self, request: WireRequest) -> tuple[int, bytes, Headers]:
        """Status, body and headers: all of it, a part of it, or the word that it did not change."""
        tag: Headers = (("ETag", self.etag),) if self.etag else ()
        if self.status != HTTPStatus.OK or request.method not in {"GET", "HEAD"}:
            return self.status, self.body, tag
        if self.etag and _has(request.header("If-None-Match"), self.etag):
            return HTTPStatus.NOT_MODIFIED, b"", tag
        if not self.ranges:
            return HTTPStatus.OK, self.body, tag
        return self._part(request, (*tag, ("Accept-Ranges", "bytes")))

    def _part(self, request: WireRequest, headers: Headers) -> tuple[int, bytes, Headers]:
        condition = request.header("If-Range")
        asked = _RANGE.fullmatch(request.header("Range") or "")
        if request.method != "GET" or not asked or asked[0] == "bytes=-" or condition not in {None, self.etag}:
            return HTTPStatus.OK, self.body, headers  # a server need not answer several ranges at once
        size = len(self.body)
        first, last = _bounds(asked[1], asked[2], size)
        if first >= size or last < first:
            return HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", (*headers, ("Content-Range", f"bytes */{size}"))
        told = f"bytes {first}-{last}/{size}"
        return HTTPStatus.PARTIAL_CONTENT, self.body[first : last + 1], (*headers, ("Content-Range", told))

    def __str__(self) -> str:
        return f"answers {self.status} with {len(self.body):,} bytes"


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """The first and the last byte asked for; ``-n`` are the last n."""
    if not first:
        return (max(0, size - int(last)), size - 1) if int(last) else (size, size - 1)
    return int(first), min(int(last), size - 1) if last else size - 1


def _has(header: str | None, etag: str) -> bool:
    """Whether ``If-None-Match`` names the tag, weakly compared (RFC 9110, section 8.8.3.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in (header or "").split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def chunked(body: bytes) -> bytes:
    """The body in chunks (RFC 9112, section 7.1)."""
    pieces = [body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def refuse_no_bytes(given: object) -> None:
    fix = (
        f"Write b{given!r}, or encode() it"
        if isinstance(given, str) and given.isascii() and len(given) <= _SHORT
        else "Pass bytes"
    )
    refuse_unless(isinstance(given, bytes), "the bytes of an answer", given, fix=fix)


def refuse_no_status(given: object) -> None:
    fits = isinstance(given, int) and 100 <= given <= _LARGEST_STATUS  # noqa: PLR2004 - three digits
    refuse_unless(fits, "a status", given, fix="Pass a number of three digits; Broken('bad status') sends none")


def refuse_no_headers(headers: object) -> None:
    fix = "Write pairs of texts: (('Name', 'value'),)"
    if isinstance(headers, Mapping):
        fix = f"Write pairs: {tuple((str(name), str(value)) for name, value in headers.items())!r:.200}"
    refuse_unless(isinstance(headers, list | tuple), "headers", headers, fix=fix)
    for header in headers if isinstance(headers, list | tuple) else ():
        pair = isinstance(header, list | tuple) and len(header) == 2 and all(isinstance(part, str) for part in header)  # noqa: PLR2004
        refuse_unless(pair, "a header", header, fix=fix)
        name, value = header
        if re.search(r"[\r\n\0]", name + value):
            fix = "Use Raw for what is no header"
            raise MisuseError(f"the header {name!r} has a line break or NUL in it", fix=fix, header=(name, value))


@dataclass(frozen=True, slots=True, repr=False)
class Redirect(Script):
    """Elsewhere: to any place at all, also one that nobody should follow to.

    :param to: the ``Location``, which is sent as it is: absolute, relative, without a scheme, ``file:///…``, empty;
        None leaves the header out.
    :param status: 301, 302, 303, 307 or 308; any other is sent all the same.
    """

    to: str | None
    status: int = 302

    def __post_init__(self) -> None:
        fits = self.to is None or isinstance(self.to, str)
        refuse_unless(
            fits, "the place of a redirect", self.to, fix="Pass a URL or path as text, or None for no Location"
        )
        refuse_no_status(self.status)
        refuse_no_headers((("Location", self.to or ""),))

    def steps(self, request: WireRequest) -> Iterator[Step]:
        del request
        place: Headers = () if self.to is None else (("Location", self.to),)
        yield Send(head(self.status, (*place, ("Content-Length", "0"))))

    def __str__(self) -> str:
        return f"redirects ({self.status}) to {'nowhere' if self.to is None else self.to}"


@dataclass(frozen=True, slots=True, repr=False)
class Raw(Script):
    """These bytes, and then the end.

    :param data: everything, the status line included.
    :param end: what becomes of the connection.
    """

    data: bytes
    end: End = End.CLOSE

    def __post_init__(self) -> None:
        refuse_no_bytes(self.data)
        refuse_unless(isinstance(self.end, End), "an end", self.end, fix="Pass End.CLOSE, End.RESET or End.STALL")

    def steps(self, request: WireRequest) -> Iterator[Step]:
        del request
        yield Send(self.data)
        yield self.end

    def __str__(self) -> str:
        return f"sends {len(self.data):,} bytes as they are; then {self.end.value}"
