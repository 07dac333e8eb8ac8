"""SEC: what an adapter promises that claims ``secrets``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.ordinary import KNOWN_NAME, MISSING_NAME, secret_of
from oneiric_conformance.handling.planting import KNOWN_VALUE, Planter
from oneiric_conformance.handling.work import ask, refuse_pretender
from oneiric_conformance.registry import check
from oneiric_core.testing import find_hook, make_settings

__all__: list[str] = []

_SECRETS: Final = {
    KNOWN_NAME: KNOWN_VALUE,
    "CONFORMANCE_SPACES": "  with = and $HOME, 'quotes' and blanks ",
    "CONFORMANCE_UNICODE": "\u00fcn\u00ef\u20ac\U0001f511",
    "CONFORMANCE_LONG": "0123456789abcdef" * 256,
    "CONFORMANCE_NOTHING": "",
    "CONFORMANCE_TOKEN": "c2VjcmV0IQ==",
    "CONFORMANCE_NUMBER": "0042",
    "CONFORMANCE_PEM": "-----BEGIN KEY-----\nc2VjcmV0\n\nYWdhaW4=\n-----END KEY-----\n",
}
_NOBODY: Final = (MISSING_NAME, "CONFORMANCE", "CONFORMANCE_PLAIN_", "OTHER")
_FORGET: Final = ("invalidate_cache",)


@asynccontextmanager
async def _opened(bench: Bench) -> AsyncIterator[tuple[Any, Planter]]:
    """An instance at work, and where its secrets are kept."""
    with bench.sandbox() as box:
        planter = Planter(make_settings(bench.subject.settings_model, bench.settings(box)), box.path)
        for name, value in _kept_in(planter).items():
            planter.plant(name, value)
        async with bench.live(box) as instance:
            refuse_pretender(bench, instance)
            yield instance, planter


def _kept_in(planter: Planter) -> dict[str, str]:
    return {name: value for name, value in _SECRETS.items() if planter.takes(value)}


async def _get(bench: Bench, store: Any, name: str) -> object:
    with bench.asking(f"get_secret({name!r})"):
        return await secret_of(store, name)


async def _expect(bench: Bench, store: Any, name: str, value: str | None, when: str = "") -> None:
    found = await _get(bench, store, name)
    seen = f"{when}get_secret({name!r}) answered {found!r:.100}"
    holds = found is None if value is None else type(found) is str and found == value
    bench.expect(holds, seen=seen, expected=f"{value!r:.100}")


async def _finds(bench: Bench) -> None:
    async with _opened(bench) as (store, _):
        await _expect(bench, store, KNOWN_NAME, _SECRETS[KNOWN_NAME])


_FOUND: Final = "a secret is found: in the environment, or in the directory or file that its settings name"


@check("SEC-001", judges="component", level="must", since="2026.1", floor=6, claims="secrets", exercises=True)
def a_secret_is_given_as_it_is(bench: Bench) -> None:
    """``get_secret(name)`` gives a secret as text, exactly as it is kept.

    An empty secret is an empty text, for it is there; one of several lines comes with all of them and the newline at
    its end, as a key in PEM has to. The kit keeps some in the environment, under the settings' ``prefix``, and in the
    directory or file that a setting names below ``{sandbox}``: in lines of NAME=value if its name ends in ``.env``, and
    then only those that need no quotes, else as a JSON object.

    Troubleshooting: values that are stripped, expanded, decoded or read as a number on the way; a file of which the
    first line is read; an ``or None`` that takes what is empty for missing; names that are looked up in another place
    than the one that is configured.
    """
    with bench.control(_FOUND):
        bench.run(_finds(bench))
    bench.run(_all_given(bench))
    bench.behaved()


async def _all_given(bench: Bench) -> None:
    async with _opened(bench) as (store, planter):
        for name, value in _kept_in(planter).items():
            await _expect(bench, store, name, value)
            bench.exercised()


@check("SEC-002", judges="component", level="must", since="2026.1", floor=4, claims="secrets")
def a_missing_secret_is_told_from_an_empty_one(bench: Bench) -> None:
    """For a secret that is not there ``get_secret`` answers None or raises a LookupError, and others are still found.

    Troubleshooting: an empty text for what is missing, which then is used as a password; an exception of your own that
    is no LookupError; names that match by their beginning.
    """
    with bench.control(_FOUND):
        bench.run(_finds(bench))
    bench.run(_none_missing(bench))


async def _none_missing(bench: Bench) -> None:
    async with _opened(bench) as (store, _):
        for name in bench.each(_NOBODY):
            await _expect(bench, store, name, None)
            bench.exercised()
        await _expect(bench, store, KNOWN_NAME, _SECRETS[KNOWN_NAME], "after one that was missing, ")


@check("SEC-003", judges="component", level="must", since="2026.1", floor=3, claims="secrets")
def a_rotated_secret_is_found(bench: Bench) -> None:
    """Once a secret was changed where it is kept, ``get_secret`` gives the new one, and none once it was taken away; at
    the latest after ``invalidate_cache()``, if there is such a method.

    Troubleshooting: values that are read once, in ``init()``, and kept for good.
    """
    with bench.control(_FOUND):
        bench.run(_finds(bench))
    bench.run(_rotated(bench))


async def _rotated(bench: Bench) -> None:
    async with _opened(bench) as (store, planter):
        await _expect(bench, store, KNOWN_NAME, _SECRETS[KNOWN_NAME])
        for value, when in (("another", "changed"), (None, "taken away"), ("third", "put back")):
            planter.plant(KNOWN_NAME, value)
            if (forget := find_hook(store, _FORGET)) is not None:
                with bench.asking("invalidate_cache()"):
                    await ask(forget)
            await _expect(bench, store, KNOWN_NAME, value, f"after it was {when}, ")
            bench.exercised()
