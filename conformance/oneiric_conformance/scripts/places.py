"""Where a component writes, and what the key of a store may reach."""

import os
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from oneiric_conformance.checks.path import _SECRET
from oneiric_conformance.handling.ordinary import ask, listed
from oneiric_conformance.handling.places import ARTIFACT
from oneiric_conformance.observing.disk import differences, tree
from oneiric_conformance.observing.sandbox import BOX, HOMES
from oneiric_conformance.scripts.base import Component, expect
from oneiric_conformance.scripts.lives import exercised, furnished, used
from oneiric_conformance.strategies.names import MARKER, NESTING
from oneiric_core.testing import Act, listening

__all__ = ["path_005", "path_006"]

ON_DISK = {"write", "rename", "remove", "mkdir", "link", "attributes"}


async def path_005(component: Component, example: Any, payloads: Any) -> None:
    """It writes in the directory it was given, in temporary files that nobody can guess, and nowhere else."""
    del example
    own, home, temporary = (tempfile.mkdtemp() for _ in range(3))
    os.environ.update({name: str(Path(home, below)) for name, below in HOMES.items()}, TMPDIR=temporary)
    tempfile.tempdir = temporary
    acts: list[Act] = []

    def hear(act: Act, frame: FrameType) -> None:
        del frame
        acts.append(act)

    with listening(hear):
        instance = await component.opened(furnished(component, own))
        await component.health(instance)
        for payload in payloads or [None]:
            await used(component, instance, [payload])
        await exercised(component, instance)
        await component.closed(instance)
        for thread in {*threading.enumerate()} - {threading.main_thread()}:
            thread.join(2)
    seen = [f"{act.kind} {act.target}" for act in acts if trespasses(act, acts, own, temporary)]
    seen += [f"{path} is still there after clean-up" for path in tree(Path(temporary))]
    expect(not seen, "; ".join(dict.fromkeys(seen)), "writes below its own directory only")


def trespasses(act: Act, acts: list[Act], own: str, temporary: str) -> bool:
    if act.kind not in ON_DISK or act.target == os.devnull or below(act.target, own):
        return False
    drawn = {each.target for each in acts if each.kind == "temporary"}
    made = {each.target for each in acts if each.exclusive or (each.kind == "mkdir" and each.target in drawn)}
    safe = act.target in made or any(below(act.target, place) for place in made)
    return not (below(act.target, temporary) and safe)


def below(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(Path(folder).resolve())


async def path_006(component: Component, key: Any, payloads: Any) -> None:
    """No key makes it read, write, list or delete anything outside the directory it was given."""
    del payloads
    if key is None:
        store = await component.opened()
        await ask(store.save, "plain", ARTIFACT)
        found = await ask(store.read, "plain")
        expect(found == ARTIFACT, f"read('plain') answered {found!r}", f"{ARTIFACT!r}")
        await component.closed(store)
        return
    outside, own = trapped()
    before = tree(outside, without=(own,))
    store, name = await component.opened(str(own)), key.replace("{sandbox}", str(outside))
    expect(
        await answer(store.read, name) != _SECRET, f"read({name!r}) gave away a file outside", "a refusal or nothing"
    )
    for arguments in ((), (name,)):
        names = await answer(listed, store, *arguments)
        expect(not names, f"list() of an empty store answered {names!r}", "nothing")
    await answer(store.delete, name)
    await answer(store.save, name, ARTIFACT)
    await component.closed(store)
    changed = differences(before, tree(outside, without=(own,)))
    expect(not changed, f"for the key {name!r}, outside its directory: {', '.join(changed)}", "nothing changed")


def trapped() -> tuple[Path, Path]:
    """A directory, deep in another one, all of which holds files that nobody may read or change."""
    outside = Path(tempfile.mkdtemp(), BOX).resolve()
    own = outside.joinpath(*NESTING, BOX)
    own.mkdir(parents=True)
    for above in own.parents:
        if above.is_relative_to(outside):
            (above / MARKER).write_bytes(_SECRET)
    return outside, own


async def answer(act: Callable[..., Any], *arguments: Any) -> Any:
    """What it answers; None for an ordinary exception, which is a refusal."""
    with suppress(Exception):
        return await ask(act, *arguments)
    return None
