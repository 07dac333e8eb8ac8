"""Runtimes that do not let go of what a manifest drops, or let what they refuse reach what is at work."""

import json
from typing import Any

from mutants import mutant
from oneiric_core import OneiricError, sync_remote_manifest
from oneiric_core.testing import CoreRuntime


@mutant(
    "HOT-006",
    expects="readers still get it",
    also={"SIG-009": "it verifies before it remembers, so that one that has expired is never seen"},
)
class KeepsWhatWasDropped(CoreRuntime):
    """Forgets the candidate that a manifest drops, and leaves its instance at work."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        self._verify(document, media_type)
        if json.loads(document)["entries"]:
            return await super()._sync(document, media_type)
        return await sync_remote_manifest(
            self.parts.resolver,
            (document, media_type),
            trust=self.parts.policy,
            state_dir=self._workdir / "state",
            clock=self._clock,
        )


@mutant("HOT-006", expects="cleaned up 2 times")
class RetiresTwice(CoreRuntime):
    """Cleans up once more what it has retired."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        lifecycle = self.parts.lifecycle
        before = {status.domain + status.key: status for status in lifecycle.all_statuses()}
        live = [lifecycle.get_instance(status.domain, status.key) for status in before.values()]
        report = await super()._sync(document, media_type)
        if report.retired and not report.swapped:
            for instance in live:
                cleanup: Any = getattr(instance, "cleanup", None)
                if cleanup is not None:
                    await cleanup()
        return report


class _Restless(CoreRuntime):
    async def disturb(self) -> None:
        """What it does to what is at work when it refuses a manifest."""

    def live(self) -> list[Any]:
        lifecycle = self.parts.lifecycle
        handles = [lifecycle.handle(status.domain, status.key) for status in lifecycle.all_statuses()]
        return [handle for handle in handles if handle is not None]

    async def _sync(self, document: bytes, media_type: str) -> Any:
        try:
            return await super()._sync(document, media_type)
        except OneiricError:
            await self.disturb()
            raise


@mutant("SIG-013", expects="readers get another instance")
class StartsAfresh(_Restless):
    """Builds what is at work anew when it has refused a manifest, to be on the safe side."""

    async def disturb(self) -> None:
        for handle in self.live():
            candidate = handle.candidate
            await self.parts.lifecycle.swap(candidate.domain, candidate.key, candidate.provider)


@mutant("SIG-013", expects="health was called")
class LooksAfterIt(_Restless):
    """Asks what is at work for its health when it has refused a manifest."""

    async def disturb(self) -> None:
        for handle in self.live():
            health: Any = getattr(handle.instance, "health", None)
            if health is not None:
                await health()
