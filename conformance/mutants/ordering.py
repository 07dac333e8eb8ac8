"""Runtimes that get things mixed up when many are asked for at once."""

from typing import Any

from mutants import mutant
from oneiric_conformance.handling.offer import SOURCE
from oneiric_core import CandidateSource, sync_remote_manifest
from oneiric_core.testing import CoreRuntime
from oneiric_core.testing.answers import Answer


class _Busy(CoreRuntime):
    syncing = 0

    async def beside(self, document: bytes, media_type: str) -> Any:
        """A sync while another one is under way."""
        return await super()._sync(document, media_type)

    async def _sync(self, document: bytes, media_type: str) -> Any:
        self.syncing += 1
        try:
            if self.syncing > 1:
                return await self.beside(document, media_type)
            return await super()._sync(document, media_type)
        finally:
            self.syncing -= 1


@mutant("HOT-010", expects="sync of number 3 and sync of number 2 at once")
class LooksBeforeItKnows(_Busy):
    """Does not see the number of a manifest that is being applied."""

    async def beside(self, document: bytes, media_type: str) -> Any:
        return await sync_remote_manifest(
            self.parts.resolver,
            (document, media_type),
            trust=self.parts.policy,
            lifecycle=self.parts.lifecycle,
            clock=self._clock,
        )


@mutant("HOT-010", expects="at the end the candidates are")
class KeepsBoth(_Busy):
    """Keeps the candidates of two manifests that are applied at once."""

    async def beside(self, document: bytes, media_type: str) -> Any:
        former = [each for each in self.parts.resolver.candidates() if each.origin == SOURCE]
        report = await super().beside(document, media_type)
        if not report.unchanged:
            now = [each for each in self.parts.resolver.candidates() if each.origin == SOURCE]
            names = {each.name for each in now}
            kept = [*now, *(each for each in former if each.name not in names)]
            self.parts.resolver.replace_source(CandidateSource.REMOTE_MANIFEST, SOURCE, kept)
        return report


@mutant("HOT-010", expects="swap and swap at once")
class SwapsOnce(CoreRuntime):
    """Takes a swap that is asked for while another is under way for done."""

    swapping = 0

    async def swap(self, domain: str, key: str, provider: str | None = None) -> Any:
        if provider is None and self.swapping:
            return Answer()
        self.swapping += 1
        try:
            return await super().swap(domain, key, provider)
        finally:
            self.swapping -= 1
