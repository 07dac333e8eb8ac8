"""Services that do not start, stop or tell."""

from typing import Any

from mutants import mutant, reference


@mutant("SVC-001", expects="started again, the status is still")
class StartsOnce(reference.Ticker):
    """Once stopped, it does not start again."""

    stopped = False

    async def start(self) -> None:
        if not self.stopped:
            await super().start()

    async def stop(self) -> None:
        self.stopped = True
        await super().stop()


@mutant("SVC-001", expects="started and stopped, the status is")
class SaysTheSame(reference.Ticker):
    """Its status is the same whether it runs or not."""

    async def status(self) -> dict[str, Any]:
        return {"service": "ticker"}


@mutant("SVC-001", expects="nothing of this says so")
class CountsTransitions(reference.Ticker):
    """Its status is how often it was started or stopped, and does not say which of the two it is."""

    def __init__(self) -> None:
        super().__init__()
        self._changes = 0

    async def start(self) -> None:
        self._changes += self._task is None
        await super().start()

    async def stop(self) -> None:
        self._changes += self._task is not None
        await super().stop()

    async def status(self) -> dict[str, Any]:
        return {"service": "ticker", "history": {"changes": self._changes, "told": f"{self._changes} times"}}


@mutant("SVC-001", expects="stop() raised")
class StopsOnlyWhatRuns(reference.Ticker):
    """Cannot be stopped while it is stopped."""

    async def stop(self) -> None:
        if self._task is not None:
            await super().stop()
        elif self._ready:
            raise RuntimeError("it does not run")

    async def cleanup(self) -> None:
        self._ready = False
        await super().cleanup()


@mutant("SVC-001", expects="the status is a Ticker")
class HandsItselfOut(reference.Ticker):
    """Its status is an object of its own instead of data."""

    async def status(self) -> Any:
        return reference.Ticker()


@mutant("SVC-001", expects="it has no stop()")
class CannotBeStopped(reference.Ticker):
    """Starts, and has no stop."""

    stop = None  # type: ignore[assignment]  # which is what is wrong

    async def cleanup(self) -> None:
        self._ready = False
        await reference.Ticker.stop(self)


@mutant("SVC-001", expects="control: it is healthy after start(): it answers to any method")
class AnswersToAnything(reference.Ticker):
    """Has every method one may ask for, like a mock."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None
