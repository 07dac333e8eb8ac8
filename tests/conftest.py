"""Servers, disks and documents that tests of more than one room need."""

import gc
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TypeAlias

import pytest

Handler: TypeAlias = "type[BaseHTTPRequestHandler] | partial[BaseHTTPRequestHandler]"


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


@pytest.fixture(scope="module")
def sweep() -> Iterator[Callable[[], None]]:
    """Collects all that tests before have left, so that descriptors can be counted, and counted again."""

    def collect() -> None:
        while gc.collect():  # what goes may let go of more
            pass

    collect()
    gc.freeze()  # what stays, or all of pytest is walked through each time
    yield collect
    gc.unfreeze()


_HOLD_A_DISK = """
mount -t tmpfs -o "$1" none "$2" && echo mounted && while read -r options; do
    mount -t tmpfs -o "remount,$options" none "$2" && echo mounted
done
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """``disk(options)``: a small file system of its own in memory, mounted again with other options at every call.

    It is seen through a process that holds it where nobody else does, and is gone with that, however the tests end.
    """
    place = tmp_path / "disk"
    place.mkdir()
    holder: list[subprocess.Popen[str]] = []

    def mount(options: str) -> Path:
        if not holder:
            program = shutil.which("unshare")
            if program is None:
                pytest.skip("only Linux has file systems that one process sees alone")
            become_root = [] if os.geteuid() == 0 else ["--map-root-user"]
            command = [program, "--mount", *become_root, "sh", "-c", _HOLD_A_DISK, "sh", options, str(place)]
            pipe = subprocess.PIPE
            holder.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1))
        else:
            assert holder[0].stdin is not None
            holder[0].stdin.write(f"{options}\n")
        assert holder[0].stdout is not None
        if holder[0].stdout.readline() != "mounted\n":
            _, said = holder[0].communicate(timeout=60)
            pytest.skip(f"this process may not mount anything: {said.strip()}")
        return Path(f"/proc/{holder[0].pid}/root", *place.parts[1:])

    yield mount
    for each in holder:
        each.communicate(timeout=60)


@pytest.fixture
def fill() -> Callable[[Path], Path]:
    """``fill(place)``: take all the room that is left on a disk; the file that takes it is given back."""

    def take_all(place: Path) -> Path:
        ballast = place / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        return ballast

    return take_all


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Puts a directory where modules are looked for first; what was imported from it is forgotten afterwards.

    Else a test that comes later in the same process, and has a module of the same name, would get this one.
    """
    before, folders = set(sys.modules), []  # type: tuple[set[str], list[str]]

    def put(folder: Path) -> None:
        monkeypatch.syspath_prepend(folder)
        folders.append(str(folder))

    yield put
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(tuple(folders)):
            del sys.modules[name]


@pytest.fixture
def serve() -> Callable[[Handler], AbstractContextManager[str]]:
    """``with serve(handler) as url``: a server of the standard library, for answers that no product gives."""

    @contextmanager
    def serving(handler: Handler) -> Iterator[str]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    return serving


@pytest.fixture
def a_report() -> Callable[[str], str]:
    """``a_report(name)``: the text of the kit's report on a package of that name, with one check of one task."""
    from oneiric_conformance import (  # noqa: PLC0415 - most tests are spared it
        PROFILES,
        ConformanceReport,
        Package,
        Planned,
        Result,
        Status,
        requirement_set,
    )

    def on(name: str) -> str:
        subject = f"task/{name}/acme"
        return ConformanceReport.from_results(
            Package(name, "1.0", ()),
            [Planned("LIFE-001", subject, "component")],
            [Result("LIFE-001", subject, "component", "must", Status.PASS, exercised=1, behaviours=1)],
            profile=PROFILES["gate"],
            requirements=requirement_set(),
            runtime="m:R",
        ).to_text()

    return on
