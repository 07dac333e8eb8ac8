"""Event handlers that do not handle, or meddle."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mutants import mutant, reference
from oneiric_core import EventBridge, EventEnvelope
from oneiric_core.bridges.subscription import Subscription
from oneiric_core.testing import CoreRuntime


@mutant("EVT-001", expects="order.paid")
class KnowsOneTopic(reference.Audit):
    """Declares two topics and knows one."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        known = {"order.created": "created"}
        return {**await super().handle(envelope), "kind": known[envelope.topic]}


@mutant("EVT-001", expects="KeyError: 'us'")
class KnowsOneRegion(reference.Audit):
    """Its filter lets two regions through, and it knows one."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        region = envelope.payload.get("region", "eu")
        return {**await super().handle(envelope), "rate": {"eu": 19}[region]}


@mutant(
    "EVT-001",
    expects="KeyError",
    also=dict.fromkeys(("EVT-002", "EVT-003"), "what it is given there lacks the field as well"),
)
class NeedsMoreThanItAsksFor(reference.Audit):
    """Needs a field that its filters do not ask for."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        return {**await super().handle(envelope), "customer": envelope.payload["customer"]["id"]}


@mutant("EVT-001", expects="is a Audit")
class ReturnsItself(reference.Audit):
    """Its result is an object instead of data."""

    async def handle(self, envelope: EventEnvelope) -> Any:
        await super().handle(envelope)
        return reference.Audit()


@mutant("EVT-003", expects="the payload went from")
class TakesOut(reference.Audit):
    """Takes the region out of the payload while reading it."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        if isinstance(envelope.payload, dict):
            envelope.payload.pop("region", None)
        return await super().handle(envelope)


@mutant("EVT-003", expects="the payload went from")
class SortsInPlace(reference.Audit):
    """Sorts a list inside the payload."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        for value in envelope.payload.values():
            if isinstance(value, list) and all(isinstance(item, int) for item in value):
                value.sort()
        return await super().handle(envelope)


@mutant("EVT-003", expects="the payload went from")
class TakesOutOfOneKind(reference.Audit):
    """Takes a list out of the payload, in events of the last of its three topics."""

    metadata = reference.Audit.metadata.model_copy(update={"topics": ["order.created", "order.paid", "order.sent"]})

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        if envelope.topic == "order.sent" and isinstance(envelope.payload, dict):
            envelope.payload.pop("list", None)
        return await super().handle(envelope)


@mutant("EVT-003", expects="the headers went from")
class MarksAsSeen(reference.Audit):
    """Writes into the headers that it has seen the event."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        headers: Mapping[str, Any] = envelope.headers
        if isinstance(headers, dict):
            headers["seen"] = True
        return await super().handle(envelope)


@mutant("EVT-002", expects="did not end within 0.2 s")
class WaitsForTheUnknown(reference.Audit):
    """Waits for ever where it does not know the topic."""

    metadata = reference.Audit.metadata.model_copy(update={"timeout_seconds": 0.2})

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        if not envelope.topic.startswith("order."):
            await asyncio.Event().wait()
        return await super().handle(envelope)


@mutant("EVT-002", expects="tried to end the process")
class LeavesTheProcess(reference.Audit):
    """Ends the process where there is no topic."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        if not envelope.topic:
            raise SystemExit("no topic")
        return await super().handle(envelope)


@mutant("EVT-002", expects="CancelledError although nothing had cancelled it")
class CancelsItself(reference.Audit):
    """Cancels itself where there is no topic."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        if not envelope.topic:
            raise asyncio.CancelledError
        return await super().handle(envelope)


@mutant("EVT-004", expects="control: an event that its topics and filters let through is heard")
class HearsNothing(reference.Audit):
    """Has filters that no event can fulfil."""

    metadata = reference.Audit.metadata.model_copy(
        update={"filters": [{"path": "payload.region", "equals": "eu"}, {"path": "payload.region", "exists": False}]}
    )


class _Bridged(CoreRuntime):
    bridge: type[EventBridge] = EventBridge

    def _make_events(self, resolver: Any, lifecycle: Any) -> EventBridge:
        return self.bridge(resolver, lifecycle)


class _Deaf(EventBridge):
    def keeps(self, subscription: Any) -> dict[str, Any]:
        """What of a subscription is looked at."""
        return {}

    def _hearing(self, envelope: EventEnvelope) -> Any:
        heard = []
        for candidate in self._serving():
            subscription = replace(Subscription.of(candidate), **self.keeps(Subscription.of(candidate)))
            if subscription.hears(envelope):
                heard.append(candidate)
        return heard, []


class _NoFilters(_Deaf):
    def keeps(self, subscription: Any) -> dict[str, Any]:
        return {"filters": ()}


class _NoTopics(_Deaf):
    def keeps(self, subscription: Any) -> dict[str, Any]:
        return {"topics": frozenset()}


class _OneFilter(_Deaf):
    def keeps(self, subscription: Any) -> dict[str, Any]:
        return {"filters": tuple(replace(each, any_of=None, exists=True) for each in subscription.filters)}


class _NoLimit(EventBridge):
    async def handle(self, key: str, envelope: EventEnvelope) -> Any:
        await self.use(key)
        return await self._call(key, envelope)


@mutant("EVT-004", expects="an event with nothing at payload.region")
class IgnoresFilters(_Bridged):
    """Gives a handler all events of its topics, whatever its filters say."""

    bridge = _NoFilters


@mutant("EVT-004", expects="an event with another topic")
class IgnoresTopics(_Bridged):
    """Gives a handler all events that its filters let through, whatever their topic."""

    bridge = _NoTopics


@mutant("EVT-004", expects="no such value' at payload.region")
class AsksOnlyWhetherItIsThere(_Bridged):
    """Takes any value for one that a filter allows."""

    bridge = _OneFilter


@mutant("EVT-004", expects="events were handled at once")
class KnowsNoLimit(_Bridged):
    """Gives a handler all events at once, however few it wants."""

    bridge = _NoLimit
