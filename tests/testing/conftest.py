"""Ways to look at the scripted server from outside: a bare socket, and three clients that people use; a guard."""

import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from oneiric_core.testing import CacheSandbox

ENOUGH = 1 << 25
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Seen:
    """All bytes that came, and how the connection ended: ``closed``, ``reset`` or ``open``."""

    data: bytes
    end: str

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]


def raw(url: str, *headers: str, method: str = "GET", patience: float = 30.0) -> Seen:
    """Send one request as bytes and take what comes until the end, or nothing for ``patience`` seconds."""
    where = urlsplit(url)
    target = where.path + (f"?{where.query}" if where.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {where.netloc}", *headers, "", ""]
    return talk(where.port or 0, "\r\n".join(lines).encode(), patience=patience)


def talk(port: int, request: bytes, *, patience: float = 30.0) -> Seen:
    """Send any bytes."""
    data = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        connection.sendall(request)
        try:
            while piece := connection.recv(65536):
                data += piece
                if len(data) > ENOUGH:
                    return Seen(bytes(data), "open")
        except TimeoutError:
            return Seen(bytes(data), "open")
        except ConnectionResetError:
            return Seen(bytes(data), "reset")
    return Seen(bytes(data), "closed")


def by_httpx(url: str, patience: float) -> str:
    """What :mod:`httpx` makes of it, in the words of the documentation."""
    size = 0
    try:
        with (
            httpx.Client(trust_env=False, verify=PLAIN, timeout=patience, follow_redirects=True) as client,
            client.stream("GET", url) as response,
        ):
            for piece in response.iter_bytes():
                size += len(piece)
                if size > ENOUGH:
                    return "no end"
            return f"{response.status_code}, {size:,} bytes"
    except httpx.HTTPError as error:
        return type(error).__name__


def by_urllib(url: str, patience: float, *, limited: bool = False) -> str:
    """What :mod:`urllib.request` makes of it."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=patience) as response:
            size = len(response.read(ENOUGH) if limited else response.read())
            return "no end" if size == ENOUGH else f"{response.status}, {size:,} bytes"
    except Exception as error:  # noqa: BLE001 - whatever it is, its name is what is compared
        return type(error).__name__


def by_curl(url: str, patience: float) -> str:
    """What ``curl`` makes of it; versions differ in their exit codes, but for that of a time limit, which is 28."""
    limits = ["--max-time", str(patience), "--max-filesize", str(ENOUGH)]
    told = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}, %{size_download}"]
    command = ["curl", "--disable", "--noproxy", "*", "--location", "--compressed", *limits, *told, url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    status, _, size = done.stdout.partition(", ")
    if done.returncode:
        # some versions stop at the largest size, others at the time limit
        return "no end" if int(size) > ENOUGH else "time limit" if done.returncode == 28 else "error"
    return f"{status}, {int(size):,} bytes"


@pytest.fixture(scope="session")
def clients() -> SimpleNamespace:
    """``raw`` and ``talk`` on a bare socket; ``by_httpx``, ``by_urllib`` and ``by_curl``."""
    return SimpleNamespace(raw=raw, talk=talk, by_httpx=by_httpx, by_urllib=by_urllib, by_curl=by_curl)


@pytest.fixture(scope="session")
def guarded() -> Callable[..., CacheSandbox]:
    """Does something under guard; the sandbox."""

    def guard(act: Callable[[CacheSandbox], object], **options: Any) -> CacheSandbox:
        with CacheSandbox(**options) as sandbox:
            act(sandbox)
        return sandbox

    return guard


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory with a file to be copied, linked and moved."""
    (tmp_path / "source").write_bytes(b"source")
    return tmp_path
