"""What is used after its end says so, and what to do; what was seen until then can still be read."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from oneiric_core import MisuseError
from oneiric_core.testing import ArtifactRoutes, ArtifactServer, CacheSandbox, FaultPlans, Reply, RuntimeHarness

PLACE = Path("anywhere")


@contextmanager
def plans() -> Iterator[FaultPlans]:
    made = FaultPlans()
    yield made
    made.close()


@contextmanager
def running() -> Iterator[RuntimeHarness]:
    runtime = RuntimeHarness()
    runtime.run(asyncio.sleep(0))
    yield runtime
    runtime.close()


def unguarded(sandbox: CacheSandbox) -> None:
    with sandbox.unguarded():
        pass


USES: dict[Callable[[], Any], tuple[str, list[Callable[[Any], object]]]] = {
    ArtifactRoutes: (
        "the artifact routes are no more. Use them in the block, or the test, they belong to.",
        [
            lambda routes: routes.serve("https://acme.test/", b""),
            lambda routes: routes.on("https://acme.test/", Reply()),
        ],
    ),
    ArtifactServer: (
        "the artifact server was stopped. Use it in the block, or the test, it belongs to.",
        [
            lambda server: server.serve("/", b""),
            lambda server: server.url,
            lambda server: server.url_of("/"),
            lambda server: server.release(),
            lambda server: server.wait_for("/"),
        ],
    ),
    CacheSandbox: (
        "the cache sandbox is no more. Use it in the block, or the test, it belongs to.",
        [
            lambda sandbox: sandbox.path,
            lambda sandbox: sandbox.allow(PLACE),
            lambda sandbox: sandbox.watch(PLACE),
            lambda sandbox: sandbox.check(),
            unguarded,
            lambda sandbox: sandbox.plant_file("name"),
            lambda sandbox: sandbox.manager(),
            lambda sandbox: next(sandbox.crashes(print)),
        ],
    ),
    running: (
        "the runtime has ended. Use it in the block, or the test, that it belongs to.",
        [
            lambda runtime: runtime.run(asyncio.sleep(0)),
            lambda runtime: runtime.register("adapter", "cache", "acme", dict),
            lambda runtime: runtime.workdir,
            lambda runtime: runtime.artifacts,
            lambda runtime: runtime.lease("adapter", "cache"),
        ],
    ),
    plans: (
        "the fault plans are no more. Plan faults in the test they belong to.",
        [lambda made: made(dict, "init")],
    ),
}
CASES = [(make, use, told) for make, (told, uses) in USES.items() for use in uses]


@pytest.mark.parametrize(("make", "use", "told"), CASES)
def test_a_use_after_the_end_says_what_to_do(make: Any, use: Callable[[Any], object], told: str) -> None:
    with make() as made:
        pass
    with pytest.raises(MisuseError) as caught:
        use(made)
    assert str(caught.value) == told


def test_what_was_seen_can_still_be_read() -> None:
    with CacheSandbox() as sandbox, ArtifactRoutes() as routes:
        httpx.get("https://acme.test/nothing")
    assert sandbox.trespasses == ()
    assert [str(request) for request in routes.requests] == ["GET https://acme.test/nothing"]
    routes.check()


def test_routes_are_entered_once() -> None:
    with ArtifactRoutes() as routes:
        pass
    with pytest.raises(MisuseError, match="Make others"):
        routes.__enter__()


def test_before_it_was_entered_a_sandbox_says_so() -> None:
    sandbox = CacheSandbox()
    sandbox.allow(PLACE)
    assert sandbox.trespasses == ()
    for use in (sandbox.check, lambda: sandbox.watch(PLACE)):
        with pytest.raises(MisuseError, match=r"was not entered\. Use it in a with block\."):
            use()
