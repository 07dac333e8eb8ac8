"""Event handlers that do not handle, or meddle."""

from collections.abc import Mapping
from typing import Any

from mutants import mutant, reference
from oneiric_core import EventEnvelope


@mutant("EVT-001", expects="order.paid")
class KnowsOneTopic(reference.Audit):
    """Declares two topics and knows one."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        known = {"order.created": "created"}
        return {**await super().handle(envelope), "kind": known[envelope.topic]}


@mutant("EVT-001", expects="KeyError", also={"EVT-003": "what it is given there lacks the field as well"})
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


@mutant("EVT-003", expects="the headers went from")
class MarksAsSeen(reference.Audit):
    """Writes into the headers that it has seen the event."""

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        headers: Mapping[str, Any] = envelope.headers
        if isinstance(headers, dict):
            headers["seen"] = True
        return await super().handle(envelope)
