"""The scripted server as a good server, and what it says of requests that nobody scripted."""

import asyncio
import http.client
import socket
import ssl
import subprocess
import sys
import threading
import time

import httpx
import pytest

from oneiric_core import ViolationError
from oneiric_core.testing import ArtifactServer, Broken, End, Raw, Redirect, Reply, Script, WireFault

BODY = b"0123456789"
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing here uses TLS, and making the usual one takes 30 ms


def get(url: str, **headers: str) -> httpx.Response:
    with httpx.Client(trust_env=False, verify=PLAIN, timeout=30) as client:
        return client.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})


def one_answer(*scripts: Script, **headers: str) -> httpx.Response:
    with ArtifactServer() as server:
        return get(server.on("/it", *scripts), **headers)


# --- a good server ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("size", [0, 1, 8192, 20_000])
def test_the_body_arrives_in_each_framing(framing: str, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    answer = one_answer(Reply(body, framing=framing))
    assert (answer.status_code, answer.content) == (200, body)


@pytest.mark.parametrize(
    ("asked", "status", "there", "told"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, BODY, "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=5-4", 416, b"", "bytes */10"),
        ("bytes=0-1,4-5", 200, BODY, None),
        ("bytes=-", 200, BODY, None),
        ("lines=1-2", 200, BODY, None),
    ],
)
def test_a_range_is_answered_with_a_part(asked: str, status: int, there: bytes, told: str | None) -> None:
    answer = one_answer(Reply(BODY), Range=asked)
    assert (answer.status_code, answer.content, answer.headers.get("Content-Range")) == (status, there, told)
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_a_server_without_ranges_sends_the_whole() -> None:
    answer = one_answer(Reply(BODY, ranges=False), Range="bytes=0-3")
    assert (answer.status_code, answer.content, "Accept-Ranges" in answer.headers) == (200, BODY, False)


def test_a_range_of_something_that_has_changed_is_answered_with_the_whole() -> None:
    script = Reply(BODY, etag='"new"')
    assert one_answer(script, Range="bytes=4-", If_Range='"new"').content == b"456789"
    assert one_answer(script, Range="bytes=4-", If_Range='"old"').content == BODY


@pytest.mark.parametrize("asked", ['"v1"', 'W/"v1"', '"v0", "v1"', "*"])
def test_who_has_it_already_is_told_so(asked: str) -> None:
    answer = one_answer(Reply(BODY, etag='"v1"'), If_None_Match=asked)
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", '"v1"')


def test_who_has_another_version_is_given_this_one() -> None:
    answer = one_answer(Reply(BODY, etag='W/"v2"'), If_None_Match='"v1"')
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (200, BODY, 'W/"v2"')


def test_a_head_has_the_same_headers_and_no_body() -> None:
    with ArtifactServer() as server, httpx.Client(trust_env=False, verify=PLAIN) as client:
        url = server.on("/it", Reply(BODY, etag='"v1"', headers=(("X-More", "yes"),)))
        head, whole = client.head(url), client.get(url)
        assert head.content == b""
        assert dict(head.headers) == dict(whole.headers)
        assert len(server.requests) == 2


def test_busy_says_when_to_come_again() -> None:
    first = one_answer(Reply.busy(7))
    assert (first.status_code, first.headers["Retry-After"]) == (503, "7")
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert one_answer(Reply.busy(date, status=429)).headers["Retry-After"] == date


@pytest.mark.parametrize(
    "to",
    ["/other", "other", "../up", "//elsewhere.invalid/x", "file:///etc/passwd", "ftp://a/b", "", "http://[::1]:1/"],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_names_any_place(to: str, status: int) -> None:
    answer = one_answer(Redirect(to, status))
    assert (answer.status_code, answer.headers["Location"]) == (status, to)


def test_raw_bytes_are_sent_as_they_are(clients) -> None:
    with ArtifactServer() as server:
        closed = clients.raw(server.on("/closed", Raw(b"one\0two")))
        reset = clients.raw(server.on("/reset", Raw(b"one", end=End.RESET)))
    assert (closed.data, closed.end) == (b"one\0two", "closed")
    assert (reset.data, reset.end) == (b"one", "reset")


def test_one_connection_serves_many_requests() -> None:
    with ArtifactServer() as server:
        server.serve("/it", BODY)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        ports = set()
        for _ in range(3):
            connection.request("GET", "/it")
            assert connection.getresponse().read() == BODY
            ports.add(connection.sock.getsockname()[1])
        connection.close()
    assert len(ports) == 1


def test_a_reply_that_does_not_keep_the_connection_says_so_and_closes_it(clients) -> None:
    with ArtifactServer() as server:
        seen = clients.raw(server.on("/it", Reply(BODY, keep=False)))
    assert b"\r\nConnection: close" in seen.head
    assert (seen.body, seen.end) == (BODY, "closed")


# --- sequences and the log -------------------------------------------------------------------------------------------


def test_scripts_follow_each_other_and_the_last_stays() -> None:
    with ArtifactServer() as server:
        url = server.on("/it", Reply.busy(), Broken(WireFault.EMPTY), Reply(BODY))
        assert [get(url).status_code for _ in range(4)] == [503, 200, 200, 200]
        assert get(url).content == BODY


def test_a_sequence_that_is_not_repeated_ends() -> None:
    with ArtifactServer() as server:
        url = server.on("/it", Reply(b"once"), repeat=False)
        assert [get(url).status_code for _ in range(2)] == [200, 404]
        assert [unexpected.what for unexpected in server.unexpected] == ["GET /it"]


def test_a_script_with_a_query_is_for_that_query_only() -> None:
    with ArtifactServer() as server:
        special, plain = server.serve("/it?a=1", b"special"), server.serve("/it", b"plain")
        assert [get(url).content for url in (special, plain, f"{plain}?a=2")] == [b"special", b"plain", b"plain"]


def test_requests_are_kept_as_they_came() -> None:
    with ArtifactServer() as server, httpx.Client(trust_env=False, verify=PLAIN) as client:
        client.put(server.serve("/a", b""), content=b"sent", headers={"X-One": "1"}, params={"q": "x y"})
        (request,) = server.requests_to("/a")
    assert (request.method, request.target, request.body) == ("PUT", "/a?q=x+y", b"sent")
    assert (request.path, request.query, str(request)) == ("/a", "q=x+y", "PUT /a?q=x+y")
    assert (request.header("x-one"), request.header("X-Two")) == ("1", None)


def test_a_held_answer_waits_for_its_release() -> None:
    with ArtifactServer() as server:
        url, got = server.on("/it", Reply(BODY, held=True)), []
        asking = threading.Thread(target=lambda: got.append(get(url).content))
        asking.start()
        server.wait_for("/it")
        assert got == []
        server.release()
        asking.join(30)
        assert got == [BODY]
        assert get(url).content == BODY, "what was released stays so"


async def test_a_coroutine_can_wait_for_requests() -> None:
    with ArtifactServer() as server:
        url = server.on("/it", Reply(held=True))
        async with httpx.AsyncClient(trust_env=False, verify=PLAIN, timeout=30) as client, asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(client.get(url))
            assert len(await asyncio.to_thread(server.wait_for, "/it", 2)) == 2
            server.release()


def test_waiting_in_vain_says_what_came_instead() -> None:
    with ArtifactServer() as server:
        get(server.serve("/other", b""))
        with pytest.raises(ViolationError, match=r"0 of 1 requests for /it came within 0 s \(all: GET /other\)"):
            server.wait_for("/it", within=0)


# --- strict ----------------------------------------------------------------------------------------------------------


def test_what_has_no_script_is_not_found_and_noted() -> None:
    with ArtifactServer() as server:
        server.serve("/wheel.whl", BODY)
        assert get(server.url_of("/whel.whl")).status_code == 404
        assert [str(each) for each in server.unexpected] == ["GET /whel.whl: Did you mean /wheel.whl?"]


def test_a_strict_server_fails_at_its_end_after_an_unexpected_request() -> None:
    server = ArtifactServer(strict=True).start()
    server.serve("/wheel.whl", BODY)
    get(server.url_of("/whel.whl"))
    with pytest.raises(ViolationError, match=r"(?s)GET /whel\.whl: Did you mean /wheel\.whl\?.*on\(path"):
        server.stop()
    server.stop()  # it is told once


def test_an_unexpected_request_is_told_with_where_it_came_from() -> None:
    server = ArtifactServer(strict=True).start()
    server.serve("/wheel.whl", BODY)
    secret = {"Authorization": "Bearer s3cret", "X-Long": "x" * 1000, "X-Odd": "\u00e9\x1b[2J".encode("latin-1")}
    with httpx.Client(trust_env=False) as client:
        client.get(server.url_of("/whel.whl"), headers=secret)
    (unexpected,) = server.unexpected
    assert unexpected.known == ("/wheel.whl",)
    assert any(line.startswith(f"{__file__}:") for line in unexpected.connected)
    with pytest.raises(ViolationError) as caught:
        server.stop()
    told = str(caught.value)
    assert f"came from {unexpected.peer}\n" in told
    assert "User-Agent: python-httpx/" in told
    assert "there are scripts for /wheel.whl\n" in told
    assert "connected at\n" in told
    assert all(f"        {line}\n" in told for line in unexpected.connected)
    assert "Authorization: (not shown)" in told
    assert "s3cret" not in told
    assert "x" * 201 not in told
    assert "\x1b" not in told


def test_what_another_process_asks_has_no_stack() -> None:
    server = ArtifactServer(strict=True).start()
    code = f"import urllib.request as r; r.urlopen({server.url_of('/nothing')!r})"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
    (unexpected,) = server.unexpected
    assert unexpected.connected == unexpected.waiting == ()
    with pytest.raises(ViolationError, match=r"(?s)User-Agent: Python-urllib/.*there is no script at all\nScript it"):
        server.stop()


def test_of_very_many_unexpected_requests_the_first_are_told() -> None:
    server = ArtifactServer(strict=True).start()
    for number in range(30):
        get(server.url_of(f"/{number}"))
    with pytest.raises(ViolationError, match=r"(?s)GET /11.*and 18 more") as caught:
        server.stop()
    assert "GET /12" not in str(caught.value)


def test_a_strict_server_is_content_with_what_was_expected() -> None:
    with ArtifactServer(strict=True) as server:
        get(server.serve("/it", BODY))
        server.check()


def test_an_error_in_the_block_is_not_hidden_by_what_the_server_saw() -> None:
    def block() -> None:
        with ArtifactServer(strict=True) as server:
            get(server.url_of("/nothing"))
            raise KeyError

    with pytest.raises(KeyError):
        block()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"nonsense\r\n\r\n", "begins with 'nonsense'"),
        (b"GET / HTTP/1.1\r\nHo", "ended in the middle"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", "more than 65,536 bytes"),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding"),
        (b"PUT / HTTP/1.1\r\nContent-Length: -4\r\n\r\n", "Content-Length of -4"),
        (b"PUT / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", "Content-Length of 99999999999"),
        (b"PUT / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab", "after 2 of 4 bytes"),
    ],
)
def test_what_is_no_request_is_noted_with_the_reason(sent: bytes, why: str) -> None:
    with ArtifactServer() as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
        (unexpected,) = server.unexpected
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert why in str(unexpected)


def test_a_body_is_asked_for_where_the_client_waits_to_be_asked(clients) -> None:
    with ArtifactServer() as server:
        server.serve("/it", b"thanks")
        head = b"PUT /it HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        seen = clients.talk(server.port, head + b"ab")
        assert seen.data.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
        assert server.requests[0].body == b"ab"


def test_a_client_that_comes_and_goes_is_no_request() -> None:
    with ArtifactServer(strict=True) as server:
        socket.create_connection(("127.0.0.1", server.port)).close()
        get(server.serve("/it", BODY))
        assert server.unexpected == ()


# --- coming and going ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [WireFault.SILENT, WireFault.STALLED_BODY, WireFault.ENDLESS])
def test_stopping_waits_for_nobody(fault: WireFault) -> None:
    """Neither for a client that does not read nor for one that is not answered."""
    server = ArtifactServer().start()
    server.on("/it", Broken(fault, BODY))
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"GET /it HTTP/1.1\r\n\r\n")
        server.wait_for("/it")
        before = time.monotonic()
        server.stop()
        assert time.monotonic() - before < 20
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=30)


def test_nothing_is_left_behind() -> None:
    before = set(threading.enumerate())
    with ArtifactServer() as server:
        get(server.serve("/it", BODY))
    server.stop()
    assert set(threading.enumerate()) == before


def test_the_url_has_a_second_host() -> None:
    with ArtifactServer() as server:
        server.serve("/it", BODY)
        assert get(server.url_of("/it", host="localhost")).content == BODY
        assert server.url == f"http://127.0.0.1:{server.port}"
