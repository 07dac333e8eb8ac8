"""TTL: what an adapter promises that claims ``ttl``."""

import asyncio
import time
from typing import Any, Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.work import ask, opened
from oneiric_conformance.registry import check

__all__: list[str] = []

_TTL: Final = 0.25
_GRACE: Final = 0.5
_STEP: Final = 0.05
_LONG: Final = 60
_STAYS: Final = {
    "kept": "without a ttl",
    "long": "with a long ttl",
    "renewed": "set again without a ttl",
    "lengthened": "set again with a long ttl",
    "returned": "deleted and set again without a ttl",
    "cleared": "cleared and set again without a ttl",
}
_GOES: Final = {
    "brief": "soon gone",
    "shortened": "set again with a short ttl",
    "limited": "set without a ttl before it had one",
    "read": "read until it is gone",
}


@check("TTL-001", judges="component", level="must", since="2026.1", floor=10, claims="ttl", exercises=True)
def a_value_is_gone_after_its_time(bench: Bench) -> None:
    """A value set with ``ttl=`` seconds (fractions allowed) is there before they have passed and None afterwards, and
    others stay.

    What a key was set with last counts, whatever ttl it had before: none lets the new value stay. Reading a value does
    not prolong its life. One real wait of a quarter of a second.

    Troubleshooting: a ttl that is rounded to whole seconds, that is only looked at when the store is next written, that
    starts anew with each get, or that survives the value it was given for (a timer that nobody cancels when the key is
    set again, deleted or cleared, or a time that is kept if there is one already).
    """
    bench.run(_wait_once(bench))


async def _wait_once(bench: Bench) -> None:
    async with opened(bench) as store:
        with bench.control("a value without a ttl is got back"), bench.asking("set('kept', …) and get"):
            await ask(store.set, "kept", _STAYS["kept"])
            found = await ask(store.get, "kept")
            bench.expect(found == _STAYS["kept"], seen=f"get('kept') answered {found!r}", expected=repr(_STAYS["kept"]))
        await _fill(bench, store)
        await _wait(bench, store)
        for key, value in _STAYS.items():
            with bench.asking(f"get({key!r})"):
                found = await ask(store.get, key)
            bench.expect(found == value, seen=f"the value {value} is {found!r} after {_TTL} s", expected=repr(value))
            bench.exercised()
    bench.behaved()


async def _fill(bench: Bench, store: Any) -> None:
    with bench.asking(f"set(…, ttl={_TTL})"):
        await ask(store.set, "cleared", "old", ttl=_TTL)
        if "kv" in bench.subject.capabilities:
            await ask(store.clear)
        await ask(store.set, "limited", "old")
        await ask(store.set, "shortened", "old", ttl=_LONG)
        for key in ("renewed", "lengthened", "returned"):
            await ask(store.set, key, "old", ttl=_TTL)
        await ask(store.delete, "returned")
        for key in ("kept", "renewed", "returned", "cleared"):
            await ask(store.set, key, _STAYS[key])
        for key in ("long", "lengthened"):
            await ask(store.set, key, _STAYS[key], ttl=_LONG)
        for key in ("shortened", "limited", "read"):
            await ask(store.set, key, _GOES[key], ttl=_TTL)
        began = time.monotonic()
        await ask(store.set, "brief", _GOES["brief"], ttl=_TTL)
        found = await ask(store.get, "brief")
    if time.monotonic() - began < _TTL:  # else the machine stood still for so long that nothing can be said
        bench.expect(found == "soon gone", seen=f"at once after set, get answered {found!r}", expected="'soon gone'")
    bench.exercised()


async def _wait(bench: Bench, store: Any) -> None:
    """Until all is gone that has to go, or its time and the grace are over; one is read at every step on the way."""
    left: dict[str, Any] = {}
    for step in range(1, round((_TTL + _GRACE) / _STEP) + 1):
        await asyncio.sleep(_STEP)
        over = step * _STEP >= _TTL
        left = {key: await _got(bench, store, key) for key in (_GOES if over else ["read"])}
        if over and not any(found is not None for found in left.values()):
            break
    for key, found in left.items():
        seen = f"{_TTL + _GRACE} s after set({key!r}, …, ttl={_TTL}), get answered {found!r}"
        bench.expect(found is None, seen=seen, expected="None")
        bench.exercised()


async def _got(bench: Bench, store: Any, key: str) -> Any:
    with bench.asking(f"get({key!r})"):
        return await ask(store.get, key)
