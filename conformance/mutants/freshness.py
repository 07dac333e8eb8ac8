"""Runtimes that forget what they saw, do not look at the time, or listen to anybody."""

import shutil
from itertools import count
from pathlib import Path
from typing import Any

from mutants import mutant
from mutants.laundering import Laundering
from oneiric_conformance.handling.offer import SOURCE
from oneiric_conformance.runtime import Limits, Trust
from oneiric_core import EquivocationError, RollbackError, sync_remote_manifest
from oneiric_core.testing import CoreRuntime


@mutant("SIG-008", expects="an expiry long ago")
class IgnoresExpiry(Laundering):
    """Does not look whether a manifest has expired."""

    def passed_on(self, content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "expires_at": "2999-01-01T00:00:00+00:00"}


@mutant("SIG-008", expects="a signing in the future")
class BelievesTheFuture(Laundering):
    """Does not look when a manifest was signed."""

    def passed_on(self, content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "signed_at": "2018-01-01T00:00:00+00:00"}


@mutant("SIG-008", expects="long ago without a zone")
class ReadsOnlyZones(Laundering):
    """Takes no notice of an expiry that names no zone."""

    def passed_on(self, content: dict[str, Any]) -> dict[str, Any]:
        said = str(content.get("expires_at", ""))
        return content if said.endswith("Z") or said[-6:-5] in {"+", "-"} else {**content, "expires_at": None}


class _Remembering(CoreRuntime):
    """Our own runtime; what it refuses may be applied all the same, as if nothing had been seen before."""

    place = "memory"

    async def without_memory(self, document: bytes, media_type: str) -> Any:
        return await self.applied(document, media_type, None)

    async def applied(self, document: bytes, media_type: str, state: Path | None) -> Any:
        return await sync_remote_manifest(
            self.parts.resolver,
            (document, media_type),
            trust=self.parts.policy,
            lifecycle=self.parts.lifecycle,
            artifacts=self.parts.artifacts,
            state_dir=state,
            location=self.place,
        )


@mutant("SIG-009", expects="an older number was accepted")
class RemembersNothing(_Remembering):
    """Applies whatever is signed well, in any order."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        try:
            return await super()._sync(document, media_type)
        except (RollbackError, EquivocationError):
            return await self.without_memory(document, media_type)


@mutant(
    "SIG-009",
    expects="an older number after a restart",
    also={"SIG-010": "nor does it remember the source", "PATH-004": "nor what it knew where a link was planted"},
)
class ForgetsOnRestart(CoreRuntime):
    """Keeps what it has seen in memory only."""

    async def start(self, workdir: Path, trust: Trust, limits: Limits) -> None:  # type: ignore[override]  # the kit's own types
        if trust.root is None:
            shutil.rmtree(workdir / "state", ignore_errors=True)
        await super().start(workdir, trust, limits)


@mutant("SIG-009", expects="the same number and other bytes")
class ComparesNumbersOnly(_Remembering):
    """Takes a number that it has seen for the manifest that it has seen."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        try:
            return await super()._sync(document, media_type)
        except EquivocationError:
            return await self.without_memory(document, media_type)


@mutant("SIG-009", expects="no number was accepted")
class AsksNoNumber(_Remembering):
    """Applies a manifest that has no number, whatever numbers it has seen."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        try:
            return await super()._sync(document, media_type)
        except RollbackError:
            if b"sequence_number" in document:
                raise
            return await self.without_memory(document, media_type)


@mutant("SIG-009", expects="older than one that had expired")
class CountsWhatItApplied(CoreRuntime):
    """Counts a manifest as seen when it has been applied, not when it was verified."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        self._verify(document, media_type)
        return await super()._sync(document, media_type)


@mutant("SIG-010", expects="the source 'https://elsewhere.invalid/manifest'")
class ListensToAll(Laundering):
    """Does not look for whom a manifest speaks."""

    def passed_on(self, content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "source": self.trust.source or SOURCE}


@mutant("SIG-010", expects="/manifest/'")
class ComparesTheBeginning(Laundering):
    """Takes a source for the one it expects if it begins like that."""

    def passed_on(self, content: dict[str, Any]) -> dict[str, Any]:
        expected = self.trust.source
        close = expected is not None and str(content.get("source")).startswith(expected)
        return {**content, "source": expected} if close else content


@mutant("SIG-010", expects="another source than the first one")
class PinsNothing(_Remembering):
    """Listens to any source where its policy names none, one after the other."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        self.place = f"place {next(_numbers)}"
        return await self.applied(document, media_type, self._workdir / "state")


_numbers = count()
