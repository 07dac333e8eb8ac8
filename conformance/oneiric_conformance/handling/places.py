"""A place where a runtime keeps artifacts, with one on offer, deep in a directory that nothing leaves unseen."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.observing.disk import tree
from oneiric_conformance.observing.quarters import remove
from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_conformance.runtime import Runtime
from oneiric_conformance.strategies import MARKER, NESTING

__all__ = ["ARTIFACT", "DIGEST", "PLAIN", "Ground", "Place", "expect_fetched", "fetched", "place_in"]

ARTIFACT: Final = b"the bytes of an artifact\n"
DIGEST: Final = hashlib.sha256(ARTIFACT).hexdigest()
PLAIN: Final = "component-1.0-py3-none-any.whl"
"""The name under which it is on offer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a runtime works, so deep in a directory of ours that what escapes lands in that directory."""

    root: Path
    work: Path

    @property
    def offered(self) -> Path:
        return self.work / "offered"

    @property
    def cache(self) -> Path:
        return self.work / "cache"

    @property
    def state(self) -> Path:
        return self.work / "state"

    def outside(self) -> dict[str, str]:
        """Everything that is not the runtime's own to change."""
        return tree(self.root, without=(self.cache, self.state))


def place_in(box: Sandbox) -> Place:
    """A place with an artifact on offer, and the same bytes wherever a climbing name could find them."""
    place = Place(box.path, box.path.joinpath(*NESTING, "work"))
    place.offered.mkdir(parents=True)
    (place.offered / PLAIN).write_bytes(ARTIFACT)
    for above in place.offered.parents:
        if above.is_relative_to(place.root):
            (above / MARKER).write_bytes(ARTIFACT)
    return place


class Ground:
    """A place for one example after the other, in one sandbox. To make one takes longer than most examples do.

    Where nothing was found it serves again, without what the runtime kept there. After a finding, which may be that
    something was written anywhere, it is made anew, under the name it had, which may be part of the example.
    """

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self._place: Place | None = None

    @contextmanager
    def place(self) -> Iterator[Place]:
        """The place, with nothing in it but what is on offer."""
        if self._place is None:
            remove(self._box.path)
            self._box.path.mkdir()
        place, self._place = self._place or place_in(self._box), None
        yield place
        for kept in (place.cache, place.state):
            shutil.rmtree(kept, ignore_errors=True)
        if not (place.cache.exists() or place.state.exists()):
            self._place = place


async def fetched(runtime: Runtime, uri: str, sha256: str = DIGEST) -> tuple[bool, str]:
    """Whether the artifact was brought from there, and else the kind of the refusal."""
    verdict = await runtime.fetch(uri, sha256, len(ARTIFACT))
    return verdict.ok, verdict.kind


def expect_fetched(bench: Bench) -> None:
    """The control: an artifact under a plain name arrives."""

    async def fetch() -> None:
        with bench.sandbox() as box:
            place = place_in(box)
            async with bench.runtime(workdir=place.work) as runtime:
                ok, kind = await fetched(runtime, f"file://{place.offered}/{PLAIN}")
            bench.expect(ok, seen=f"it was refused with {kind}", expected="fetched")
            kept = [path for path, content in tree(place.cache).items() if content == DIGEST]
            bench.expect(bool(kept), seen="nothing with its bytes is in the cache", expected="kept")

    bench.run(fetch())
