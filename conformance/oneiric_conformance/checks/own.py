"""OWN: what the author says a component is for, shown by a function of the author's own."""

from collections.abc import Callable
from typing import Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.hollow import hollow_twin
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
    methods, all of which return nothing.

    An exercise is a function of one instance that raises unless the instance does what it is for. It shows that a
    component without a verb of its domain and without a contract of its own is good for something.

    Troubleshooting: an exercise that calls methods and compares nothing. Let it assert what they answer, or what has
    changed elsewhere.
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
    with bench.sandbox() as box:
        async with bench.live(box) as instance:
            refuse_pretender(bench, instance)
            with bench.control("the exercise succeeds on the component"), bench.asking("exercise"):
                await ask(exercise, instance)
            with bench.asking("looking at its methods"):
                twin = hollow_twin(instance)
            try:
                await ask(exercise, twin)
            except Exception:  # noqa: BLE001 - however it fails: it has told them apart
                return
    raise Finding(
        "the exercise succeeds as well on a hollow twin, whose methods all return nothing",
        "an exercise that fails where nothing is done",
    )
