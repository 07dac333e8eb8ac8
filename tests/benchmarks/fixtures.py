"""What each fixture costs, set-up and tear-down, beside the usual server fixtures."""

import asyncio
import http.client
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from measure import Figure, median_of
from pytest_httpserver import HTTPServer
from pytest_localserver.http import ContentServer

from oneiric_core.testing import (
    ArtifactRoutes,
    ArtifactServer,
    BadManifestFactory,
    CacheSandbox,
    FaultPlans,
    FrozenClock,
    Keys,
    ManifestFactory,
    RuntimeHarness,
    Tls,
    WheelFactory,
)

ROUNDS = 25
BODY = b"an artifact"
ENTRY = ManifestFactory().entry("task", "sample", "acme", "acme:Sample")


def seconds(work: Callable[[], object]) -> float:
    """Median of one round, after one that warms up."""
    work()

    def measure() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return median_of(ROUNDS, measure)


def get(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/it")
    body = connection.getresponse().read()
    connection.close()
    return body


def ours() -> None:
    with ArtifactServer() as server:
        server.serve("/it", BODY)
        get(server.port)


def with_tls() -> None:
    with ArtifactServer(tls=Tls.GOOD):
        pass


def httpserver() -> None:
    with HTTPServer(host="127.0.0.1", port=0) as server:
        server.expect_request("/it").respond_with_data(BODY)
        get(server.port)


def localserver() -> None:
    server = ContentServer(host="127.0.0.1", port=0)
    server.start()
    server.serve_content(BODY)
    get(server.server_address[1])
    server.stop()


def routes() -> None:
    with ArtifactRoutes() as made:
        made.serve("https://acme.test/it", BODY)


def sandbox() -> None:
    with CacheSandbox():
        pass


def by_run() -> None:
    runtime = RuntimeHarness()
    runtime.run(asyncio.sleep(0))
    runtime.close()


def by_async_with(stack: ExitStack) -> Callable[[], None]:
    runner = stack.enter_context(asyncio.Runner())

    async def block() -> None:
        async with RuntimeHarness():
            pass

    return lambda: runner.run(block())


def fixtures() -> Iterator[Figure]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # the other servers tell of each request
    manifest, bad, wheel = ManifestFactory(), BadManifestFactory(), WheelFactory()
    with ExitStack() as stack:
        rows: list[tuple[str, Callable[[], object], str]] = [
            ("artifact server: start, GET, stop", ours, "≤ 5 ms"),
            ("the same by pytest-httpserver", httpserver, ""),
            ("the same by pytest-localserver", localserver, ""),
            ("artifact server with TLS: start, stop", with_tls, ""),
            ("artifact routes", routes, ""),
            ("cache sandbox", sandbox, "≤ 2 ms"),
            ("runtime, by run()", by_run, "≤ 10 ms"),
            ("runtime, by async with", by_async_with(stack), "≤ 10 ms"),
            ("clock", FrozenClock, ""),
            ("fault plan", lambda: FaultPlans()(dict, "init"), ""),
            ("keys", lambda: Keys().named("somebody"), ""),
            ("manifest, signed", lambda: manifest(ENTRY), "≤ 1 ms"),
            ("bad manifest", lambda: bad("flipped_signature", ENTRY), "≤ 1 ms"),
            ("wheel", wheel, ""),
            ("bad wheel", lambda: wheel.bad("symlink"), ""),
        ]
        for name, work, goal in rows:
            yield Figure(f"fixture: {name}", f"{seconds(work) * 1000:.2f} ms", goal)
