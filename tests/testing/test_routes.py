"""The routes answer as the server does, without a wire."""

import subprocess
import sys

import httpx
import pytest

from oneiric_core import MisuseError, ViolationError
from oneiric_core.testing import ArtifactRoutes, ArtifactServer, Broken, Raw, Redirect, Reply, WireFault

URL = "https://acme.test/acme.whl"
REPLIES = [
    Reply(b"0123456789", etag='"v1"'),
    Reply(b"0123456789", framing="chunked"),
    Reply(b"0123456789", framing="close", headers=(("X-More", "yes"),)),
    Reply.busy(3),
    Reply(b"gone", status=410),
    Redirect("/other", 307),
    Redirect(None),
]
ASKED = [{}, {"Range": "bytes=2-4"}, {"Range": "bytes=99-"}, {"If-None-Match": '"v1"'}]


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize("script", REPLIES, ids=str)
def test_the_answer_is_that_of_the_server(script, asked: dict[str, str]) -> None:
    with ArtifactServer() as server, httpx.Client(trust_env=False) as client:
        wired = client.get(server.on("/it", script), headers=asked)
    with ArtifactRoutes() as routes:
        routed = httpx.get(routes.on(URL, script), headers=asked)
    assert (routed.status_code, routed.content) == (wired.status_code, wired.content)
    told = {name: value for name, value in wired.headers.items() if name not in {"transfer-encoding", "connection"}}
    assert {name: value for name, value in routed.headers.items() if name != "content-length"} == {
        name: value for name, value in told.items() if name != "content-length"
    }


async def test_coroutines_are_answered_as_well() -> None:
    with ArtifactRoutes() as routes:
        url = routes.on(URL, Reply.busy(), Reply(b"there"))
        async with httpx.AsyncClient() as client:
            assert [(await client.get(url)).status_code for _ in range(3)] == [503, 200, 200]
        assert [str(request) for request in routes.requests] == [f"GET {URL}"] * 3


def test_a_query_may_have_a_script_of_its_own() -> None:
    with ArtifactRoutes() as routes:
        routes.serve(URL, b"plain")
        routes.serve(f"{URL}?v=2", b"two")
        assert [httpx.get(f"{URL}{query}").content for query in ("", "?v=1", "?v=2")] == [b"plain", b"plain", b"two"]


def test_what_has_no_script_is_not_found_and_fails_a_strict_one() -> None:
    routes = ArtifactRoutes(strict=True)

    def block() -> None:
        with routes:
            routes.serve(URL, b"")
            assert httpx.get("https://acme.test/acm.whl").status_code == 404

    with pytest.raises(ViolationError, match=r"GET https://acme\.test/acm\.whl: Did you mean https://acme"):
        block()
    routes.check()


def test_an_error_in_the_block_is_not_hidden() -> None:
    def block() -> None:
        with ArtifactRoutes(strict=True):
            httpx.get("https://acme.test/nothing")
            raise KeyError

    with pytest.raises(KeyError):
        block()


def test_afterwards_httpx_is_as_it_was() -> None:
    with ArtifactRoutes() as routes:
        routes.serve("http://127.0.0.1:1/", b"")
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://127.0.0.1:1/")


MISUSES = {
    "a path": (lambda routes: routes.on("/acme.whl", Reply()), "'/acme.whl' is no URL. Begin it with https://"),
    "no script": (lambda routes: routes.on(URL), "no script for"),
    "a fault": (lambda routes: routes.on(URL, Broken(WireFault.SHORT)), "needs a wire. Use the artifact server for it"),
    "raw bytes": (lambda routes: routes.on(URL, Raw(b"x")), "needs a wire"),
    "a held answer": (lambda routes: routes.on(URL, Reply(held=True)), "needs a wire"),
}


@pytest.mark.parametrize(("act", "told"), MISUSES.values(), ids=MISUSES)
def test_a_misuse_says_what_to_do(act, told: str) -> None:
    with pytest.raises(MisuseError) as caught:
        act(ArtifactRoutes())
    assert told in str(caught.value)


def test_without_the_extra_it_says_how_to_install_it() -> None:
    code = """
import sys
sys.modules["respx"] = None
from oneiric_core.testing import ArtifactRoutes
try:
    ArtifactRoutes()
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "artifact routes need respx. Install it with: pip install 'oneiric-core[testing]'.\n"
