"""Whom the HTTP fetcher asks, what it sends to whom, and where it follows to."""

import ipaddress
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneiric_core import AddressPolicy, Answer
from oneiric_core.errors import RefusedFetchError, TransientFetchError
from oneiric_core.testing import ArtifactServer, Redirect, Reply, Tls

BODY = b"an artifact"
SECRET = {"Authorization": "Bearer sesame", "X-Api-Key": "sesame"}


async def read(answer: Answer) -> bytes:
    return b"".join([chunk async for chunk in answer.chunks])


async def get(fetcher: Any, url: str, **options: Any) -> bytes:
    content: bytes = await fetcher.fetch(fetcher.artifact(url, **options), read)
    return content


@pytest.fixture
def other() -> Iterator[ArtifactServer]:
    with ArtifactServer() as server:
        yield server


def secrets_in(server: ArtifactServer) -> list[bool]:
    """Of each request, whether it has any of the secret headers."""
    return ["sesame" in str(request.headers) for request in server.requests]


# --- what is sent --------------------------------------------------------------------------------------------------


async def test_what_is_asked_for_is_sent_as_it_is(server: ArtifactServer, fetching: Any) -> None:
    url = server.serve("/a%2Fb;c?X-Signature=%2B%3D", BODY)
    assert await get(fetching.fetcher(), url + "#fragment", headers=SECRET) == BODY
    (request,) = server.requests
    assert (request.method, request.target) == ("GET", "/a%2Fb;c?X-Signature=%2B%3D")
    assert request.header("Host") == f"127.0.0.1:{server.port}"
    assert request.header("Accept-Encoding") == "identity"
    assert request.header("Authorization") == "Bearer sesame"
    assert request.header("If-None-Match") is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "elsewhere"}, {"hOsT": "elsewhere"}, {"Accept-Encoding": "gzip"}, {"Content-Length": "5"},
        {"Transfer-Encoding": "chunked"}, {"Connection": "keep-alive"}, {"Range": "bytes=0-1"}, {"If-None-Match": "*"},
        {"Expect": "100-continue"}, {"Upgrade": "h2c"}, {"Proxy-Authorization": "x"}, {"": "x"}, {"a b": "x"},
        {"a:": "x"}, {"a\r\nb": "x"}, {"X": "a\r\nEvil: 1"}, {"X": "a\nb"}, {"X": "a\0b"}, {"X": "ü\u2028"},
        {"X": " a"},
    ],
    ids=str,
)  # fmt: skip
async def test_headers_that_are_not_the_callers_to_set_are_refused_before_anything_is_sent(
    headers: dict[str, str], server: ArtifactServer, fetching: Any
) -> None:
    with pytest.raises(RefusedFetchError, match="header") as caught:
        await get(fetching.fetcher(), server.serve("/a", BODY), headers=headers)
    assert server.requests == ()
    assert all(value not in str(caught.value) for value in headers.values() if len(value) > 1)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"])
async def test_proxies_of_the_environment_are_not_used(
    variable: str, server: ArtifactServer, other: ArtifactServer, fetching: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, other.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert await get(fetching.fetcher(), server.serve("/a", BODY)) == BODY
    assert (other.requests, other.unexpected) == ((), ())


async def test_credentials_of_the_environment_are_not_sent(
    server: ArtifactServer, fetching: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password sesame\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    await get(fetching.fetcher(), server.serve("/a", BODY))
    assert server.requests[0].header("Authorization") is None


async def test_cookies_are_not_kept(server: ArtifactServer, fetching: Any) -> None:
    fetcher = fetching.fetcher()
    url = server.on("/a", Reply(BODY, headers=(("Set-Cookie", "id=sesame; Path=/"),)))
    for _ in range(2):
        await get(fetcher, url)
    assert [request.header("Cookie") for request in server.requests] == [None, None]


# --- where it follows to -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(status: int, server: ArtifactServer, fetching: Any) -> None:
    server.serve("/b/c", BODY)
    for to in ("/b/c", "b/c", server.url_of("/b/c"), "./x/../b/c", f"//127.0.0.1:{server.port}/b/c"):
        url = server.on("/a", Redirect(to, status=status))
        assert await get(fetching.fetcher(), url) == BODY


@pytest.mark.parametrize("hops", [5, 6])
async def test_five_redirects_are_followed_and_not_six(hops: int, server: ArtifactServer, fetching: Any) -> None:
    for number in range(hops):
        server.on(f"/{number}", Redirect(f"/{number + 1}"))
    server.serve(f"/{hops}", BODY)
    if hops == 5:
        assert await get(fetching.fetcher(), server.url_of("/0")) == BODY
    else:
        with pytest.raises(RefusedFetchError, match="still redirects after 5"):
            await get(fetching.fetcher(), server.url_of("/0"))
        assert server.requests_to("/6") == ()


@pytest.mark.parametrize(
    "to",
    [
        "file:///etc/passwd", "ftp://127.0.0.1/", "data:,x", "javascript:1", "gopher://127.0.0.1/", "https://127.0.0.1/",
        "", "\\\\host\\x", "http://127.1/", "http://0x7f000001/", "http://user:x@127.0.0.1/", "http://[::1%25lo]/",
        "http://", "http:", "//", "http:b",
        "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://8.8.8.8/", "//10.0.0.1/",
    ],
)  # fmt: skip
async def test_where_nothing_would_be_fetched_from_is_not_redirected_to(
    to: str, server: ArtifactServer, fetching: Any
) -> None:
    server.serve("/good", BODY)
    with pytest.raises(RefusedFetchError):
        await get(fetching.fetcher(attempts=3), server.on("/a", Redirect(to)))
    assert len(server.requests_to("/a")) == 1
    server.on("/a", Redirect("/good"))
    assert await get(fetching.fetcher(), server.url_of("/a")) == BODY


async def test_encryption_is_not_given_up_by_a_redirect(server: ArtifactServer, fetching: Any) -> None:
    with ArtifactServer(tls=Tls.GOOD) as secure:
        fetcher = fetching.fetcher(tls=secure.certificates.client_context())
        secure.serve("/good", BODY)
        server.serve("/good", BODY)
        with pytest.raises(RefusedFetchError, match="same scheme"):
            await get(fetcher, secure.on("/a", Redirect(server.url_of("/good"))))
        assert server.requests == ()
        assert await get(fetcher, secure.on("/a", Redirect("/good"))) == BODY


async def test_two_places_at_once_are_none(server: ArtifactServer, fetching: Any) -> None:
    url = server.on("/a", Reply(status=302, headers=(("Location", "/b"), ("Location", "/c"))))
    with pytest.raises(RefusedFetchError, match="2 places"):
        await get(fetching.fetcher(), url)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(route=st.lists(st.sampled_from(["home", "localhost", "other"]), max_size=5))
async def test_headers_reach_the_origin_they_are_for_on_any_route_and_no_other(route: list[str], fetching: Any) -> None:
    """Host and port count: another port, or another name of the same machine, is another origin."""
    with ArtifactServer() as home, ArtifactServer() as away:
        stops = [*zip(["home", *route], range(len(route) + 1), strict=True)]

        def url(place: str, number: int) -> str:
            server = away if place == "other" else home
            return server.url_of(f"/{place}{number}", host="localhost" if place == "localhost" else "127.0.0.1")

        for (place, number), following in zip(stops, [*stops[1:], None], strict=True):
            server = away if place == "other" else home
            server.on(f"/{place}{number}", Reply(BODY) if following is None else Redirect(url(*following)))
        policy = AddressPolicy(http_to_loopback=True)
        assert await get(fetching.fetcher(addresses=policy), url(*stops[0]), headers=SECRET) == BODY
        assert secrets_in(home) == [place == "home" for place, _ in stops if place != "other"]
        assert secrets_in(away) == [False] * len(away.requests)
        assert len(home.requests) + len(away.requests) == len(stops)


# --- whom it connects to -------------------------------------------------------------------------------------------


async def test_the_name_stays_the_name_for_the_server_and_for_tls(fetching: Any) -> None:
    """The connection goes to the address; Host and the certificate are those of the name."""
    with ArtifactServer(tls=Tls.GOOD) as server:
        url = f"https://localhost:{server.port}/a"
        server.serve("/a", BODY)

        async def resolve(host: str) -> list[str]:
            assert host in {"localhost", "elsewhere.example"}
            return ["127.0.0.1"]

        fetcher = fetching.fetcher(tls=server.certificates.client_context(), resolve=resolve)
        assert await get(fetcher, url) == BODY
        assert server.requests[0].header("Host") == f"localhost:{server.port}"
        with pytest.raises(RefusedFetchError, match="certificate"):
            await get(fetcher, url.replace("localhost", "elsewhere.example"))


async def test_a_name_that_is_resolved_to_another_address_later_is_not_followed_there(
    server: ArtifactServer, fetching: Any
) -> None:
    """DNS rebinding: a name is resolved once for each connection, and the answer that was checked is the one used."""
    answers = [["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]]
    asked = []

    async def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    fetcher = fetching.fetcher(resolve=resolve)
    url = server.serve("/a", BODY).replace("127.0.0.1", "acme.example")
    assert await get(fetcher, url) == BODY
    assert asked == ["acme.example"]
    with pytest.raises(RefusedFetchError, match=r"10\.0\.0\.1 \(not loopback\)"):
        await get(fetcher, url)
    assert await get(fetcher, url) == BODY


async def test_of_several_addresses_the_first_that_is_allowed_and_answers_is_used(
    server: ArtifactServer, fetching: Any
) -> None:
    async def resolve(host: str) -> list[str]:
        return ["10.0.0.1", "127.9.9.9", "::ffff:10.0.0.1", "127.0.0.1"]

    url = server.serve("/a", BODY).replace("127.0.0.1", "acme.example")
    assert await get(fetching.fetcher(resolve=resolve), url) == BODY


@pytest.mark.parametrize("answer", [OSError(-2, "Name or service not known"), []])
async def test_a_name_without_an_address_may_have_one_later(answer: Any, fetching: Any) -> None:
    async def resolve(host: str) -> list[str]:
        if isinstance(answer, OSError):
            raise answer
        return list(answer)

    with pytest.raises(TransientFetchError, match=r"resolved|no address"):
        await get(fetching.fetcher(resolve=resolve), "https://acme.example/")


async def test_nobody_at_the_other_end_may_be_somebody_later(fetching: Any) -> None:
    with ArtifactServer() as server:
        url = server.url_of("/a")
    with pytest.raises(TransientFetchError, match="cannot be reached"):
        await get(fetching.fetcher(), url)


async def test_http_is_off_unless_allowed(server: ArtifactServer, fetching: Any) -> None:
    with pytest.raises(RefusedFetchError, match="by http"):
        await get(fetching.fetcher(addresses=AddressPolicy(["127.0.0.0/8"])), server.serve("/a", BODY))
    assert server.requests == ()


WATCHED = """
import asyncio, json, sys
from oneiric_core import AddressPolicy, FetchLimits, HttpFetcher
from oneiric_core.errors import FetchError

connected = []
def watch(event, arguments):
    if event == "socket.connect":
        connected.append(arguments[1])
sys.addaudithook(watch)

async def resolve(host):
    return [host.removesuffix(".example").removeprefix("at-").replace("-", "." if host.count("-") == 4 else ":")]

async def main(urls, allowed):
    policy = AddressPolicy(http_to_loopback=True)
    fetcher = HttpFetcher(addresses=policy, limits=FetchLimits(attempts=2), resolve=resolve)
    async def take(answer):
        return [chunk async for chunk in answer.chunks]
    outcomes = []
    for url in urls:
        try:
            await fetcher.fetch(fetcher.artifact(url), take)
            outcomes.append("fetched")
        except FetchError as error:
            outcomes.append(type(error).__name__)
    refused = [*connected]
    await fetcher.fetch(fetcher.artifact(allowed), take)
    return outcomes, refused, connected[len(refused):]

print(json.dumps(asyncio.run(main(json.loads(sys.argv[1]), sys.argv[2]))))
"""


def test_no_socket_is_connected_to_a_refused_address(server: ArtifactServer) -> None:
    """Seen by the interpreter's own audit hook, whoever opens it; with a control that shows that it sees."""
    addresses = [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
        "0.0.0.0",  # noqa: S104 - not bound to
        "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::1", "2002:a00:1::1", "::7f00:1",
    ]  # fmt: skip
    literal = [f"[{text}]" if ":" in text else text for text in addresses]
    named = [f"at-{'-'.join(text.split('.'))}.example" for text in addresses if ":" not in text]
    spelt = ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1.", "[::1%25lo]", "localhost."]
    urls = [f"https://{host}:{server.port}/a" for host in (*literal, *named, *spelt)]
    urls += [server.on(f"/to{number}", Redirect(url)) for number, url in enumerate(urls)]
    mine = [url for url in urls if url.startswith("http:")]
    run = subprocess.run(
        [sys.executable, "-c", WATCHED, json.dumps(urls), server.serve("/a", BODY)],
        capture_output=True, text=True, check=True, timeout=120, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    outcomes, during, control = json.loads(run.stdout)
    assert set(outcomes) == {"RefusedFetchError"}
    assert during == [["127.0.0.1", server.port]] * len(mine), "only to where the redirects come from"
    assert control == [["127.0.0.1", server.port]]
    assert len(server.requests_to("/a")) == 1
    assert all(ipaddress.ip_address(text) for text in addresses)
