"""What is told to OpenTelemetry: spans and metrics, read back by its own SDK."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from oneiric_core.clock import FrozenClock
from oneiric_core.errors import TransientFetchError
from oneiric_core.remote.breaker import Breaker, BreakerState
from oneiric_core.remote.instruments import Instruments
from oneiric_core.runtime.telemetry import Telemetry
from oneiric_core.testing import STRANGER


class Told:
    """An SDK that keeps everything in memory."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self._spans = InMemorySpanExporter()
        self.meters = MeterProvider([self._reader])
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))

    def metric(self, name: str) -> dict[tuple[Any, ...], Any]:
        """Points by the values of their attributes, in the order of their names: a number, or a histogram's count."""
        data: Any = self._reader.get_metrics_data()
        return {
            tuple(value for _, value in sorted(point.attributes.items())): getattr(point, "count", None) or point.value
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        }

    def spans(self, name: str) -> list[Any]:
        return [span for span in self._spans.get_finished_spans() if span.name == name]


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()
    yield told
    told.meters.shutdown()
    told.tracers.shutdown()


async def test_syncs_and_swaps_are_counted_and_traced(stage: Any, told: Told) -> None:
    stage.publish(stage.entry("One", provider="p"))
    stage.configure("[adapters.selections]\ncache = 'p'")
    async with stage.runtime(meters=told.meters, tracers=told.tracers) as runtime:
        stage.publish(stage.entry("Two", provider="p"))
        await stage.pass_by(3)
        await runtime.sync()
        assert told.metric("oneiric.active.generation") == {("adapter", "cache", "p"): 2}
        assert told.metric("oneiric.stale") == {(): 0}
    assert told.metric("oneiric.sync.duration") == {("applied",): 2, ("unchanged",): 1}
    assert told.metric("oneiric.swap.duration") == {("adapter", "cache", "p"): 2}
    applied, changed, unchanged = told.spans("oneiric.sync")
    assert applied.attributes["oneiric.source"] == "acme"
    assert changed.attributes["oneiric.swapped"] == ("adapter/cache/p",)
    assert unchanged.attributes["oneiric.outcome"] == "unchanged"
    first, second = told.spans("oneiric.swap")
    assert second.parent.span_id == changed.context.span_id
    assert second.attributes["oneiric.generation"] == 2
    assert first.start_time <= first.end_time


async def test_failures_and_further_tries_are_counted_by_their_kind(stage: Any, told: Told) -> None:
    stage.publish(stage.entry("One"), stage.entry("Broken"))
    stage.configure("[adapters.selections]\ncache = 'broken'")
    async with stage.runtime(meters=told.meters, tracers=told.tracers):
        stage.publish(stage.entry("One"), signed_by=STRANGER)
        await stage.pass_by(10)
        assert told.metric("oneiric.stale") == {(): 1}
        assert told.metric("oneiric.active.generation") == {}
    syncs = told.metric("oneiric.sync.duration")
    assert syncs["applied",] == 1
    assert syncs["SignatureError",] > 1
    retries = told.metric("oneiric.retries")
    assert retries["sync",] == syncs["SignatureError",] - 1
    assert retries["selections",] >= 1
    assert told.metric("oneiric.swap.failures")["adapter", "cache"] >= 2
    refused = told.spans("oneiric.sync")[-1]
    assert refused.status.status_code is StatusCode.ERROR
    assert refused.events[0].name == "exception"


async def test_gauges_see_nothing_once_it_has_stopped(stage: Any, told: Told) -> None:
    stage.publish(stage.entry("One"))
    stage.configure("[adapters.selections]\ncache = 'one'")
    async with stage.runtime(meters=told.meters):
        assert told.metric("oneiric.active.generation") == {("adapter", "cache", "one"): 1}
    assert told.metric("oneiric.active.generation") == {}
    assert told.metric("oneiric.stale") == {}


async def test_the_gauges_of_a_breaker_agree_on_what_a_number_means(told: Told) -> None:
    """One is set after each fetch and the other looked at whenever it is read; the higher, the worse it is."""
    clock = FrozenClock()
    breaker = Breaker(failures=2, seconds=30, clock=clock)
    instruments = Instruments(breaker, clock, told.meters)
    Telemetry(clock, told.meters).look.breakers = breaker.states

    def shown() -> tuple[BreakerState, dict[tuple[Any, ...], Any], dict[tuple[Any, ...], Any]]:
        with instruments.fetch("origin"):
            pass
        return breaker.state("origin"), told.metric("oneiric.fetch.breaker"), told.metric("oneiric.breaker.state")

    breaker.failed("origin", TransientFetchError("no answer", fix="Wait"))
    assert shown() == (BreakerState.CLOSED, {("origin",): 0}, {("origin",): 0})
    breaker.failed("origin", TransientFetchError("no answer", fix="Wait"))
    assert shown() == (BreakerState.OPEN, {("origin",): 2}, {("origin",): 2})
    await clock.advance(31)
    assert shown() == (BreakerState.HALF_OPEN, {("origin",): 1}, {("origin",): 1})
