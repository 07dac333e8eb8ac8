"""Each fault is on the wire what its description says: seen by a bare socket."""

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from oneiric_core.testing import ArtifactServer, Broken, WireFault

Of: TypeAlias = Callable[..., Any]

BODY = b"0123456789"
OK = rb"HTTP/1\.1 200 OK\r\n"
LENGTH = rb"Content-Length: 10\r\n"
CHUNKED = rb"Transfer-Encoding: chunked\r\n\r\n"
GZIP = rb"Content-Length: \d+\r\nContent-Encoding: gzip\r\n\r\n"

# What is on the wire from first to last, and how it ends; "kept" if the connection
# serves another request unless the client asks for its end.
EXPECTED = {
    "SILENT": (rb"", "open"),
    "STALLED_HEAD": (OK + rb"Content-Lengt", "open"),
    "STALLED_BODY": (OK + LENGTH + rb"\r\n01234", "open"),
    "DRIP": (OK + LENGTH + rb"\r\n0123456789", "kept"),
    "CLOSED": (rb"", "closed"),
    "RESET": (rb"", "reset"),
    "CUT_HEAD": (OK + rb"Content-Lengt", "closed"),
    "SHORT": (OK + LENGTH + rb"\r\n01234", "closed"),
    "RESET_BODY": (OK + LENGTH + rb"\r\n01234", "reset"),
    "LONG": (OK + LENGTH + rb"\r\n0123456789\+{16}", "closed"),
    "STALE": (OK + LENGTH + rb"Connection: keep-alive\r\n\r\n0123456789", "closed"),
    "CUT_CHUNKS": (OK + CHUNKED + rb"5\r\n01234\r\n", "closed"),
    "BROKEN_CHUNKS": (OK + CHUNKED + rb"5\r\n01234\r\nmany\r\n", "closed"),
    "HUGE_CHUNK": (OK + CHUNKED + rb"5\r\n01234\r\n10000000000000001\r\n", "closed"),
    "NEGATIVE_CHUNK": (OK + CHUNKED + rb"-1\r\n\r\n0\r\n\r\n", "closed"),
    "GARBAGE": (rb"\xff\xfe[^\r\n\0]{510}", "closed"),
    "OTHER_PROTOCOL": (rb"SSH-2\.0-\S+\r\n", "closed"),
    "BAD_STATUS": (rb"HTTP/1\.1 two OK\r\n" + LENGTH + rb"\r\n0123456789", "closed"),
    "NO_HEAD": (rb"0123456789", "closed"),
    "TWO_LENGTHS": (OK + LENGTH + rb"Content-Length: 11\r\n\r\n0123456789", "closed"),
    "NEGATIVE_LENGTH": (OK + rb"Content-Length: -1\r\n\r\n0123456789", "closed"),
    "WORDY_LENGTH": (OK + rb"Content-Length: ten\r\n\r\n0123456789", "closed"),
    "LENGTH_AND_CHUNKS": (OK + LENGTH + CHUNKED + rb"a\r\n0123456789\r\n0\r\n\r\n", "closed"),
    "UNKNOWN_TRANSFER": (OK + rb"Transfer-Encoding: oneiric\r\n\r\n0123456789", "closed"),
    "HUGE_HEADER": (OK + LENGTH + rb"X-Huge: (h{1024}){1024}\r\n\r\n0123456789", "closed"),
    "MANY_HEADERS": (OK + LENGTH + rb"(X-\d+: 1\r\n){10000}\r\n0123456789", "closed"),
    "NUL_HEADER": (OK + LENGTH + rb"X-Odd: nothing\0here\r\n\r\n0123456789", "closed"),
    "NAMELESS_HEADER": (OK + LENGTH + rb"no colon here\r\n\r\n0123456789", "closed"),
    "EARLY_ANSWERS": (rb"(HTTP/1\.1 103 Early Hints\r\n\r\n){200}" + OK + LENGTH + rb"\r\n0123456789", "closed"),
    "WRONG_ENCODING": (OK + LENGTH + rb"Content-Encoding: gzip\r\n\r\n0123456789", "closed"),
    "UNKNOWN_ENCODING": (OK + LENGTH + rb"Content-Encoding: oneiric\r\n\r\n0123456789", "closed"),
    "UNASKED_GZIP": (OK + GZIP + rb"\x1f\x8b.+", "closed"),
    "CUT_GZIP": (OK + GZIP + rb"\x1f\x8b.+", "closed"),
    "GZIP_BOMB": (OK + GZIP + rb"\x1f\x8b.+", "closed"),
    "CHANGED": (OK + LENGTH + rb"\r\n0123446789", "kept"),
    "EMPTY": (OK + rb"Content-Length: 0\r\n\r\n", "kept"),
    "NO_CONTENT": (rb"HTTP/1\.1 204 No Content\r\n\r\n", "kept"),
    "UNASKED_PART": (
        rb"HTTP/1\.1 206 \S+ \S+\r\nContent-Length: 5\r\nContent-Range: bytes 0-4/10\r\n\r\n01234",
        "kept",
    ),
    "OTHER_PART": (rb"HTTP/1\.1 206 \S+ \S+\r\nContent-Length: 5\r\nContent-Range: bytes 5-9/10\r\n\r\n01234", "kept"),
    "LOOP": (rb"HTTP/1\.1 302 Found\r\nLocation: /LOOP\r\nContent-Length: 0\r\n\r\n", "kept"),
    "FOREVER": (rb"HTTP/1\.1 302 Found\r\nLocation: /FOREVER\?hop=1\r\nContent-Length: 0\r\n\r\n", "kept"),
    "NOWHERE": (rb"HTTP/1\.1 302 Found\r\nContent-Length: 0\r\n\r\n", "kept"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[ArtifactServer]:
    with ArtifactServer() as server:
        for kind in WireFault:
            server.on(f"/{kind.name}", Broken(kind, BODY))
        yield server


@pytest.fixture
def of(server: ArtifactServer, clients) -> Of:
    """What a bare socket sees of a fault."""
    return lambda fault: clients.raw(server.on("/it", fault), "Connection: close")


def test_each_fault_is_described_here() -> None:
    """But for the one that has no last byte."""
    assert set(EXPECTED) | {"ENDLESS"} == {kind.name for kind in WireFault}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_fault_on_the_wire(server: ArtifactServer, clients, of: Of, name: str) -> None:
    pattern, end = EXPECTED[name]
    seen = clients.raw(server.url_of(f"/{name}"), "Connection: close", patience=0.2 if end == "open" else 30.0)
    assert re.fullmatch(pattern, seen.data, re.DOTALL), seen.data[:300]
    assert seen.end == {"kept": "closed"}.get(end, end)


@pytest.mark.parametrize("name", [name for name, (_, end) in EXPECTED.items() if end == "kept"])
def test_a_connection_that_is_kept_serves_the_next_request(server: ArtifactServer, clients, name: str) -> None:
    server.serve("/next", b"next")
    both = f"GET /{name} HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\nConnection: close\r\n\r\n"
    seen = clients.talk(server.port, both.encode())
    assert (seen.data[-8:], seen.end) == (b"\r\n\r\nnext", "closed")


def test_the_endless_has_more_than_anybody_reads(server: ArtifactServer, clients, of: Of) -> None:
    seen = clients.raw(server.url_of("/ENDLESS"))
    assert seen.end == "open"
    assert re.match(rb"HTTP/1\.1 200 OK\r\nConnection: close\r\n\r\n(0123456789){1000}", seen.data)


def test_a_drip_comes_in_pieces(server: ArtifactServer, clients) -> None:
    """Of the size asked for, with the last one what is left."""
    clients.raw(server.serve("/asked", b""), "Connection: close")
    steps = list(Broken(WireFault.DRIP, BODY, amount=4, pause=0.5).steps(server.requests_to("/asked")[0]))
    assert [len(step.data) for step in steps[2::2]] == [4, 4, 2]  # type: ignore[union-attr]
    assert {step.seconds for step in steps[1::2]} == {0.5}  # type: ignore[union-attr]


def test_the_bomb_unpacks_to_zeros_of_the_size_asked_for(of: Of) -> None:
    for size in (1, 1 << 20, (3 << 20) + 17):
        seen = of(Broken(WireFault.GZIP_BOMB, amount=size))
        assert zlib.decompress(seen.body, wbits=31) == bytes(size)
        assert len(seen.body) < 1000 + size // 500


def test_unasked_gzip_is_the_body_and_cut_gzip_the_beginning_of_it(of: Of) -> None:
    body = bytes(range(256)) * 8
    whole, cut = (of(Broken(kind, body)).body for kind in (WireFault.UNASKED_GZIP, WireFault.CUT_GZIP))
    assert zlib.decompress(whole, wbits=31) == body
    assert cut == whole[: len(whole) // 2]


@pytest.mark.parametrize(("at", "there"), [(0, b""), (1, b"0"), (9, b"012345678")])
def test_the_place_where_it_goes_wrong_can_be_chosen(of: Of, at: int, there: bytes) -> None:
    assert of(Broken(WireFault.SHORT, BODY, at=at)).body == there
    assert of(Broken(WireFault.RESET_BODY, BODY, at=at)).body == there
    chunk = b"%x\r\n%b\r\n" % (at, there) if at else b""
    assert of(Broken(WireFault.BROKEN_CHUNKS, BODY, at=at)).body == chunk + b"many\r\n"


def test_a_reset_comes_after_a_large_part_has_gone_through(of: Of) -> None:
    body = bytes(8 << 20)
    seen = of(Broken(WireFault.RESET_BODY, body))
    assert (len(seen.body), seen.end) == (len(body) // 2, "reset")


def test_other_amounts(of: Of) -> None:
    assert of(Broken(WireFault.LONG, BODY, amount=3)).body == BODY + b"+++"
    assert len(of(Broken(WireFault.GARBAGE, amount=7)).data) == 7
    assert of(Broken(WireFault.MANY_HEADERS, amount=3)).head.count(b"\r\nX-") == 3
    assert of(Broken(WireFault.EARLY_ANSWERS, amount=3)).data.count(b"HTTP/1.1 103") == 3


def test_redirects_go_on_from_where_they_are(server: ArtifactServer, clients, of: Of) -> None:
    assert b"Location: /FOREVER?hop=8\r\n" in clients.raw(server.url_of("/FOREVER?hop=7"), "Connection: close").data


def test_what_changes_one_bit_changes_an_empty_body_as_well(of: Of) -> None:
    assert of(Broken(WireFault.CHANGED, b"")).body != b""
