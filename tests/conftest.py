"""Servers that tests of more than one room need."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


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
