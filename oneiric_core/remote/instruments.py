"""What is counted of every fetch, on OpenTelemetry instruments; nothing is, where no SDK is set up.

==========================  =========  ==================================================================
``oneiric.fetch.duration``  histogram  seconds, retries included
``oneiric.fetch.attempts``  counter    how often a server was asked
``oneiric.fetch.bytes``     counter    content received, also of attempts that failed
``oneiric.fetch.breaker``   gauge      0 closed, 1 half-open, 2 open, after the last fetch
==========================  =========  ==================================================================

All have ``server.address``, the origin. All but the gauge have ``oneiric.outcome``: ``success``, or the name of what
was raised.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.metrics import MeterProvider, get_meter

from oneiric_core.clock import Clock
from oneiric_core.remote.breaker import BREAKER_LEVELS, BREAKER_LEVELS_TOLD, Breaker

__all__ = ["Instruments", "Tally"]


@dataclass(slots=True)
class Tally:
    """How often servers were asked, and how many bytes of content came."""

    attempts: int = 0
    bytes: int = 0

    def add(self, other: "Tally") -> None:
        self.attempts += other.attempts
        self.bytes += other.bytes


class Instruments:
    """The instruments of one fetcher.

    :param meters: makes them; the global provider if None.
    """

    def __init__(self, breaker: Breaker, clock: Clock, meters: MeterProvider | None = None) -> None:
        self._breaker = breaker
        self._clock = clock
        meter = get_meter("oneiric_core.remote", meter_provider=meters)
        self._duration = meter.create_histogram("oneiric.fetch.duration", "s", "How long fetches took")
        self._attempts = meter.create_counter("oneiric.fetch.attempts", "{attempt}", "How often servers were asked")
        self._bytes = meter.create_counter("oneiric.fetch.bytes", "By", "Content received")
        self._state = meter.create_gauge("oneiric.fetch.breaker", "1", BREAKER_LEVELS_TOLD)

    @contextmanager
    def fetch(self, origin: str) -> Iterator[Tally]:
        """Record the fetch that is the body; it counts on what this gives."""
        tally, began, outcome = Tally(), self._clock.monotonic(), "success"
        try:
            yield tally
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            labels = {"server.address": origin, "oneiric.outcome": outcome}
            self._duration.record(self._clock.monotonic() - began, labels)
            self._attempts.add(tally.attempts, labels)
            self._bytes.add(tally.bytes, labels)
            self._state.set(BREAKER_LEVELS[self._breaker.state(origin)], {"server.address": origin})
