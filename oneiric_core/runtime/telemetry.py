"""What a runtime tells OpenTelemetry; nothing, where no SDK is set up.

Metrics, durations in seconds:

* ``oneiric.sync.duration`` (histogram) by ``oneiric.outcome``: ``applied``, ``unchanged``, or the name of an error;
* ``oneiric.swap.duration`` (histogram) by domain, key and provider: making what was published ready;
* ``oneiric.swap.failures`` (counter) by domain and key;
* ``oneiric.retries`` (counter) by ``oneiric.act``: ``settings``, ``sync`` or ``selections``;
* ``oneiric.active.generation`` (gauge) by domain, key and provider, of what runs;
* ``oneiric.stale`` (gauge): 1 if what stands may be older than what the publisher offers;
* ``oneiric.breaker.state`` (gauge) by ``server.address``, of origins that failed lately: 0 closed, 1 half-open, 2 open.

Spans: ``oneiric.sync``, and within it (or alone) ``oneiric.swap`` for everything that was published.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider, Observation
from opentelemetry.trace import Status, StatusCode, TracerProvider

from oneiric_core.clock import Clock
from oneiric_core.lifecycle import SlotStatus, State
from oneiric_core.remote.breaker import BREAKER_LEVELS, BREAKER_LEVELS_TOLD, BreakerState
from oneiric_core.remote.report import SyncReport

__all__ = ["Look", "Telemetry"]

_SCOPE: Final = "oneiric_core"
_FAILED: Final = "oneiric.outcome"


class Look:
    """What the gauges look at when they are read; after the end they see nothing."""

    def __init__(self) -> None:
        self.slots: Callable[[], Iterable[SlotStatus]] = tuple
        self.stale: Callable[[], bool | None] = lambda: None
        self.breakers: Callable[[], Mapping[str, BreakerState]] = dict

    def away(self) -> None:
        """See nothing any more: an instrument cannot be taken back."""
        Look.__init__(self)


class Telemetry:
    """Instruments of one runtime.

    :param meters: where instruments are made; the global provider if None. ``tracers`` likewise.
    """

    def __init__(
        self, clock: Clock, meters: MeterProvider | None = None, tracers: TracerProvider | None = None
    ) -> None:
        meter = metrics.get_meter(_SCOPE, version("oneiric-core"), meters)
        self._clock = clock
        self._tracer = trace.get_tracer(_SCOPE, version("oneiric-core"), tracers)
        self._generations: dict[tuple[str, str], int] = {}
        self._syncs = meter.create_histogram("oneiric.sync.duration", "s", "Applying a manifest")
        self._swaps = meter.create_histogram("oneiric.swap.duration", "s", "Making ready what was published")
        self._failures = meter.create_counter("oneiric.swap.failures", "{swap}", "Components that could not be made")
        self._retries = meter.create_counter("oneiric.retries", "{retry}", "Further tries after a failure")
        self.look = Look()
        look = self.look
        meter.create_observable_gauge(
            "oneiric.active.generation", [lambda _: _active(look)], "{generation}", "Publications of what runs"
        )
        meter.create_observable_gauge("oneiric.stale", [lambda _: _stale(look)], "1", "1 if what stands may be old")
        meter.create_observable_gauge("oneiric.breaker.state", [lambda _: _breakers(look)], "1", BREAKER_LEVELS_TOLD)

    @contextmanager
    def sync(self) -> Iterator[Callable[[SyncReport], None]]:
        """Around one sync; what it gives is to be called with the report."""
        began, outcome = self._clock.monotonic(), "cancelled"
        reports: list[SyncReport] = []
        with self._tracer.start_as_current_span("oneiric.sync", set_status_on_exception=False) as span:
            try:
                yield reports.append
                outcome = "unchanged" if reports and reports[-1].unchanged else "applied"
            except Exception as error:
                outcome = type(error).__name__
                span.set_status(Status(StatusCode.ERROR, str(error)))
                raise
            finally:
                span.set_attribute(_FAILED, outcome)
                for report in reports:
                    span.set_attribute("oneiric.source", report.source)
                    span.set_attribute("oneiric.registered", report.registered)
                    span.set_attribute("oneiric.swapped", list(report.swapped))
                    span.set_attribute("oneiric.retired", list(report.retired))
                self._syncs.record(self._clock.monotonic() - began, {_FAILED: outcome})

    def retry(self, act: str) -> None:
        """One more try at ``act``."""
        self._retries.add(1, {"oneiric.act": act})

    def slot(self, status: SlotStatus) -> None:
        """An observer of the lifecycle."""
        name = status.domain, status.key
        where = {"oneiric.domain": status.domain, "oneiric.key": status.key}
        if status.generation > self._generations.get(name, 0):
            self._generations[name] = status.generation
            seconds = sum(status.seconds.values())
            self._swaps.record(seconds, where | {"oneiric.provider": status.provider})
            now = self._clock.now()
            attributes: dict[str, str | int | float] = {
                **where,
                "oneiric.provider": status.provider,
                "oneiric.generation": status.generation,
                **{f"oneiric.{stage}.seconds": taken for stage, taken in status.seconds.items()},
            }
            span = self._tracer.start_span(
                "oneiric.swap",
                start_time=_nanoseconds(now - timedelta(seconds=seconds)),
                attributes=attributes,
            )
            span.end(_nanoseconds(now))
        elif status.error and status.state is not State.RETIRED:
            self._failures.add(1, where)


def _active(look: Look) -> Iterable[Observation]:
    for status in look.slots():
        if status.provider:
            name = {"oneiric.domain": status.domain, "oneiric.key": status.key, "oneiric.provider": status.provider}
            yield Observation(status.generation, name)


def _stale(look: Look) -> Iterable[Observation]:
    stale = look.stale()
    if stale is not None:
        yield Observation(int(stale))


def _breakers(look: Look) -> Iterable[Observation]:
    for origin, state in look.breakers().items():
        yield Observation(BREAKER_LEVELS[state], {"server.address": origin})


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
