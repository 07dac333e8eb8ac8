"""OWN: what the author says a component is for, shown by a function of the author's own."""

import time
from collections.abc import Callable
from typing import Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.hollow import hollow_twin, succeeds_as_well
from oneiric_conformance.handling.work import ask, refuse_pretender
from oneiric_conformance.judging.findings import Finding
from oneiric_conformance.registry import check
from oneiric_conformance.subject import Subject
from oneiric_core.testing import import_object

__all__: list[str] = []

_TIMES: Final = 2


def _has_exercise(subject: Subject) -> str:
    return "" if subject.exercise else "no exercise is configured for it"


@check(
    "OWN-001",
    judges="component",
    level="must",
    since="2026.1",
    floor=_TIMES,
    applies=_has_exercise,
    exercises=True,
)
def the_exercise_tells_it_from_a_hollow_twin(bench: Bench) -> None:
    """The author's own ``exercise`` of the component succeeds on it, and fails on a hollow twin: one with the same
    hooks and attributes, whose other methods all return nothing.

    An exercise is a function of one instance that raises unless the instance does what it is for. It shows that a
    component without a verb of its domain and without a contract of its own is good for something. It has failed on the
    twin as well if it does not end there, in ten times what it took on the component and a second at least.

    Troubleshooting: an exercise that calls methods and compares nothing, or asks for nothing but ``health()`` and
    attributes that no method changes. Let it assert what its methods answer, or what they have changed.
    """
    with bench.asking(f"exercise: importing {bench.subject.exercise}"):
        exercise = import_object(bench.subject.exercise, None)
        if not callable(exercise):
            raise Finding(f"the exercise {bench.subject.exercise} cannot be called", "a function of one instance")
    for _ in range(_TIMES):
        bench.run(_tell_apart(bench, exercise))
        bench.exercised()
    bench.behaved()


async def _tell_apart(bench: Bench, exercise: Callable[[object], object]) -> None:
    """The twin lives in another instance, so that nothing which the exercise left in the first one answers for it."""
    with bench.sandbox() as box:
        async with bench.live(box) as instance:
            refuse_pretender(bench, instance)
            began = time.monotonic()
            with bench.control("the exercise succeeds on the component"), bench.asking("exercise"):
                await ask(exercise, instance)
            took = time.monotonic() - began
    with bench.sandbox() as box:
        async with bench.live(box) as instance:
            with bench.asking("looking at its methods"):
                twin = hollow_twin(instance)
            alike = await succeeds_as_well(exercise, twin, took)
    bench.expect(
        not alike,
        seen="the exercise succeeds as well on a hollow twin, which has the component's hooks and attributes, and "
        "whose other methods all return nothing",
        expected="an exercise that fails where nothing is done",
    )
