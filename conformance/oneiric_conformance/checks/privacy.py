"""PATH: what a runtime keeps is its own, and nothing that somebody planted there is taken for it."""

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import JSON, Document, as_json, document_of, offered, sign
from oneiric_conformance.handling.places import ARTIFACT, DIGEST, PLAIN, Place, expect_fetched, fetched, place_in
from oneiric_conformance.judging.findings import Finding
from oneiric_conformance.observing.disk import differences, tree
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import Runtime

__all__: list[str] = []

T = TypeVar("T")

_OTHERS: Final = 0o077
_PATIENCE: Final = 3.0
_SAME: Final = "the right bytes"
_OTHER: Final = "other bytes"


@check("PATH-003", judges="runtime", level="must", since="2026.1", floor=4)
def what_it_keeps_is_private(bench: Bench) -> None:
    """Whatever a runtime keeps in cache and state is its user's alone, whatever the umask; a cache directory that
    others can use is refused or made private.

    Troubleshooting: files and directories made with the mode that the umask leaves, a mode that is set after the file
    has its bytes, or a directory that is used as it is found.
    """
    with bench.control("an artifact under a plain name is fetched and kept"):
        expect_fetched(bench)
    bench.run(_made_privately(bench))
    bench.run(_found_open(bench))
    bench.exercised()


@contextmanager
def _without_umask() -> Iterator[None]:
    former = os.umask(0)
    try:
        yield
    finally:
        os.umask(former)


async def _made_privately(bench: Bench) -> None:
    with bench.sandbox() as box:
        place = place_in(box)
        with _without_umask():
            async with bench.runtime(workdir=place.work) as runtime:
                await fetched(runtime, f"file://{place.offered}/{PLAIN}")
                await runtime.sync(as_json(sign(document_of(offered(bench.package.subjects)))), JSON)
        for kept in (place.cache, place.state):
            for path in (kept, *sorted(kept.rglob("*"))):
                _expect_private(bench, place, path)
                bench.exercised()


def _expect_private(bench: Bench, place: Place, path: Path) -> None:
    status, name = path.lstat(), str(path.relative_to(place.work))
    mode = stat.S_IMODE(status.st_mode)
    seen = f"{name} has the mode {mode:04o}, so that others can use it"
    bench.expect(not mode & _OTHERS, seen=seen, expected="no permission for group and others")
    bench.expect(status.st_uid == os.geteuid(), seen=f"{name} belongs to user {status.st_uid}", expected="to us")


async def _found_open(bench: Bench) -> None:
    with bench.sandbox() as box:
        place = place_in(box)
        place.cache.mkdir()
        place.cache.chmod(0o777)
        async with bench.runtime(workdir=place.work) as runtime:
            ok, _ = await fetched(runtime, f"file://{place.offered}/{PLAIN}")
        if ok:
            _expect_private(bench, place, place.cache)


@check("PATH-004", judges="runtime", level="must", since="2026.1", floor=8)
def nothing_planted_is_believed(bench: Bench) -> None:
    """A link, a hard link, a FIFO or a directory planted in cache or state is neither read nor written through: it is
    refused or put aside, and nothing outside changes.

    Troubleshooting: a file that is opened by its path after it was looked at, one that counts as there because its name
    is, a name that is opened for writing where a link may be, a FIFO that nobody ever writes to.
    """
    with bench.control("an artifact under a plain name is fetched and kept"):
        expect_fetched(bench)
    for told, plant in bench.each(_PLANTS):
        bench.run(_planted(bench, told, plant))
        bench.exercised()
    for told, plant in bench.each(_IN_STATE):
        bench.run(_planted_in_state(bench, told, plant))
        bench.exercised()


def _link(content: bytes) -> Callable[[Path, Path], None]:
    def plant(path: Path, outside: Path) -> None:
        outside.write_bytes(content)
        path.symlink_to(outside)

    return plant


def _hard_link(content: bytes) -> Callable[[Path, Path], None]:
    def plant(path: Path, outside: Path) -> None:
        outside.write_bytes(content)
        path.hardlink_to(outside)

    return plant


_PLANTS: Final[Sequence[tuple[str, Callable[[Path, Path], None]]]] = (
    (f"a link to {_SAME} outside", _link(ARTIFACT)),
    (f"a link to {_OTHER} outside", _link(b"other\n")),
    ("a link to nothing", lambda path, outside: path.symlink_to(outside)),
    (f"a hard link to {_SAME} outside", _hard_link(ARTIFACT)),
    (f"a hard link to {_OTHER} outside", _hard_link(b"other\n")),
    ("a FIFO", lambda path, _: os.mkfifo(path)),
    ("a directory", lambda path, _: path.mkdir()),
)


_IN_STATE: Final[Sequence[tuple[str, Callable[[Path, Path], None]]]] = (
    ("a link to what was known before", lambda path, outside: path.symlink_to(outside)),
    ("a FIFO", lambda path, _: os.mkfifo(path)),
)


async def _planted(bench: Bench, told: str, plant: Callable[[Path, Path], None]) -> None:
    """Put it in the place of an artifact that was kept, and fetch that once more."""
    with bench.sandbox() as box:
        place = place_in(box)
        uri = f"file://{place.offered}/{PLAIN}"
        async with bench.runtime(workdir=place.work) as runtime:
            await fetched(runtime, uri)
        kept = [place.cache / name for name, content in tree(place.cache).items() if content == DIGEST]
        for path in kept:
            path.unlink()
            plant(path, place.root / "outside")
        before = place.outside()
        async with bench.runtime(workdir=place.work) as runtime:
            ok, _ = await _in_time(told, kept, fetched(runtime, uri))
        changed = differences(before, place.outside())
        bench.expect(not changed, seen=f"with {told} in the cache: {', '.join(changed)}", expected="nothing changed")
        own = all(map(_is_own, kept))
        seen = f"{told} in the cache was taken for the artifact"
        bench.expect(own or not ok, seen=seen, expected="a file of its own with the right bytes", example=told)


async def _planted_in_state(bench: Bench, told: str, plant: Callable[[Path, Path], None]) -> None:
    """Put it in the place of what is remembered, and offer a manifest that is older than the last one."""
    unsigned = document_of(offered(bench.package.subjects))
    with bench.sandbox() as box:
        place = place_in(box)
        async with bench.runtime(workdir=place.work) as runtime:
            await _numbered(runtime, unsigned, 1)
            files = [path for path in sorted(place.state.rglob("*")) if path.is_file()]
            known = {path: path.read_bytes() for path in files}
            ok = await _numbered(runtime, unsigned, 5)
            bench.expect(ok, seen="a newer manifest was refused", expected="accepted")
        for number, path in enumerate(files):
            outside = place.root / f"outside-{number}"
            outside.write_bytes(known[path])
            path.unlink()
            plant(path, outside)
        before = place.outside()
        async with bench.runtime(workdir=place.work) as runtime:
            ok = await _in_time(told, files, _numbered(runtime, unsigned, 3))
        changed = differences(before, place.outside())
        bench.expect(not changed, seen=f"with {told} in its state: {', '.join(changed)}", expected="nothing changed")
        seen = f"with {told} in its state, number 3 was accepted after number 5"
        bench.expect(not ok, seen=seen, expected="no belief in what was planted", example=told)


async def _numbered(runtime: Runtime, unsigned: Document, number: int) -> bool:
    return (await runtime.sync(as_json(sign({**unsigned, "sequence_number": number})), JSON)).ok


async def _in_time(told: str, planted: Sequence[Path], work: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await work
    except TimeoutError as error:
        for path in planted:
            if path.is_fifo():  # whoever waits for it is let go
                os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        raise Finding(f"with {told} in its place, it still waited after {_PATIENCE:g} s", "an answer") from error


def _is_own(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and path.read_bytes() == ARTIFACT
