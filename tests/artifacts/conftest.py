"""Processes of their own, as many as a test likes, somebody who is not root, and a store with something in it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oneiric_core.artifacts.store import BlobStore
from oneiric_core.artifacts.unpack import unpack

_SERVER = """
import asyncio, json, os, select, signal, sys, traceback
from pathlib import Path
from oneiric_core.artifacts.store import BlobStore
from oneiric_core.artifacts.verification import find_faults  # before a child may see less than we do

for line in sys.stdin:
    code, root, kill_after = json.loads(line)
    child = os.fork()
    if not child:
        try:
            exec(code, {"asyncio": asyncio, "os": os, "store": BlobStore(Path(root)), "root": Path(root)})
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if kill_after is not None:
        select.select([], [], [], kill_after)
        os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forks:
    """One interpreter is started, and forks whoever is asked for.

    ``code`` runs with ``store``, a BlobStore on ``root``, and with ``os`` and ``asyncio``.
    """

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def run(self, code: str, root: Path, *, kill_after: float | None = None) -> int:
        """The exit code, once it has ended: 1 for an exception, negative for a signal.

        :param kill_after: how many seconds it has before it is killed.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([code, str(root), kill_after]) + "\n")
        return int(self.process.stdout.readline())


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    found = Forks()
    yield found
    found.process.communicate(timeout=60)
    assert found.process.returncode == 0


NOBODY = 65534


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that nobody, and whoever runs the tests, can reach and write."""
    found = Path(tempfile.mkdtemp())
    if os.geteuid() == 0:
        os.chown(found, NOBODY, NOBODY)
    yield found
    for path in [found, *found.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(found)


@pytest.fixture
def unprivileged(place: Path) -> Iterator[None]:
    """Whoever runs the test is not root meanwhile, and may use ``place``; import what is needed before."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield
    if root:
        os.seteuid(0)


@pytest.fixture
def with_tree(tmp_path: Path) -> Callable[[bytes], BlobStore]:
    """``with_tree(wheel)``: a store with a wheel, what was unpacked from it, and the artifact ``b"other"``."""

    def made(wheel: bytes) -> BlobStore:
        store = BlobStore(tmp_path / "cache")
        for content in (wheel, b"other"):
            store.add([content], hashlib.sha256(content).hexdigest())
        unpack(store, hashlib.sha256(wheel).hexdigest())
        return store

    return made
