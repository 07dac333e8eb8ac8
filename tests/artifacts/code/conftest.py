"""Bringing small wheels into a cache and loading from them, as the tests of this room need it."""

import gc
import hashlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.artifacts.modules import Code, load_code
from oneiric_core.artifacts.store import BlobStore
from oneiric_core.testing import make_wheel


class Bench:
    """A cache, and the code of wheels in it."""

    def __init__(self, path: Path) -> None:
        self.store = BlobStore(path / "cache")
        self.left_behind = left_behind

    def add(self, data: bytes) -> str:
        """Keep the bytes of a wheel, and give their digest."""
        sha256 = hashlib.sha256(data).hexdigest()
        self.store.add([data], sha256)
        return sha256

    def code(self, files: Mapping[str, str | bytes], version: str = "1.0", **options: Any) -> Code:
        """The code of a wheel named acme with these files."""
        return load_code(self.store, self.add(make_wheel(files, version=version, **options)))

    def call(self, files: Mapping[str, str | bytes], path: str = "acme:answer", version: str = "1.0") -> Any:
        """What a function in such a wheel answers, with its modules held in place meanwhile."""
        code = self.code(files, version)
        pin = code.pin()
        try:
            loaded: Any = code.load(path)
            return loaded()
        finally:
            del pin


def left_behind() -> list[str]:
    """The modules of wheels that are in ``sys.modules``, and the finders of wheels, once garbage is collected."""
    if found := _found():
        gc.collect()
        found = _found()
    return found


def _found() -> list[str]:
    finders = [type(each).__name__ for each in sys.meta_path if type(each).__module__.startswith("oneiric_core")]
    return [name for name in sys.modules if name.startswith("_oneiric_")] + finders


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench that leaves nothing behind."""
    assert left_behind() == []
    yield Bench(tmp_path)
    assert left_behind() == []
