"""The store of artifacts: what a hit and a publication cost over their floors, and how cost grows with the cache."""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import Figure, median_of, per_call

from oneiric_core.artifacts import BlobStore

SMALL = os.urandom(4096)
LARGE = os.urandom(1 << 20)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_and_hash(path: Path) -> str:
    return digest(path.read_bytes())


def write_and_rename(folder: Path, content: bytes) -> None:
    """The least that makes a file appear whole and stay: write, fsync, rename, fsync."""
    with (folder / "temporary").open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    (folder / "temporary").replace(folder / "final")
    directory = os.open(folder, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def filled(folder: Path, count: int) -> BlobStore:
    """A cache of that many artifacts, as the store leaves them, without waiting for the disk for each."""
    store = BlobStore(folder / str(count))
    store.add([SMALL], digest(SMALL))
    for number in range(count - 1):
        content = b"%d" % number
        path = store.path(digest(content))
        path.write_bytes(content)
        path.chmod(0o400)
    return store


def hits_and_publications(folder: Path) -> Iterator[Figure]:
    store = BlobStore(folder / "cache")
    for size, content in (("4 KiB", SMALL), ("1 MiB", LARGE)):
        sha256 = digest(content)
        path = store.add([content], sha256)
        ours = per_call(200, lambda wanted=sha256: store.find(wanted))
        floor = per_call(200, lambda there=path: read_and_hash(there))
        yield Figure(
            f"find an artifact of {size} (read and hash it)", f"{ours * 1e6:.0f} µs ({floor * 1e6:.0f} µs)", ""
        )
        ours = per_call(20, lambda data=content, name=sha256: store.add([data], name))
        floor = per_call(20, lambda data=content: write_and_rename(folder, data))
        yield Figure(
            f"publish an artifact of {size} (write, fsync, rename, fsync)",
            f"{ours * 1e6:.0f} µs ({floor * 1e6:.0f} µs)",
            "",
        )


def growth(folder: Path) -> Iterator[Figure]:
    found, listed, removed = [], [], []
    for count in (100, 1_000, 10_000, 100_000):
        store = filled(folder, count)
        found.append(per_call(200, lambda chosen=store: chosen.find(digest(SMALL))))
        listed.append(median_of(3, lambda chosen=store: timed(chosen.entries)))
        if count <= 10_000:
            removed.append(timed(lambda chosen=store: chosen.gc(max_bytes=0)))
    micro = ", ".join(f"{seconds * 1e6:.0f}" for seconds in found)
    yield Figure("find an artifact among 10², 10³, 10⁴, 10⁵", f"{micro} µs", "flat")
    micro = ", ".join(f"{seconds / 10**power * 1e6:.1f}" for power, seconds in zip(range(2, 6), listed, strict=True))
    yield Figure("list 10², 10³, 10⁴, 10⁵ artifacts, for each", f"{micro} µs", "linear")
    micro = ", ".join(f"{seconds / 10**power * 1e6:.0f}" for power, seconds in zip(range(2, 5), removed, strict=True))
    yield Figure("gc of 10², 10³, 10⁴ artifacts, for each", f"{micro} µs", "linear")


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cache() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        yield from hits_and_publications(Path(name))
        yield from growth(Path(name))
