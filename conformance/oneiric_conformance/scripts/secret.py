"""Secrets that are kept where the component looks for them, and what it gives when it is asked."""

import tempfile
from pathlib import Path
from typing import Any

from oneiric_conformance.checks.secret import _FORGET, _NOBODY, _SECRETS, _kept_in
from oneiric_conformance.handling.ordinary import KNOWN_NAME, secret_of
from oneiric_conformance.handling.planting import Planter
from oneiric_conformance.handling.work import ask
from oneiric_conformance.scripts.base import Component, expect
from oneiric_core.testing import find_hook

__all__ = ["sec_001", "sec_002", "sec_003"]


async def unlocked(component: Component) -> tuple[Any, Planter]:
    """An instance, and what keeps secrets for it: in the environment, and in the files that its settings name."""
    folder = tempfile.mkdtemp()
    planter = Planter(component.settings_in(folder), Path(folder))
    for name, value in _kept_in(planter).items():
        planter.plant(name, value)
    return await component.opened(folder), planter


async def given(store: Any, name: str, value: str | None, when: str = "") -> None:
    found = await secret_of(store, name)
    holds = found is None if value is None else type(found) is str and found == value
    expect(holds, f"{when}get_secret({name!r}) answered {found!r:.100}", f"{value!r:.100}")


async def sec_001(component: Component, example: Any, payloads: Any) -> None:
    """A secret is given as text, exactly as it is kept."""
    del example, payloads
    store, planter = await unlocked(component)
    for name, value in _kept_in(planter).items():
        await given(store, name, value)
    await component.closed(store)


async def sec_002(component: Component, name: Any, payloads: Any) -> None:
    """For one that is not there it answers None or raises a LookupError, and others are still found."""
    del payloads
    store, _ = await unlocked(component)
    for missing in _NOBODY if name is None else [name]:
        await given(store, missing, None)
    await given(store, KNOWN_NAME, _SECRETS[KNOWN_NAME], "after one that was missing, ")
    await component.closed(store)


async def sec_003(component: Component, example: Any, payloads: Any) -> None:
    """Once it was changed where it is kept the new one is given, and none once it was taken away."""
    del example, payloads
    store, planter = await unlocked(component)
    await given(store, KNOWN_NAME, _SECRETS[KNOWN_NAME])
    for value, when in (("another", "changed"), (None, "taken away"), ("third", "put back")):
        planter.plant(KNOWN_NAME, value)
        forget = find_hook(store, _FORGET)
        if forget is not None:
            await ask(forget)
        await given(store, KNOWN_NAME, value, f"after it was {when}, ")
    await component.closed(store)
