"""Components that come, are, or go wrongly."""

import asyncio
import os
import tempfile
import threading
from typing import Any, ClassVar

from mutants import mutant, reference

_UNCLEAN = "clean-up is called there without init() as well"


@mutant("LIFE-002", expects="answered None")
class SaysNothing(reference.WordCount):
    """Its health hook forgets to return what it found."""

    async def health(self) -> bool:
        await super().health()
        return None  # type: ignore[return-value]  # which is what is wrong


@mutant("LIFE-003", expects="clean-up without init()", also={"LIFE-005": _UNCLEAN})
class NeedsInit(reference.Slugify):
    """Its clean-up closes what only ``init()`` makes."""

    async def init(self) -> None:
        await super().init()
        self._lock = asyncio.Lock()

    async def cleanup(self) -> None:
        async with self._lock:
            await super().cleanup()


@mutant("LIFE-003", expects="the second clean-up", also={"LIFE-009": "the one it cleans up last was cleaned up before"})
class CleanupOnce(reference.Slugify):
    """Its clean-up raises when it is called again."""

    closed = False

    async def cleanup(self) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = True
        await super().cleanup()


_LEAK = "whatever is left behind by each life is left behind by each swap"


@mutant("LIFE-004", expects="more tasks", also={"LIFE-005": _LEAK, "HOT-005": _LEAK})
class ForgottenTask(reference.Ticker):
    """Starts a task and does not end it."""

    async def init(self) -> None:
        await super().init()
        self._beat = asyncio.create_task(asyncio.sleep(60))


@mutant("LIFE-004", expects="thread", also={"LIFE-005": _LEAK, "HOT-005": _LEAK})
class ForgottenThread(reference.Slugify):
    """Starts a thread that nobody tells to end."""

    async def init(self) -> None:
        await super().init()
        threading.Thread(target=threading.Event().wait, args=(60,), name="forgotten", daemon=True).start()


@mutant("LIFE-004", expects="descriptor", also={"LIFE-005": _LEAK, "HOT-005": _LEAK})
class ForgottenFile(reference.Slugify):
    """Opens a file and keeps it open for good."""

    opened: ClassVar[list[Any]] = []

    async def init(self) -> None:
        await super().init()
        self.opened.append(tempfile.TemporaryFile())


_WORKS = "whatever its work leaves behind in each life it leaves behind in each swap"


@mutant("LIFE-004", expects="more tasks", also={"LIFE-005": _LEAK, "HOT-005": _WORKS})
class ForgetsWhatItDeletesLater(reference.Cache):
    """Leaves what it deletes to a task that nobody ends."""

    async def delete(self, key: str) -> bool:
        asyncio.get_running_loop().create_task(asyncio.sleep(60))
        return await super().delete(key)


@mutant("LIFE-004", expects="descriptor", also={"LIFE-005": _LEAK, "HOT-005": _WORKS})
class ForgetsWhatIsMissing(reference.Cache):
    """Opens a file when a key is deleted, and closes it again only if there was such a key."""

    async def delete(self, key: str) -> bool:
        descriptor = os.open(__file__, os.O_RDONLY)
        if found := await super().delete(key):
            os.close(descriptor)
        return found


@mutant("LIFE-004", expects="thread", also={"LIFE-005": _LEAK, "HOT-005": _WORKS})
class ForgetsWhatItClears(reference.Cache):
    """Leaves clearing up to a thread that nobody tells to end."""

    async def clear(self) -> None:
        await super().clear()
        threading.Thread(target=threading.Event().wait, args=(60,), name="clearing", daemon=True).start()


@mutant("LIFE-004", expects="descriptor", also={"LIFE-005": _LEAK, "HOT-005": _WORKS})
class ForgetsItsVault(reference.Vault):
    """Opens a file for each secret that it finds, and keeps it open for good."""

    async def get_secret(self, secret_id: str) -> str | None:
        found = await super().get_secret(secret_id)
        if found is not None:
            os.open(__file__, os.O_RDONLY)
        return found


@mutant("LIFE-004", expects="more tasks", also={"HOT-005": _WORKS})
class ForgetsItsReader(reference.Meter):
    """Has no work but what its exercise shows, and starts a task there that it does not end."""

    async def add(self, amount: int) -> int:
        asyncio.get_running_loop().create_task(asyncio.sleep(60))
        return await super().add(amount)


@mutant("LIFE-004", expects="there is descriptor", also={"HOT-005": _WORKS})
class OpensForMany(reference.Cache):
    """Leaves a file open where it is asked for several values at once, as its exercise does and its contract not."""

    exercise = "mutants.lifecycle:asks_for_many"

    async def get_many(self, *keys: str) -> list[Any]:
        os.open(__file__, os.O_RDONLY)
        return [await self.get(key) for key in keys]


async def asks_for_many(cache: OpensForMany) -> None:
    await cache.set("one", 1)
    if await cache.get_many("one", "none") != [1, None]:
        raise AssertionError("it was not found")


@mutant("LIFE-005", expects="cancelled at the 1. point")
class StartsBeforeItKnows(reference.Ticker):
    """Starts a task in ``init()``, waits, and only then remembers the task."""

    _beat: "asyncio.Task[Any] | None" = None

    async def init(self) -> None:
        beat = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        self._beat = beat
        await super().init()

    async def cleanup(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        await super().cleanup()


@mutant("LIFE-005", expects="init() cancelled at the 16. point")
class StartsBetweenManyWaits(reference.Ticker):
    """Waits fifteen times, and starts a task that it only remembers after it has waited once more."""

    _beat: "asyncio.Task[Any] | None" = None

    async def init(self) -> None:
        for _ in range(15):
            await asyncio.sleep(0)
        beat = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        self._beat = beat
        for _ in range(15):
            await asyncio.sleep(0)
        await super().init()

    async def cleanup(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        await super().cleanup()


@mutant("LIFE-005", expects="clean-up cancelled")
class ClosesTooSoon(reference.Ticker):
    """Marks itself closed before its task has ended, so that a second clean-up does nothing."""

    _beat: "asyncio.Task[Any] | None" = None

    async def init(self) -> None:
        self._beat = asyncio.create_task(asyncio.sleep(60))
        await super().init()

    async def cleanup(self) -> None:
        beat, self._beat = self._beat, None
        await super().cleanup()
        await asyncio.sleep(0)
        if beat is not None:
            beat.cancel()


@mutant("LIFE-008", expects="after clean-up, health() answered True")
class HealthyForEver(reference.Slugify):
    """Is healthy whatever happened."""

    async def health(self) -> bool:
        return True


@mutant("LIFE-008", expects="no health hook")
class WithoutHealth(reference.Slugify):
    """Has no health hook, so that nobody can tell whether it is closed."""

    health = None  # type: ignore[assignment]  # which is what is wrong
