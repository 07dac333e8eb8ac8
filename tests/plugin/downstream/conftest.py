import os
from collections.abc import Iterator

import pytest

from oneiric_core.testing import ArtifactServer

ARRANGEMENT = os.environ["ARRANGEMENT"]
collect_ignore = ["test_coroutines.py"] if ARRANGEMENT == "none" else []


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def mirror() -> Iterator[ArtifactServer]:
    """One server for all tests, as the documentation says how to have it."""
    with ArtifactServer(strict=True) as server:
        server.serve("/shared", b"shared")
        yield server


@pytest.fixture(scope="module")
def signed(oneiric_manifest, oneiric_keys) -> bytes:
    """Factories may be used in any scope."""
    return oneiric_manifest(signed_by=oneiric_keys.publisher).content
