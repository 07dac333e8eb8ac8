"""Not asking a server that has failed again and again, until one of us may try once more.

Per origin: *closed* while it works; *open* after a number of failures in a row, when nobody asks; *half-open* when the
time is over, when one asks and the others wait for what comes of it. A success closes it, a failure opens it again.
(M. Nygard, Release It!, 5.2.) An origin that has not failed lately is not remembered at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.errors import TransientFetchError

__all__ = ["BREAKER_LEVELS", "BREAKER_LEVELS_TOLD", "Breaker", "BreakerState"]


class BreakerState(StrEnum):
    """Whether an origin is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


BREAKER_LEVELS: Final[Mapping[BreakerState, int]] = MappingProxyType(
    {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
)
"""What every gauge shows of a state: the more, the less the origin is asked."""
BREAKER_LEVELS_TOLD: Final = ", ".join(f"{level} {state}" for state, level in BREAKER_LEVELS.items())


@dataclass(slots=True)
class _Trouble:
    error: TransientFetchError
    failures: int = 0
    opened: float | None = None
    probing: bool = False


class Breaker:
    """One circuit breaker for each origin.

    :param failures: how many in a row open it.
    :param seconds: how long it stays open before somebody may try.
    """

    def __init__(self, *, failures: int = 5, seconds: float = 30.0, clock: Clock = SYSTEM_CLOCK) -> None:
        if failures < 1 or seconds <= 0:
            raise ValueError(f"failures is {failures} and seconds {seconds}. Give positive numbers.")
        self._failures = failures
        self._seconds = seconds
        self._clock = clock
        self._troubles: dict[str, _Trouble] = {}

    def state(self, origin: str) -> BreakerState:
        trouble = self._troubles.get(origin)
        if trouble is None or trouble.opened is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._left(trouble) > 0 else BreakerState.HALF_OPEN

    def states(self) -> Mapping[str, BreakerState]:
        """By origin, of all that failed lately."""
        return {origin: self.state(origin) for origin in self._troubles}

    def admit(self, origin: str) -> bool:
        """May ``origin`` be asked now? Whether whoever asks is the one to try; he calls :meth:`leave` in the end.

        :raises TransientFetchError: it may not; with the error that opened the breaker as its cause.
        """
        trouble = self._troubles.get(origin)
        if trouble is None or trouble.opened is None:
            return False
        left = self._left(trouble)
        if left > 0 or trouble.probing:
            raise TransientFetchError(
                f"{origin} failed {trouble.failures} times in a row and is not asked "
                f"{f'for another {left:.0f} s' if left > 0 else 'by two at once'}; the last time, {trouble.error.what}",
                fix=trouble.error.fix,
                origin=origin,
                retry_after=max(left, 0.0),
            ) from trouble.error
        trouble.probing = True
        return True

    def leave(self, origin: str) -> None:
        """The one to try has ended, perhaps without having learnt anything."""
        if trouble := self._troubles.get(origin):
            trouble.probing = False

    def succeeded(self, origin: str) -> None:
        self._troubles.pop(origin, None)

    def failed(self, origin: str, error: TransientFetchError) -> None:
        trouble = self._troubles.setdefault(origin, _Trouble(error))
        trouble.error = error
        trouble.failures += 1
        if trouble.failures >= self._failures:
            trouble.opened = self._clock.monotonic()

    def _left(self, trouble: _Trouble) -> float:
        return 0.0 if trouble.opened is None else trouble.opened + self._seconds - self._clock.monotonic()
