"""HOT: a runtime that keeps to a manifest, whatever it finds in its place."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import SOURCE, Document, offered
from oneiric_conformance.handling.offering import manifest
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import Runtime
from oneiric_core.testing import BadManifest, bad_manifest

__all__: list[str] = []

_Hindrance: TypeAlias = tuple[str, Callable[[Path], object]]
"""What can be found in the place of a manifest, and how it gets there."""

_EVERY: Final = 0.02
_LOOKS: Final = 4
"""Periods after which something has been looked at, unless the loop has ended."""
_AT_ONCE: Final = 3
"""Runtimes among which the bad manifests are dealt out: each is mostly waited for."""
_PATIENCE: Final = 5.0
_BAD: Final = 99
"""The number of what no runtime may believe."""
_KINDS: Final = (BadManifest.UNSIGNED, BadManifest.STRANGER, BadManifest.CHANGED_VALUE)


@check("HOT-009", judges="runtime", level="must", since="2026.1", floor=8)
def the_refresh_loop_outlives_bad_manifests(bench: Bench) -> None:
    """A runtime that keeps to a manifest outlives whatever it finds in its place (bad signatures, half a file, none at
    all, a directory), keeps what it has meanwhile, and takes the next good one.

    Troubleshooting: a loop that ends at the first exception, or that catches only some; a refusal after which the
    candidates are gone.
    """
    with _quietly():
        with bench.control("it takes one manifest after the other"):
            bench.run(_follow(bench, [[]]))
        hindrances = [*_hindrances(bench)]
        bench.run(_follow(bench, [hindrances[first::_AT_ONCE] for first in range(_AT_ONCE)]))


@contextmanager
def _quietly() -> Iterator[None]:
    """What a runtime logs about manifests that are bad on purpose is nothing that anybody has to read."""
    former = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(former)


def _entry(bench: Bench, number: int) -> Document:
    name = offered(bench.package.subjects)[0]
    return {**{field: name[field] for field in ("domain", "key", "factory")}, "provider": _provider(number)}


def _provider(number: int) -> str:
    return f"conformance-{number}"


def _hindrances(bench: Bench) -> Iterator[_Hindrance]:
    bad = _entry(bench, _BAD)
    for kind in _KINDS:
        document = bad_manifest(kind, [bad], source=SOURCE, sequence_number=1000)
        yield f"one with {kind.value}", partial(_write, document)
    yield "one with an older number", partial(_write, manifest(0, bad))
    yield "half of one", partial(_write, manifest(1000, bad)[:100])
    yield "an empty file", partial(_write, b"")
    yield "what is no text", partial(_write, b"\xff\x00")
    yield "nothing at all", Path.unlink
    yield "a directory", _make_directory


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def _make_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


async def _follow(bench: Bench, lists: list[list[_Hindrance]]) -> None:
    """A runtime for each list; of those that fail the first is told, so that it is the same one every time."""
    with bench.sandbox() as box:
        following = (_follows(bench, box.path / str(number), listed) for number, listed in enumerate(lists))
        for raised in await asyncio.gather(*following, return_exceptions=True):
            if raised is not None:
                raise raised


async def _follows(bench: Bench, place: Path, hindrances: list[_Hindrance]) -> None:
    """Put each in the place of the manifest, and then a good one."""
    path = _first(bench, place)
    async with bench.runtime(workdir=place / "work") as runtime:
        await runtime.follow(path, _EVERY)
        await _expect(bench, runtime, 1, "at first")
        for number, (told, hinder) in enumerate(hindrances, start=2):
            _clear(path)
            hinder(path)
            await asyncio.sleep(_LOOKS * _EVERY)
            await _expect(bench, runtime, number - 1, f"with {told} in its place")
            await _next(bench, runtime, path, number, f"after {told}")
            bench.exercised()
        last = len(hindrances) + 2
        await _next(bench, runtime, path, last, "after a good one")


def _first(bench: Bench, place: Path) -> Path:
    place.mkdir()
    path = place / "manifest.json"
    path.write_bytes(manifest(1, _entry(bench, 1)))
    return path


async def _next(bench: Bench, runtime: Runtime, path: Path, number: int, when: str) -> None:
    _clear(path)
    beside = path.with_suffix(".new")
    beside.write_bytes(manifest(number, _entry(bench, number)))
    beside.replace(path)
    await _expect(bench, runtime, number, when)


def _clear(path: Path) -> None:
    if path.is_dir():
        path.rmdir()


async def _expect(bench: Bench, runtime: Runtime, number: int, when: str) -> None:
    """What that manifest brought is there, now or soon, and nothing that a bad one would have."""
    name, expected = _entry(bench, number), _provider(number)
    deadline = time.monotonic() + _PATIENCE
    found = sorted(await runtime.explain(name["domain"], name["key"]))
    while expected not in found and time.monotonic() < deadline:
        await asyncio.sleep(_EVERY)
        found = sorted(await runtime.explain(name["domain"], name["key"]))
    seen = f"{when}, the candidates are {', '.join(found) or 'none'}"
    right = expected in found and _provider(_BAD) not in found
    bench.expect(right, seen=seen, expected=expected, example=when)
