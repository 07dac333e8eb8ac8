"""Components that hold up their loop, leave things to the collector, or cannot stand others of their kind."""

import asyncio
import os
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from mutants import mutant, reference


@mutant("LIFE-006", expects="it held up the event loop for")
class SleepsInInit(reference.Slugify):
    """Waits in ``init()`` without letting others run."""

    async def init(self) -> None:
        time.sleep(0.13)  # noqa: ASYNC251 - which is what is wrong
        await super().init()


@mutant("LIFE-006", expects="it held up the event loop for")
class CalculatesForLong(reference.WordCount):
    """Calculates for long without letting others run."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        if payload["text"].startswith(" ") or not payload["text"]:
            ends = time.thread_time() + 0.13
            while time.thread_time() < ends:
                pass
        return await super().run(payload)


@mutant("LIFE-006", expects="it held up the event loop for")
class ClearsForLong(reference.Cache):
    """Waits while it clears all values, without letting others run."""

    async def clear(self) -> None:
        time.sleep(0.13)  # noqa: ASYNC251 - which is what is wrong
        await super().clear()


@mutant("LIFE-007", expects="ResourceWarning: unclosed file")
class DropsWhatItLists(reference.Folder):
    """Opens a file each time it lists its keys, and forgets about it."""

    async def list(self, prefix: str = "") -> list[str]:
        os.fdopen(os.open(__file__, os.O_RDONLY))
        return await super().list(prefix)


@mutant("LIFE-007", expects="ResourceWarning: unclosed file")
class DropsFiles(reference.Slugify):
    """Opens a file and forgets about it."""

    async def init(self) -> None:
        await super().init()
        os.fdopen(os.open(__file__, os.O_RDONLY))


@mutant("LIFE-007", expects="was never awaited")
class ForgetsToAwait(reference.Audit):
    """Calls a coroutine function and does not await what it gives."""

    async def init(self) -> None:
        await super().init()
        self._warm_up()  # type: ignore[unused-coroutine]  # which is what is wrong

    async def _warm_up(self) -> None:
        await asyncio.sleep(0)


@mutant("LIFE-009", expects="there are three already")
class KnowsThree(reference.Slugify):
    """Refuses to be the fourth of its kind."""

    here: ClassVar[int] = 0
    counted = False

    async def init(self) -> None:
        if type(self).here >= 3:
            raise RuntimeError("there are three already")
        type(self).here += 1
        self.counted = True
        await super().init()

    async def cleanup(self) -> None:
        if self.counted:
            type(self).here -= 1
            self.counted = False
        await super().cleanup()


@mutant("LIFE-009", expects="side by side, health() of number")
class ComesAlone(reference.WordCount):
    """Notes in its class which instance is coming, waits, and then makes that one ready."""

    coming: ClassVar[Any] = None

    async def init(self) -> None:
        type(self).coming = self
        await asyncio.sleep(0)
        await reference.WordCount.init(type(self).coming)
