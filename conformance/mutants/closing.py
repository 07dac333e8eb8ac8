"""Components that go wrongly once they have worked, and rightly before."""

import asyncio
from collections.abc import Mapping
from typing import Any

from mutants import mutant, reference


@mutant(
    "LIFE-003",
    expects="the second clean-up: cleanup() raised RuntimeError: Lock is not acquired",
    also={"LIFE-009": "the one it cleans up last was cleaned up before"},
)
class UnlocksWhatIsUnlocked(reference.Cache):
    """The first value locks what it holds, and each clean-up unlocks it."""

    _holds: asyncio.Lock | None = None

    async def set(self, key: str, value: Any) -> None:
        if self._holds is None:
            self._holds = asyncio.Lock()
            await self._holds.acquire()
        await super().set(key, value)

    async def cleanup(self) -> None:
        await super().cleanup()
        if self._holds is not None:
            self._holds.release()


@mutant("LIFE-005", expects="clean-up cancelled at the 1. point where it waits, then cleaned up: there is task")
class LosesItsWriter(reference.Cache):
    """Its writer comes with the first value; a clean-up that is cancelled while it waits for it has forgotten it."""

    _writer: "asyncio.Task[Any] | None" = None

    async def set(self, key: str, value: Any) -> None:
        self._writer = self._writer or asyncio.create_task(asyncio.sleep(60))
        await super().set(key, value)

    async def cleanup(self) -> None:
        await super().cleanup()
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.sleep(0)
            writer.cancel()
            await asyncio.wait({writer})


@mutant("LIFE-005", expects="clean-up cancelled at the 1. point where it waits, then cleaned up: there is task")
class LosesItsWorker(reference.WordCount):
    """The same with a worker that comes with the first text."""

    _worker: "asyncio.Task[Any] | None" = None

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        self._worker = self._worker or asyncio.create_task(asyncio.sleep(60))
        return await super().run(payload)

    async def cleanup(self) -> None:
        await super().cleanup()
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.sleep(0)
            worker.cancel()
            await asyncio.wait({worker})


@mutant("LIFE-004", expects="WaitsToForget._forget")
class WaitsToForget(reference.TimedCache):
    """A task waits for the end of each value that has one, and nobody ends the task before."""

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        await super().set(key, value, ttl)
        if ttl is not None:
            self._forgets = asyncio.create_task(self._forget(key, ttl))

    async def _forget(self, key: str, ttl: float) -> None:
        await asyncio.sleep(ttl)
        await super().get(key)
