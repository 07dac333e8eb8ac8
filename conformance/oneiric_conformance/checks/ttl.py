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
_KEEP: Final = {"kept": "without a ttl", "long": "with a long ttl", "renewed": "set again without a ttl"}


@check("TTL-001", judges="component", level="must", since="2026.1", floor=5, claims="ttl", exercises=True)
def a_value_is_gone_after_its_time(bench: Bench) -> None:
    """A value set with ``ttl=`` seconds (fractions allowed) is there before they have passed and None afterwards, and
    others stay.

    Setting the key again without ``ttl`` lets the new value stay. One real wait of a quarter of a second.

    Troubleshooting: a ttl that is rounded to whole seconds, that is only looked at when the store is next written, or
    that survives the value it was given for.
    """
    bench.run(_wait_once(bench))


async def _wait_once(bench: Bench) -> None:
    async with opened(bench) as store:
        with bench.control("a value without a ttl is got back"), bench.asking("set('kept', …) and get"):
            await ask(store.set, "kept", _KEEP["kept"])
            found = await ask(store.get, "kept")
            bench.expect(found == _KEEP["kept"], seen=f"get('kept') answered {found!r}", expected=repr(_KEEP["kept"]))
        await _fill(bench, store)
        await _wait(bench, store)
        for key, value in _KEEP.items():
            with bench.asking(f"get({key!r})"):
                found = await ask(store.get, key)
            bench.expect(found == value, seen=f"the value {value} is {found!r} after {_TTL} s", expected=repr(value))
            bench.exercised()
    bench.behaved()


async def _fill(bench: Bench, store: Any) -> None:
    with bench.asking(f"set(…, ttl={_TTL})"):
        await ask(store.set, "long", _KEEP["long"], ttl=60)
        await ask(store.set, "renewed", "old", ttl=_TTL)
        await ask(store.set, "renewed", _KEEP["renewed"])
        began = time.monotonic()
        await ask(store.set, "brief", "soon gone", ttl=_TTL)
        found = await ask(store.get, "brief")
    if time.monotonic() - began < _TTL:  # else the machine stood still for so long that nothing can be said
        bench.expect(found == "soon gone", seen=f"at once after set, get answered {found!r}", expected="'soon gone'")
    bench.exercised()


async def _wait(bench: Bench, store: Any) -> None:
    await asyncio.sleep(_TTL)
    with bench.asking("get('brief')"):
        found = await ask(store.get, "brief")
        if found is not None:
            await asyncio.sleep(_GRACE)
            found = await ask(store.get, "brief")
    seen = f"{_TTL + _GRACE} s after set(…, ttl={_TTL}), get answered {found!r}"
    bench.expect(found is None, seen=seen, expected="None")
    bench.exercised()
