"""What is counted, as an OpenTelemetry SDK sees it."""

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from oneiric_core.errors import RefusedFetchError, TransientFetchError
from oneiric_core.remote.breaker import Breaker
from oneiric_core.testing import ArtifactServer, Broken, Reply, WireFault


def seen(reader: InMemoryMetricReader) -> dict[tuple[str, str, str], Any]:
    """Values by instrument, origin and outcome; of a histogram its count."""
    data: Any = reader.get_metrics_data()
    return {
        (metric.name, str(point.attributes["server.address"]), str(point.attributes.get("oneiric.outcome", ""))): (
            point.count if hasattr(point, "count") else point.value
        )
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }


async def test_each_fetch_is_counted_by_origin_and_outcome(server: ArtifactServer, fetching: Any) -> None:
    reader = InMemoryMetricReader()
    limits = {"patience": 10**6, "seconds": 10**6}
    fetcher = fetching.fetcher(
        attempts=2, breaker=Breaker(failures=3, clock=fetching.clock), limits=limits, meters=MeterProvider([reader])
    )

    async def take(answer: Any) -> list[bytes]:
        return [chunk async for chunk in answer.chunks]

    good = fetcher.artifact(server.on("/good", Broken(WireFault.SHORT, b"0123456789"), Reply(b"0123456789")))
    await fetching.passing(fetcher.fetch(good, take), step=0.01)
    with pytest.raises(RefusedFetchError):
        await fetcher.fetch(fetcher.artifact(server.url_of("/gone")), take)
    tired = fetcher.artifact(server.on("/tired", Reply(status=503)))
    for _ in range(3):
        with pytest.raises(TransientFetchError):
            await fetching.passing(fetcher.fetch(tired, take), step=0.01)
    assert seen(reader) == {
        ("oneiric.fetch.duration", server.url, "success"): 1,
        ("oneiric.fetch.attempts", server.url, "success"): 2,
        ("oneiric.fetch.bytes", server.url, "success"): 15,
        ("oneiric.fetch.duration", server.url, "RefusedFetchError"): 1,
        ("oneiric.fetch.attempts", server.url, "RefusedFetchError"): 1,
        ("oneiric.fetch.bytes", server.url, "RefusedFetchError"): 0,
        ("oneiric.fetch.duration", server.url, "TransientFetchError"): 3,
        ("oneiric.fetch.attempts", server.url, "TransientFetchError"): 3,
        ("oneiric.fetch.bytes", server.url, "TransientFetchError"): 0,
        ("oneiric.fetch.breaker", server.url, ""): 2,
    }
