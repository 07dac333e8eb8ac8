"""Two stores that may or may not have their values in common."""

from contextlib import suppress
from typing import Any, Final

from oneiric_conformance.handling.ordinary import ask

__all__ = ["mixed"]

_APART: Final = "conformance-apart"
_TAKES_AWAY: Final = {"delete": (_APART,), "clear": ()}


async def mixed(first: Any, second: Any) -> str:
    """How one ``kv`` store is seen to give or to lose what only the other one was told to; empty if it is not."""
    with suppress(Exception):  # whether it works is for others to say
        await ask(first.set, _APART, _APART)
        found = await ask(second.get, _APART)
        await ask(first.delete, _APART)
        if found == _APART:
            return "what was set on one instance was got from another one"
        for name, arguments in _TAKES_AWAY.items():
            await ask(second.set, _APART, _APART)
            kept = await ask(second.get, _APART)
            await ask(getattr(first, name), *arguments)
            if kept == _APART != await ask(second.get, _APART):
                return f"what was set on one instance was gone after {name}() on another one"
        await ask(second.delete, _APART)
    return ""
