"""What an adapter is asked for in ordinary use: each method of each contract it claims."""

import asyncio
from collections.abc import AsyncIterable, Callable, Collection
from contextlib import suppress
from inspect import isawaitable
from typing import Any, Final

from oneiric_core.testing import find_hook

__all__ = ["KNOWN_NAME", "MISSING_NAME", "ask", "keep_for_long", "listed", "ordinary_use", "secret_of"]

KNOWN_NAME: Final = "CONFORMANCE_PLAIN"
MISSING_NAME: Final = "CONFORMANCE_NOBODY"
"""Names of secrets: one that is planted where a component may look for it, and one that nobody has."""

_STAYS: Final = "conformance"
_GOES: Final = "conformance-goes"
_EXPIRES: Final = "conformance-expires"
_SOON: Final = 0.05
"""Seconds: a timer that an adapter leaves to itself is over before anybody looks what is left of it."""
_LATE: Final = 3600.0


async def ask(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call what may be sync or async."""
    answer = function(*arguments, **named)
    return await answer if isawaitable(answer) else answer


async def listed(store: Any, *arguments: Any) -> list[Any]:
    """The keys that a blob store lists, one way or the other."""
    found = await ask(store.list, *arguments)
    return [name async for name in found] if isinstance(found, AsyncIterable) else list(found)


async def secret_of(store: Any, name: str) -> Any:
    """What it answers; None for a LookupError, which is another way to say that there is none."""
    try:
        return await ask(store.get_secret, name)
    except LookupError:
        return None


async def ordinary_use(claims: Collection[str], instance: Any, *, clears: bool = False) -> None:
    """Use all that it claims, whatever it answers, and ask it for what is not there.

    What a store keeps at the end is another object each time, under the same key, so that where it lies can be seen to
    change each time. Others have their turn between any two calls, as they have in an application.

    :param clears: empty it at the end; otherwise what others have put in is left there.
    """
    if "blob" in claims:
        await _keep_bytes(instance)
    if "kv" in claims:
        await _keep_values(instance)
    if "ttl" in claims:
        await _asked(instance.set, _EXPIRES, "soon gone", ttl=_SOON)
    if "secrets" in claims:
        for name in (KNOWN_NAME, MISSING_NAME):
            await _let_others_run()
            await secret_of(instance, name)
    if "kv" in claims and clears:
        await _if_there(instance, "clear")
    await _let_others_run()


async def keep_for_long(claims: Collection[str], instance: Any, *, external: bool) -> None:
    """Set a value that goes in an hour, unless a server would keep it: a task or thread that waits so long for its end
    has to give up at clean-up.
    """
    if {"kv", "ttl"} <= {*claims} and not external:
        with suppress(Exception):  # whether it works is for others to say
            await ask(instance.set, _EXPIRES, "here for long", ttl=_LATE)


async def _keep_values(store: Any) -> None:
    await _asked(store.set, _GOES, "gone")
    await _if_there(store, "delete", _GOES)
    await _asked(store.get, _GOES)
    with suppress(LookupError):
        await _if_there(store, "delete", _GOES)
    await _asked(store.set, _STAYS, str(b"a value", "ascii"))
    await _asked(store.get, _STAYS)


async def _keep_bytes(store: Any) -> None:
    """Others may share the store, so that what was put in a moment ago need not be there any more."""
    await _asked(store.save, _GOES, b"gone")
    for verb in ("delete", "read", "delete"):
        with suppress(LookupError, OSError):
            await _if_there(store, verb, _GOES)
    await _asked(store.save, _STAYS, bytes(bytearray(b"some bytes")))
    await _asked(store.read, _STAYS)
    if find_hook(store, ("list",)) is not None:
        with suppress(LookupError, OSError):
            await _let_others_run()
            await listed(store)


async def _if_there(store: Any, name: str, *arguments: Any) -> None:
    """That a method is missing is for another rule to say."""
    method = find_hook(store, (name,))
    if method is not None:
        await _asked(method, *arguments)


async def _asked(function: Callable[..., Any], *arguments: Any, **named: Any) -> None:
    await _let_others_run()
    await ask(function, *arguments, **named)


async def _let_others_run() -> None:
    for _ in range(2):  # a timer that was due in the first turn has run in the second
        await asyncio.sleep(0)
