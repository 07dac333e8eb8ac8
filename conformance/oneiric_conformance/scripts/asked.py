"""A manifest that a runtime is given, and what it has to say to it."""

import tempfile
from dataclasses import dataclass, field
from typing import Any

from oneiric_conformance.handling.offer import JSON
from oneiric_conformance.runtime import Trust
from oneiric_conformance.scripts.base import expect
from oneiric_conformance.scripts.hosting import CORE_RUNTIME, hosted

__all__ = ["Asked", "ask_again"]


@dataclass
class Asked:
    """The manifest, whom the runtime believes, and the errors as one of which it is to refuse it; none if it is not to.

    ``before`` is what a runtime in the same place was given first, and then perhaps ``restarted``.
    """

    document: bytes
    kinds: tuple[str, ...] = ()
    before: tuple[bytes, ...] = ()
    restarted: bool = False
    media_type: str = JSON
    keys: tuple[bytes, ...] = ()
    threshold: int = 1
    source: str | None = None
    limits: dict[str, float] = field(default_factory=dict)
    runtime: str = CORE_RUNTIME

    def hosted(self, folder: str) -> Any:
        return hosted(self.runtime, self.limits, Trust(self.keys, self.threshold, self.source), folder)


async def ask_again(manifest: Asked, example: Any, payloads: Any) -> None:
    """It is accepted or refused as it has to be, asked whether it may be believed and told to apply it."""
    del example, payloads
    folder = tempfile.mkdtemp()
    async with manifest.hosted(folder) as runtime:
        for document in manifest.before:
            await runtime.sync(document, JSON)
        if not manifest.restarted:
            await answered(manifest, runtime)
    if manifest.restarted:
        async with manifest.hosted(folder) as runtime:
            await answered(manifest, runtime)


async def answered(manifest: Asked, runtime: Any) -> None:
    for way in (runtime.verify, runtime.sync) if not manifest.before else (runtime.sync,):
        answer = await way(manifest.document, manifest.media_type)
        holds = not answer.ok and answer.kind in manifest.kinds if manifest.kinds else answer.ok
        seen = "accepted it" if answer.ok else f"refused it with {answer.kind}: {answer.reason}"
        expected = f"refused with {' or '.join(manifest.kinds)}" if manifest.kinds else "accepted"
        expect(holds, f"{way.__name__}() {seen}", expected)
