"""Components that were opened, and servers for them to talk to."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.testing import ArtifactServer


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Opens a component, and closes it at the end; nothing may be left of it then."""
    components: list[Any] = []

    async def open_it(kind: Callable[..., Any], **arguments: Any) -> Any:
        component = kind(**arguments)
        components.append(component)
        await component.init()
        return component

    yield open_it
    for component in components:
        await component.cleanup()
        await component.cleanup()
        assert await component.health() is not True
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
def server() -> Iterator[ArtifactServer]:
    with ArtifactServer() as running:
        yield running


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server; CI installs it, and where there is none the tests that need it say so by failing."""
    program = shutil.which("redis-server")
    assert program, "redis-server is not installed. On Debian: apt-get install redis-server"
    folder: Path = tmp_path_factory.mktemp("redis")
    port = _free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert any("Ready to accept connections" in line for line in running.stdout), "it did not start"
        yield f"redis://127.0.0.1:{port}/0"
        running.terminate()
        running.stdout.read()
