"""The fixtures for tests of applications and components. Each loads what it needs when it is asked for.

Those that hold nothing are of session scope, so that fixtures of any scope may use them. The others are of function
scope; for a wider one, make the object in a fixture of your own: it is a context manager in ``oneiric_core.testing``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_oneiric.guards import guarding
from pytest_oneiric.marker import options_of

if TYPE_CHECKING:
    from oneiric_conformance import Certify
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
        WheelFactory,
    )

__all__ = [
    "oneiric_artifact_routes",
    "oneiric_artifact_server",
    "oneiric_bad_manifest",
    "oneiric_cache_sandbox",
    "oneiric_certify",
    "oneiric_clock",
    "oneiric_fault_plan",
    "oneiric_keys",
    "oneiric_manifest",
    "oneiric_runtime",
    "oneiric_wheel",
]


@pytest.fixture(scope="session")
def oneiric_keys() -> "Keys":
    """Ed25519 pairs that are the same on every machine: publisher, second_publisher, stranger; and others by name."""
    from oneiric_core.testing import Keys  # noqa: PLC0415 - a run that does not ask for it must not pay for it

    return Keys()


@pytest.fixture(scope="session")
def oneiric_manifest() -> "ManifestFactory":
    """Makes signed manifests: call it with entries, and perhaps signed_by, form, sequence_number or expires_in."""
    from oneiric_core.testing import ManifestFactory  # noqa: PLC0415 - likewise

    return ManifestFactory()


@pytest.fixture(scope="session")
def oneiric_bad_manifest() -> "BadManifestFactory":
    """Makes manifests that are wrong in one way: call it with a kind, and perhaps entries."""
    from oneiric_core.testing import BadManifestFactory  # noqa: PLC0415 - likewise

    return BadManifestFactory()


@pytest.fixture(scope="session")
def oneiric_wheel() -> "WheelFactory":
    """Makes small real wheels: call it with files; and hostile ones: call its method bad with a kind."""
    from oneiric_core.testing import WheelFactory  # noqa: PLC0415 - likewise

    return WheelFactory()


@pytest.fixture
def oneiric_clock(request: pytest.FixtureRequest) -> "FrozenClock":
    """Time that stands still until it is told to advance(seconds); marker option start=…."""
    from oneiric_core.testing import FrozenClock  # noqa: PLC0415 - likewise

    options = options_of(request.node)
    return FrozenClock(options["start"]) if "start" in options else FrozenClock()


@pytest.fixture
def oneiric_artifact_server(request: pytest.FixtureRequest) -> "Iterator[ArtifactServer]":
    """A real server on the loopback interface that answers as it is told to; marker options strict=… and tls=…."""
    from oneiric_core.testing import ArtifactServer  # noqa: PLC0415 - likewise

    options = options_of(request.node)
    with _told_plainly():
        server = ArtifactServer(tls=options.get("tls"), strict=options.get("strict", False))
    with server, guarding(request.config, server.check):
        yield server


@pytest.fixture
def oneiric_artifact_routes(request: pytest.FixtureRequest) -> "Iterator[ArtifactRoutes]":
    """The same without a wire, for any URL that httpx asks for (by respx); marker option strict=…."""
    from oneiric_core.testing import ArtifactRoutes  # noqa: PLC0415 - likewise

    with _told_plainly():
        routes = ArtifactRoutes(strict=options_of(request.node).get("strict", False))
    with routes, guarding(request.config, routes.check):
        yield routes


@pytest.fixture
def oneiric_cache_sandbox(request: pytest.FixtureRequest) -> "Iterator[CacheSandbox]":
    """A cache directory under guard: what writes elsewhere fails the test; marker option allow=…."""
    from oneiric_core.testing import CacheSandbox  # noqa: PLC0415 - likewise

    allow = options_of(request.node).get("allow", ())
    sandbox = CacheSandbox(allow=allow if isinstance(allow, list | tuple) else (allow,))
    with sandbox, guarding(request.config, sandbox.check):
        yield sandbox


@pytest.fixture
def oneiric_runtime(request: pytest.FixtureRequest, oneiric_clock: "FrozenClock") -> "Iterator[RuntimeHarness]":
    """A whole runtime on oneiric_clock: ``async with`` it, or run(coroutine); marker option leaks=…."""
    from oneiric_core.testing import RuntimeHarness  # noqa: PLC0415 - likewise

    runtime = RuntimeHarness(oneiric_clock, leaks=options_of(request.node).get("leaks", True))
    with guarding(request.config, runtime.close, waits=lambda: runtime.runs):
        try:
            yield runtime
        finally:
            runtime.close()


@pytest.fixture
def oneiric_fault_plan(request: pytest.FixtureRequest) -> "Iterator[FaultPlans]":
    """Makes factories that fail at one stage in one way; a fault that never struck fails the test."""
    from oneiric_core.testing import FaultPlans  # noqa: PLC0415 - likewise

    plans = FaultPlans()
    with guarding(request.config, plans.check):
        yield plans
    plans.close()


@pytest.fixture
def oneiric_certify(request: pytest.FixtureRequest) -> "Certify":
    """Judges a component from an ordinary test: call it with the component; marker option profile=…."""
    try:
        from oneiric_conformance import Certify  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as error:
        needs = str(error.name).partition(".")[0]
        pytest.fail(
            f"the conformance kit needs {needs}. Install it with: pip install 'oneiric-core[conformance]'.",
            pytrace=False,
        )
    return Certify(profile=options_of(request.node).get("profile", "quick"))


@contextmanager
def _told_plainly() -> Iterator[None]:
    """What is missing or mistaken at set-up is told in one line: the stack is ours and says nothing to a user."""
    from oneiric_core import MisuseError  # noqa: PLC0415 - likewise

    try:
        yield
    except MisuseError as error:
        pytest.fail(str(error), pytrace=False)
