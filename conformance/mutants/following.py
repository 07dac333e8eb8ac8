"""Runtimes that keep to a manifest, until something comes in between."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from mutants import mutant
from oneiric_conformance.handling.offer import JSON, SOURCE
from oneiric_core import Candidate, CandidateSource, OneiricError
from oneiric_core.testing import CoreRuntime


class _Looping(CoreRuntime):
    """Looks at the file by itself."""

    loop: "asyncio.Task[None] | None" = None

    async def follow(self, manifest: Path, every: float) -> None:
        await self.look(manifest)
        self.loop = asyncio.create_task(self._look_again(manifest, every))

    async def look(self, manifest: Path) -> None:
        """Once."""
        await self._sync(manifest.read_bytes(), JSON)

    async def _look_again(self, manifest: Path, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            await self.look(manifest)

    async def stop(self) -> Any:
        if self.loop is not None:
            self.loop.cancel()
            with suppress(OneiricError, OSError, asyncio.CancelledError):
                await self.loop
            self.loop = None
        await super().stop()


@mutant("HOT-009", expects="after one with unsigned, the candidates are conformance-1")
class GivesUpAtOnce(_Looping):
    """Looks no more once it has refused a manifest."""


@mutant("HOT-009", expects="after nothing at all, the candidates are conformance-")
class GivesUpWithoutFile(_Looping):
    """Looks no more once the file was not there."""

    async def look(self, manifest: Path) -> None:
        with suppress(OneiricError):
            await super().look(manifest)


@mutant("HOT-009", expects="with one with unsigned in its place, the candidates are none")
class ForgetsWhatItHas(_Looping):
    """Lets go of everything when it refuses a manifest."""

    async def look(self, manifest: Path) -> None:
        try:
            await super().look(manifest)
        except (OneiricError, OSError):
            self.parts.resolver.replace_source(CandidateSource.REMOTE_MANIFEST, SOURCE, [])


@mutant("HOT-009", expects="with one with unsigned in its place, the candidates are conformance-1, conformance-99")
class AddsWhatItRefused(_Looping):
    """Refuses a manifest, and offers what it lists beside all the rest."""

    async def look(self, manifest: Path) -> None:
        try:
            await super().look(manifest)
        except (OneiricError, OSError):
            with suppress(OSError, ValueError):
                for entry in json.loads(manifest.read_bytes())["entries"]:
                    names = {name: entry[name] for name in ("domain", "key", "provider", "factory")}
                    self.parts.resolver.register(Candidate(**names))
