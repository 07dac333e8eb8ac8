"""How long one call may take, and how often it is tried: ``timeout_seconds`` and ``retry_policy`` as declared."""

import math
import random
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, TypeGuard, TypeVar

from oneiric_core.bridges.unreadable import unreadable
from oneiric_core.clock import Clock
from oneiric_core.components import Candidate, CandidateSource

__all__ = ["CallPolicy"]

T = TypeVar("T")

_FIELDS: Final = {
    "attempts": "attempts",
    "max_attempts": "attempts",
    "base_delay": "base_delay",
    "initial_delay": "base_delay",
    "max_delay": "max_delay",
    "max_backoff": "max_delay",
    "jitter": "jitter",
    "backoff_jitter": "jitter",
    "backoff_multiplier": "multiplier",
}
_LEAST: Final = {"attempts": 1, "multiplier": 1}


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """Bounds of one call. Durations are seconds.

    The delay before attempt n + 1 is ``base_delay * multiplier ** (n - 1)``, at most ``max_delay``, and up to
    ``jitter`` of that on top.

    :param timeout: of each attempt; None for no limit.
    :param attempts: how often the call is tried; an ordinary exception or a timeout leads to the next one, cancellation
        does not.
    :param jitter: a part of the delay; 0.25 makes it longer by up to a quarter.
    :param draw: gives a number in [0, 1) for the jitter.
    """

    timeout: float | None = None
    attempts: int = 1
    base_delay: float = 0.0
    max_delay: float = 60.0
    jitter: float = 0.0
    multiplier: float = 2.0
    draw: Callable[[], float] = field(default=random.random, repr=False, compare=False)

    @classmethod
    def of(cls, candidate: Candidate) -> "CallPolicy":
        """What a candidate declares.

        :raises ResolutionError: it cannot be read as a policy.
        """
        return cls.declared_in(candidate.metadata, candidate, candidate.name)

    @classmethod
    def declared_in(cls, fields: Mapping[str, Any], candidate: Candidate, name: str) -> "CallPolicy":
        """What ``fields`` say, which are a candidate's or of a part of it, called ``name``.

        A field of ``retry_policy`` that nobody knows is a slip in what is declared here, and is refused; in a manifest
        it may be of a newer publisher, and counts for nothing.

        :raises ResolutionError: it cannot be read as a policy.
        """
        newer = candidate.source is CandidateSource.REMOTE_MANIFEST
        return cls.parse(fields.get("timeout_seconds"), fields.get("retry_policy"), name, newer=newer)

    @classmethod
    def parse(cls, timeout: object, retry_policy: object, name: str, *, newer: bool = False) -> "CallPolicy":
        if timeout is not None and (not _is_number(timeout) or timeout <= 0):
            raise unreadable(name, "timeout_seconds", timeout, "Give a number of seconds over 0")
        if retry_policy is not None and not isinstance(retry_policy, Mapping):
            raise unreadable(name, "retry_policy", retry_policy, "Give a mapping")
        values: dict[str, Any] = {}
        for written, value in (retry_policy or {}).items():
            meant = _FIELDS.get(written)
            if meant is None and newer:
                continue
            if meant is None:
                near = get_close_matches(str(written), list(_FIELDS), n=1)
                fix = f"Did you mean {near[0]}" if near else f"Use {', '.join(sorted(set(_FIELDS.values())))}"
                raise unreadable(name, "retry_policy", written, fix)
            if meant == "jitter" and isinstance(value, bool):
                value = float(value)  # noqa: PLW2901 - true is all of the delay, false nothing of it
            least = _LEAST.get(meant, 0)
            if not _is_number(value) or value < least or (meant == "attempts" and value != int(value)):
                raise unreadable(name, f"retry_policy.{written}", value, f"Give a number of at least {least}")
            values[meant] = int(value) if meant == "attempts" else float(value)
        return cls(timeout=None if timeout is None else float(timeout), **values)

    async def run(self, call: Callable[[], Awaitable[T]], clock: Clock, name: str) -> T:
        """What ``call`` gives, tried anew as often as the policy says; the last failure comes through as it is.

        :raises TimeoutError: the last attempt did not end in time.
        """
        for attempt in range(1, self.attempts):
            try:
                return await self._once(call, clock, name)
            except Exception:  # noqa: BLE001 - which failures are worth another try was declared: all of them
                await clock.sleep(self.delay(attempt))
        return await self._once(call, clock, name)

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the failure of attempt number ``attempt``, which counts from 1."""
        try:
            growth = self.multiplier ** (attempt - 1)
        except OverflowError:
            growth = sys.float_info.max
        return min(self.max_delay, self.base_delay * growth) * (1 + self.jitter * self.draw())

    async def _once(self, call: Callable[[], Awaitable[T]], clock: Clock, name: str) -> T:
        if self.timeout is None:
            return await call()
        began = clock.monotonic()
        try:
            async with clock.timeout(self.timeout):
                return await call()
        except TimeoutError as error:
            if clock.monotonic() - began < self.timeout:
                raise  # the component's own
            raise TimeoutError(f"{name} did not end within {self.timeout:g} s.") from error


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
