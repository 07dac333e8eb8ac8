"""The author's own exercise, as work for checks that look at what becomes of it and not at how it ends."""

import asyncio
from collections.abc import Callable
from typing import Any

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.ordinary import ask
from oneiric_conformance.observing.beside import Beside, beside_of, using
from oneiric_core.testing import import_object

__all__ = ["OwnWork"]


class OwnWork:
    """The exercise of a component, if it has one, beside its contracts or its verb; called once in the life of an
    instance.

    Nobody knows what it costs, whom it asks and who counts that. So it is done in the first of so many lives in a row,
    and no more once it has failed or has taken longer than ``init()`` may; and where it asks a service elsewhere only
    by a check for which one life is enough.

    :param lives: of so many in a row there is one in which it is done.
    :param each: it is done in all of them instead.
    """

    def __init__(self, bench: Bench, lives: int = 1, *, each: bool = False) -> None:
        self._bench = bench
        self._every = 1 if each else lives
        self._turn = 0
        spared = lives > 1 and bool(bench.subject.external)
        self._exercise: Callable[..., Any] | None = None if spared else _imported(bench)

    async def __call__(self, instance: object) -> None:
        turn, self._turn = self._turn, self._turn + 1
        if self._exercise is None or turn % self._every:
            return
        try:
            with using():
                async with asyncio.timeout(self._bench.limits.init):
                    await ask(self._exercise, instance)
        except Exception:  # noqa: BLE001 - how it ends is for OWN-001 to say
            self._exercise = None

    def beside(self, instance: object) -> Beside | None:
        """Which code is the exercise's and not the component's; None if there is no exercise."""
        if self._exercise is None:
            return None
        return beside_of(self._exercise, instance, self._bench.package.modules, OwnWork.__call__.__code__)


def _imported(bench: Bench) -> Callable[..., Any] | None:
    """Before anything is watched: what an exercise brings along is not the component's."""
    if not bench.subject.exercise:
        return None
    try:
        found: Any = import_object(bench.subject.exercise, None)
    except Exception:  # noqa: BLE001 - as above
        return None
    return found if callable(found) else None
