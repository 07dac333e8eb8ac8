"""How an instance comes, is, and goes."""

import asyncio
import gc
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from oneiric_conformance.handling.apart import mixed
from oneiric_conformance.handling.cancelling import Stepped, awaitable
from oneiric_conformance.handling.ordinary import KNOWN_NAME, ask, keep_for_long, ordinary_use
from oneiric_conformance.handling.planting import KNOWN_VALUE, Planter
from oneiric_conformance.observing.leaks import leaves, wears_out
from oneiric_conformance.observing.pulse import Pulse
from oneiric_conformance.observing.sharing import moved_by_each, moved_by_new
from oneiric_conformance.scripts.base import Component, expect, without_error
from oneiric_core.testing import HEALTH_HOOKS, find_hook, import_object

__all__ = [
    "life_001",
    "life_002",
    "life_003",
    "life_004",
    "life_005",
    "life_006",
    "life_007",
    "life_008",
    "life_009",
]


LONGEST_SILENCE = 0.1


def furnished(component: Component, folder: str = "") -> str:
    """The folder, by default a fresh one, with a secret where a component looks for one that claims to give them."""
    folder = folder or tempfile.mkdtemp()
    if "secrets" in component.claims:
        Planter(component.settings_in(folder), Path(folder)).plant(KNOWN_NAME, KNOWN_VALUE)
    return folder


async def worked(component: Component, instance: Any, payloads: Any, clears: bool = False) -> None:
    """Some work of its own."""
    if component.claims:
        await ordinary_use(component.claims, instance, clears=clears)
    elif component.start:
        await ask(component.work(instance))
    elif component.verb:
        for payload in payloads[:1]:
            with suppress(Exception):
                await ask(component.work(instance), component.given(payload))


async def used(component: Component, instance: Any, payloads: Any) -> None:
    """The same to the end, whether it succeeds or not."""
    with suppress(Exception):
        await worked(component, instance, payloads, clears=True)


async def exercised(component: Component, instance: Any) -> None:
    """What its author has it do."""
    if component.exercise:
        exercise: Any = import_object(component.exercise, None)
        with suppress(Exception):
            await ask(exercise, instance)


async def put(component: Component, instance: Any, name: str) -> None:
    """Something that a store keeps."""
    if "kv" in component.claims:
        await ask(instance.set, name, name)
    elif "blob" in component.claims:
        await ask(instance.save, name, name.encode())


async def healthy(component: Component, instance: Any, when: str) -> None:
    answer = await component.health(instance)
    expect(answer is True, f"{when}, health() answered {answer!r}", "True")


async def life_001(component: Component, example: Any, payloads: Any) -> None:
    """Two calls of the factory give two instances that share nothing."""
    del example
    first, second = [await component.built(furnished(component)) for _ in range(2)]
    expect(first is not second, "two calls of the factory gave the same instance", "another instance each time")
    for instance in (first, second):
        await component.come(instance)
    own = {type(first).__module__.partition(".")[0]}
    names = await moved_by_each(partial(worked, component, payloads=payloads), first, second, own)
    names = names or await moved_by_new(partial(exercised, component), first, second, own)
    expect(not names, f"{', '.join(names[:2])} changed in all instances", "its own state")
    if "kv" in component.claims and not component.external:
        seen = await mixed(first, second)
        expect(not seen, seen, "values of its own")
    await component.closed(first)
    await healthy(component, second, "after another instance was cleaned up")
    await component.closed(second)


async def life_002(component: Component, example: Any, payloads: Any) -> None:
    """It is healthy after init()."""
    del example, payloads
    instance = await component.opened(furnished(component))
    await healthy(component, instance, "after init()")
    await component.closed(instance)


async def life_003(component: Component, example: Any, payloads: Any) -> None:
    """Clean-up can be called again, and without init()."""
    del example
    instance, raw = await component.opened(furnished(component)), await component.built(furnished(component))
    await used(component, instance, payloads)
    await component.closed(instance)
    component.stop = ""
    for each, when in ((instance, "called again"), (raw, "without init()")):
        for _ in range(2):
            with without_error(f"clean-up, {when}", "an end without error"):
                await component.closed(each)


async def life_004(component: Component, example: Any, payloads: Any) -> None:
    """However often it comes and goes, nothing grows."""
    del example

    async def life() -> None:
        instance = await component.opened(furnished(component))
        await used(component, instance, payloads)
        await keep_for_long(component.claims, instance, external=component.external)
        await exercised(component, instance)
        await component.closed(instance)

    more = await wears_out(life, 10)
    expect(not more, f"after 10 times there is {'; '.join(more)[:300]}", "as much as before")


async def life_005(component: Component, case: Any, payloads: Any) -> None:
    """Cancelled where it waits, then cleaned up in peace, nothing of it remains."""
    for part, point in [case] if case else cases():
        where = f"{part} cancelled at its {point}. wait, then cleaned up"
        more = await leaves(partial(interrupted, component, payloads, part, point, where))
        expect(not more, f"{where}: there is {more[:2]}", "nothing left")


async def interrupted(component: Component, payloads: Any, part: str, point: int, where: str) -> None:
    instance = await component.built(furnished(component))
    if part == "init()":
        step = Stepped(component.come, instance, cancel_at=point)
    else:
        await component.come(instance)
        await used(component, instance, payloads)
        step = Stepped(component.closed, instance, cancel_at=point)
    task = asyncio.ensure_future(awaitable(step))
    if not point:
        task.cancel()
    await asyncio.wait({task}, timeout=5)
    if task.done() and not task.cancelled():
        task.exception()  # what it raised is its own business; else asyncio would tell of it at the end
    with without_error(where, "an end without error"):
        await component.closed(instance)


def cases() -> Iterator[tuple[str, int]]:
    for part in ("init()", "clean-up"):
        for point in range(11):
            yield part, point


async def life_006(component: Component, example: Any, payloads: Any) -> None:
    """It never holds up the loop for more than 100 ms, three times of three."""
    del example
    silences = []
    for _ in range(3):
        with Pulse() as pulse:
            instance = await component.opened(furnished(component))
            await used(component, instance, payloads)
            await component.closed(instance)
        silences.append(pulse.longest)
    expect(min(silences) <= LONGEST_SILENCE, f"it held up the loop for {min(silences):.3f} s", "0.1 s at most")


async def life_007(component: Component, example: Any, payloads: Any) -> None:
    """Nothing open is dropped, and no coroutine is left without await."""
    del example
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        instance = await component.opened(furnished(component))
        await component.health(instance)
        await used(component, instance, payloads)
        await component.closed(instance)
        del instance
        gc.collect()
    said = [str(each.message) for each in caught]
    expect(not said, "; ".join(said)[:300], "everything closed and awaited")


async def life_008(component: Component, example: Any, payloads: Any) -> None:
    """After clean-up it says that it is not healthy any more."""
    del example, payloads
    instance = await component.opened(furnished(component))
    await component.closed(instance)
    expect(
        find_hook(instance, HEALTH_HOOKS) is not None, "it has no health hook", "one that tells whether it is closed"
    )
    answer: Any = None
    with suppress(Exception):
        answer = await component.health(instance)
    expect(answer is not True, "after clean-up, health() answered True", "anything but True")


async def life_009(component: Component, example: Any, payloads: Any) -> None:
    """Several instances at once are healthy, and find what they put aside."""
    del example
    instances = await asyncio.gather(*(component.opened(furnished(component)) for _ in range(5)))
    named = {f"number {at}": instance for at, instance in enumerate(instances)}
    for instance in instances:
        await healthy(component, instance, "side by side")
    await asyncio.gather(*(put(component, instance, name) for name, instance in named.items()))
    await asyncio.gather(*(worked(component, instance, payloads) for instance in instances))
    await kept(component, named)
    for name in list(named)[1::2]:
        await component.closed(named.pop(name))
    for instance in named.values():
        await healthy(component, instance, "after others were cleaned up")
    await kept(component, named)
    for instance in named.values():
        await component.closed(instance)


async def kept(component: Component, named: dict[str, Any]) -> None:
    for name, instance in named.items():
        if "kv" in component.claims:
            found = await ask(instance.get, name)
            expect(found == name, f"what {name} put aside has become {found!r}", "what was put aside")
        elif "blob" in component.claims:
            data = await ask(instance.read, name)
            expect(data == name.encode(), f"what {name} put aside has become {data!r}", "what was put aside")
