"""What a runtime does again and again, and when: at once when asked, after a period, sooner after a failure.

Pure: moments in, moments out.
"""

from dataclasses import dataclass, field
from typing import Final

from oneiric_core.bridges.policy import CallPolicy

__all__ = ["Act"]

_BACKOFF: Final = CallPolicy(base_delay=1.0, max_delay=60.0, multiplier=2.0, jitter=0.25)


@dataclass(slots=True)
class Act:
    """One of the things that are done.

    :param period: seconds between two beginnings; None does it only when asked, and until it succeeds.
    :param due: when it is to be done next; None is not before somebody asks.
    :param failures: in a row.
    :param error: why the last try failed; empty after a success.
    """

    name: str
    period: float | None = None
    due: float | None = None
    failures: int = 0
    error: str = ""
    backoff: CallPolicy = field(default=_BACKOFF, repr=False)

    def ask(self, now: float) -> None:
        """It is due now."""
        self.due = now

    def begin(self, now: float) -> None:
        """It is being done. Whoever asks from here on asks for another time."""
        self.due = None if self.period is None else now + self.period

    def succeeded(self) -> None:
        self.failures, self.error = 0, ""

    def failed(self, error: str, now: float) -> None:
        """Try again, the later the more often it has failed, and no later than its period."""
        self.failures += 1
        self.error = error
        again = now + self.backoff.delay(self.failures)
        self.due = again if self.due is None else min(self.due, again)
