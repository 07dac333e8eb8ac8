"""Tasks that do not run, or do not end."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from unittest.mock import MagicMock

from mutants import mutant, reference


@mutant("TASK-001", expects="the result is a MagicMock")
class ReturnsMocks(reference.WordCount):
    """Its result is a mock instead of data."""

    async def run(self, payload: Mapping[str, Any]) -> Any:
        await super().run(payload)
        return MagicMock()


@mutant("TASK-001", expects="which JSON does not have")
class DividesByNothing(reference.WordCount):
    """Its result holds a number that JSON does not have."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        result = await super().run(payload)
        return {**result, "ratio": float("inf") if not result["words"] else 1.0}


@mutant("TASK-001", expects="a valid one")
class RefusesLongTexts(reference.WordCount):
    """Refuses payloads that its schema allows."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        if len(payload["text"]) > 3:
            raise ValueError("the text is too long")
        return await super().run(payload)


@mutant(
    "TASK-001",
    expects="control: it runs on at least one payload",
    also=dict.fromkeys(("TASK-002", "TASK-003"), "it never begins"),
)
class RefusesEverything(reference.WordCount):
    """Has no schema and refuses whatever it is given."""

    metadata = reference.WordCount.metadata.model_copy(update={"capabilities": []})

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        raise ValueError("not this one")


@mutant("TASK-002", expects="went on and returned")
class CannotBeCancelled(reference.WordCount):
    """Takes being cancelled for one more reason to go on."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await super().run(payload)
        except asyncio.CancelledError:
            return {"words": 0, "characters": 0, "text": ""}


@mutant("TASK-002", expects="it still ran")
class TriesAgainWhateverHappens(reference.WordCount):
    """Begins anew when it is cancelled, and takes its time."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await super().run(payload)
        except asyncio.CancelledError:
            await asyncio.sleep(1.5)
            raise


@mutant("TASK-002", expects="cancelled at the 41. point where it waits, it went on")
class CannotBeCancelledLater(reference.WordCount):
    """Waits forty times, and takes being cancelled after that for one more reason to go on."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        for _ in range(40):
            await asyncio.sleep(0)
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        for _ in range(40):
            await asyncio.sleep(0)
        return await super().run(payload)


@mutant("TASK-002", expects="at the 1. point where it waits, it went on and returned {'words': 0")
class CannotBeCancelledOnBlanks(reference.WordCount):
    """Cannot be cancelled where a text is nothing but blanks, for which it has a way of its own."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        if payload["text"].strip():
            await asyncio.sleep(0)
            return await super().run(payload)
        try:
            return await super().run(payload)
        except asyncio.CancelledError:
            return {"words": 0, "characters": 0, "text": ""}


@mutant("TASK-002", expects="at the 1. point where it waits, it left the task TellsNobody._tell")
class TellsNobody(reference.WordCount):
    """Waits in a shield for somebody who then waits for it, even if it was cancelled meanwhile."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        heard, told = asyncio.Event(), asyncio.get_running_loop().create_future()
        telling = asyncio.ensure_future(self._tell(payload, told, heard))
        result: dict[str, Any] = await asyncio.shield(told)
        heard.set()
        await telling
        return result

    async def _tell(self, payload: Mapping[str, Any], told: "asyncio.Future[Any]", heard: asyncio.Event) -> None:
        try:
            told.set_result(await super().run(payload))
        except ValueError as error:
            told.set_exception(error)
        await heard.wait()


@mutant("TASK-002", expects="cancelled at the 1. point where it waits, it left after clean-up: process")
class LeavesItsChild(reference.WordCount):
    """Has a child process that it only ends when the run comes to its end."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        child = os.posix_spawnp("sleep", ["sleep", "5"], os.environ)  # noqa: ASYNC221 - it takes no time
        result = await super().run(payload)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)  # noqa: ASYNC222 - nor does this
        return result


@mutant("TASK-002", expects="cancelled at the 1. point where it waits, it left after clean-up: thread")
class LeavesItsThread(reference.WordCount):
    """Has a thread that it only tells to end when the run comes to its end."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        over = threading.Event()
        threading.Thread(target=over.wait, args=(60,), daemon=True).start()
        result = await super().run(payload)
        over.set()
        return result


@mutant("TASK-002", expects="cancelled at the 1. point where it waits, it left after clean-up: descriptor")
class LeavesItsFile(reference.WordCount):
    """Has a file that it only closes when the run comes to its end."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        file = os.open(os.devnull, os.O_RDONLY)
        result = await super().run(payload)
        os.close(file)
        return result


@mutant(
    "TASK-002",
    expects="the run after a cancelled one",
    also={"TASK-003": "it is locked while another run is under way"},
)
class BreaksWhenCancelled(reference.WordCount):
    """Stays locked when it is cancelled while it holds its lock."""

    busy = False

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        if self.busy:
            raise RuntimeError("busy")
        self.busy = True
        result = await super().run(payload)
        self.busy = False
        return result


@mutant("TASK-002", expects="as it declares")
class TakesLongerThanItSays(reference.WordCount):
    """Takes longer than the time it declares."""

    metadata = reference.WordCount.metadata.model_copy(update={"timeout_seconds": 0.01, "retry_policy": None})

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        time.sleep(0.02)  # noqa: ASYNC251 - it blocks, too
        return await super().run(payload)


@mutant("TASK-001", expects="holds itself")
class HoldsItself(reference.WordCount):
    """Its result is a part of itself."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        result = await super().run(payload)
        result["self"] = result
        return result


@mutant("TASK-001", expects="an integer of thousands of digits")
class CountsTooFar(reference.WordCount):
    """Its result holds a number that Python itself refuses to write."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {**await super().run(payload), "number": 1 << 20_000}


class _Pretends:
    @property  # type: ignore[misc]  # an object may say that it is something else
    def __class__(self) -> type:
        return str


@mutant("TASK-001", expects="is a _Pretends")
class ReturnsAPretender(reference.WordCount):
    """Its result holds an object that says it is text."""

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {**await super().run(payload), "object": _Pretends()}


@mutant("TASK-003", expects="beside others it gave")
class KeepsTheTextAside(reference.WordCount):
    """Keeps the text in an attribute while it waits."""

    payload: Any = None

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        self.payload = payload
        await asyncio.sleep(0)
        return await super().run(self.payload)


@mutant("TASK-003", expects="beside others it raised RuntimeError: busy")
class RunsOneAtATime(reference.WordCount):
    """Refuses to run while it runs."""

    busy = False

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        if self.busy:
            raise RuntimeError("busy")
        self.busy = True
        try:
            return await super().run(payload)
        finally:
            self.busy = False
