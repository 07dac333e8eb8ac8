"""Which failures are worth another attempt, and when it is made.

Only a :class:`TransientFetchError` is. Between attempts is waited for a random part of a time that doubles ("full
jitter", M. Brooker, 2015), so that those who failed together do not come back together, but never less than the server
asked for. There is no further attempt if its time would not come within the budget or the deadline: what went wrong is
raised at once, not slept upon.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from oneiric_core.clock import Clock
from oneiric_core.errors import TransientFetchError
from oneiric_core.remote.breaker import Breaker, BreakerState
from oneiric_core.remote.limits import FetchLimits

__all__ = ["Retries"]

T = TypeVar("T")
_JITTER: Final = wait_random_exponential(multiplier=0.5, max=8.0)


class Retries:
    """Attempts at one thing after the other, as often and as long as the limits allow."""

    def __init__(self, limits: FetchLimits, breaker: Breaker, clock: Clock) -> None:
        self._limits = limits
        self._breaker = breaker
        self._clock = clock

    async def run(self, origin: str, attempt: Callable[[], Awaitable[T]], seconds: float) -> T:
        """What the first attempt that works gives.

        :param seconds: from now, after which no attempt may begin.
        :raises TransientFetchError: the last failure, or the one that opened the breaker of ``origin`` before.
        """
        until = self._clock.monotonic() + seconds

        def is_over(state: RetryCallState) -> bool:
            return (
                state.attempt_number >= self._limits.attempts
                or state.idle_for + state.upcoming_sleep > self._limits.retry_seconds
                or self._clock.monotonic() + state.upcoming_sleep >= until
                or self._breaker.state(origin) is not BreakerState.CLOSED
            )

        retrying = AsyncRetrying(
            sleep=self._clock.sleep,
            retry=retry_if_exception_type(TransientFetchError),
            wait=_pause,
            stop=is_over,
            reraise=True,
        )
        tries = self._breaker.admit(origin)
        try:
            return await retrying(self._once, origin, attempt)
        finally:
            if tries:
                self._breaker.leave(origin)

    async def _once(self, origin: str, attempt: Callable[[], Awaitable[T]]) -> T:
        try:
            result = await attempt()
        except TransientFetchError as error:
            self._breaker.failed(origin, error)
            raise
        except Exception:
            self._breaker.succeeded(origin)  # what is wrong is not the server's being there
            raise
        self._breaker.succeeded(origin)
        return result


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.evidence.get("retry_after") if isinstance(error, TransientFetchError) else None
    return max(_JITTER(state), asked if isinstance(asked, float) else 0.0)
