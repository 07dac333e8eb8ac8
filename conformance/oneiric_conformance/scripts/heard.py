"""An event handler in a runtime: which events it is given, and how many of them at once."""

import asyncio
import copy
from typing import Any

from oneiric_conformance.checks.event import _EVENTS, _MANY, _TURNS, _as_event
from oneiric_conformance.handling.filters import hears, missed
from oneiric_conformance.handling.witness import Gate, Witness
from oneiric_conformance.handling.work import envelopes
from oneiric_conformance.scripts.base import expect
from oneiric_conformance.scripts.hosting import Hosted, activated, hosted

__all__ = ["evt_004"]


async def evt_004(component: Hosted, case: Any, payloads: Any) -> None:
    """It hears what its topics and filters let through and nothing else, and no more at once than it declares."""
    witness = Witness(component.factory, component.verb)
    async with hosted(component.runtime, component.limits) as runtime:
        await activated(runtime, component.spec(witness, retry_policy=None))
        events = [_as_event(envelope) for envelope in envelopes(component.metadata, payloads)][:_EVENTS]
        if case is None:
            for event in events:
                expect(hears(component.metadata, event), f"not even {event} fulfils all filters", "that one can")
                calls = await emitted(runtime, component.key, witness, event)
                expect(calls == 1, f"of {event} it was called {calls} times", "once")
        cases = [case] if case else [each for event in events for each in missed(component.metadata, event)]
        for told, event in cases:
            calls = await emitted(runtime, component.key, witness, event)
            expect(calls == 0, f"it was given an event with {told}: {event}", "not heard")
        if case is None:
            await limited(component, runtime, witness, events[0])


async def emitted(runtime: Any, key: str, witness: Witness, event: dict[str, Any]) -> int:
    """How often it was called for the event, which it is said to have heard if it was, and not to have if not."""
    before = witness.seen[-1].calls
    given = copy.deepcopy(event)
    heard = await runtime.emit(given["topic"], given["payload"], given["headers"])
    calls = witness.seen[-1].calls - before
    expect((key in heard) == (calls > 0), f"{key} was called {calls} times and {heard} heard", "the one or the other")
    return calls


async def limited(component: Hosted, runtime: Any, witness: Witness, event: dict[str, Any]) -> None:
    """Of two more than it may handle at once, as many begin as it declares, and all of them end."""
    declared = component.metadata.get("max_concurrency", 1)
    limit = declared if type(declared) is int and declared > 0 else 1
    number, gate, before = min(limit, _MANY) + 2, Gate(), witness.seen[-1].calls
    witness.work_gate = gate
    calls = [
        asyncio.ensure_future(runtime.call(component.domain, component.key, copy.deepcopy(event)))
        for _ in range(number)
    ]
    await asyncio.wait({asyncio.ensure_future(gate.arrived.wait())}, timeout=5)
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    at_once = witness.seen[-1].calls - before
    gate.opened.set()
    witness.work_gate = None
    _, waiting = await asyncio.wait(calls, timeout=5)
    expect(at_once <= limit, f"{at_once} of {number} events were handled at once", f"{limit} at most, as it declares")
    expect(not waiting, f"{len(waiting)} of {number} events were never handled", "all")
