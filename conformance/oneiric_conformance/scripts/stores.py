"""What a store is asked for, and what a dictionary would answer."""

import asyncio
from collections.abc import AsyncIterable
from typing import Any

from oneiric_conformance.handling.plain import same
from oneiric_conformance.handling.work import ask
from oneiric_conformance.scripts.base import Component, expect

__all__ = ["blob_001", "blob_002", "kv_001", "kv_002", "ttl_001"]


async def kv_001(component: Component, steps: Any, payloads: Any) -> None:
    del payloads
    store, model = await component.opened(), {}
    for verb, key, value in steps or [("set", "a", "text")]:
        if verb == "set":
            model[key] = value
            await ask(store.set, key, value)
        elif verb == "delete":
            model.pop(key, None)
            await ask(store.delete, key)
        elif verb == "clear":
            model.clear()
            await ask(store.clear)
        else:
            await got(store, key, model.get(key))
    for _, key, _ in steps or [("get", "a", None)]:
        await got(store, key, model.get(key))
    await asyncio.create_task(ask(store.set, "a", "by another task"))
    await got(store, "a", "by another task")
    await component.closed(store)


async def got(store: Any, key: str, expected: Any) -> None:
    found = await ask(store.get, key)
    expect(same(found, expected), f"get({key!r}) answered {found!r:.300}", f"{expected!r:.300}")


async def kv_002(component: Component, example: Any, payloads: Any) -> None:
    del example, payloads
    store = await component.opened()

    async def own(key: str) -> None:
        for turn in range(3):
            await ask(store.set, key, [key, turn])
            await asyncio.sleep(0)
            await got(store, key, [key, turn])

    keys = [f"own {number}" for number in range(12)]
    await asyncio.gather(*map(own, keys))
    for key in keys:
        await got(store, key, [key, 2])
    values = [f"by {number}" for number in range(12)]
    await asyncio.gather(*(ask(store.set, "shared", value) for value in values))
    found = await ask(store.get, "shared")
    expect(found in values, f"get('shared') answered {found!r}", "one of the values that were set at once")
    await component.closed(store)


async def blob_001(component: Component, steps: Any, payloads: Any) -> None:
    del payloads
    store, model = await component.opened(), {}
    for verb, key, data in steps or [("save", "a", b"bytes")]:
        if verb == "save":
            model[key] = data
            await ask(store.save, key, data)
        elif verb == "delete":
            known = model.pop(key, None) is not None
            try:
                await ask(store.delete, key)
            except (LookupError, OSError):
                expect(not known, f"delete({key!r}) raised for what is there", "a deletion")
        elif verb == "list":
            await listed(store, model)
        else:
            await read(store, key, model.get(key))
    for key in [key for verb, key, _ in steps or [("read", "a", b"")] if verb != "list"]:
        await read(store, key, model.get(key))
    await listed(store, model)
    for key in list(model):
        await ask(store.delete, key)
    await component.closed(store)


async def read(store: Any, key: str, expected: bytes | None) -> None:
    try:
        found = await ask(store.read, key)
    except (LookupError, OSError):
        found = None
    holds = found is None if expected is None else type(found) is bytes and found == expected
    expect(holds, f"read({key!r}) answered {found!r:.300}", f"{expected!r:.300}")


async def listed(store: Any, model: dict[str, bytes]) -> None:
    found = await ask(store.list)
    names = [name async for name in found] if isinstance(found, AsyncIterable) else list(found)
    expect(sorted(names) == sorted(model), f"list() answered {names!r:.300}", f"{sorted(model)!r:.300}")


async def blob_002(component: Component, example: Any, payloads: Any) -> None:
    del example, payloads
    first, second = await component.opened(), await component.opened()
    for store, data in ((first, b"first"), (second, b"second")):
        await ask(store.save, "a", data)
    await ask(first.save, "only here", b"1")
    await read(first, "a", b"first")
    await read(second, "a", b"second")
    await read(second, "only here", None)
    await listed(second, {"a": b"second"})
    await ask(second.delete, "a")
    await read(first, "a", b"first")
    wholes = [bytes([number]) * (1 << 16) for number in range(1, 5)]
    await ask(first.save, "a", wholes[0])
    works = [*(ask(first.save, "a", data) for data in wholes), *(ask(first.read, "a") for _ in wholes)]
    for found in [*(await asyncio.gather(*works))[len(wholes) :], await ask(first.read, "a")]:
        expect(found in wholes, f"while others saved, read('a') answered {found!r:.100}", "one of them as a whole")
    for store in (first, second):
        await component.closed(store)


async def ttl_001(component: Component, example: Any, payloads: Any) -> None:
    del example, payloads
    store = await component.opened()
    await ask(store.set, "cleared", "old", ttl=0.25)
    if "kv" in component.claims:
        await ask(store.clear)
    await ask(store.set, "kept", "for good")
    for key in ("limited", "shortened", "renewed", "lengthened", "returned"):
        await ask(store.set, key, "old", **({} if key == "limited" else {"ttl": 60 if key == "shortened" else 0.25}))
    await ask(store.delete, "returned")
    for key in ("renewed", "returned", "cleared"):
        await ask(store.set, key, "new")
    for key in ("long", "lengthened"):
        await ask(store.set, key, "new", ttl=60)
    goes = ("shortened", "limited", "read", "brief")
    for key in goes:
        await ask(store.set, key, "soon gone", ttl=0.25)
    await got(store, "brief", "soon gone")
    for _ in range(15):  # reading it all the while
        await asyncio.sleep(0.05)
        await ask(store.get, "read")
    for key in goes:
        await got(store, key, None)
    for key in ("kept", "renewed", "returned", "cleared", "long", "lengthened"):
        await got(store, key, "for good" if key == "kept" else "new")
    await component.closed(store)
