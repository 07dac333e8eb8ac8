"""Which entry points may be loaded in the kit's own process: those that a process of its own survived unchanged.

What an entry point declares has to be loaded here in the end: factories may be closures, metadata may hold what no
pipe carries. But nobody's import may end the run, hang it, or change the kit before the first check.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from oneiric_conformance.isolation.child import run_child
from oneiric_conformance.observing.quarters import made_sandbox
from oneiric_conformance.subject import EntryPointName

__all__ = ["scout"]

_SECONDS: Final = 10.0


def scout(points: Sequence[EntryPointName], seconds: float = _SECONDS) -> dict[EntryPointName, str]:
    """For each entry point why it must not be loaded here; empty if it may.

    One that merely fails to load may: it fails here just the same, and says why.

    :param seconds: the time each may take.
    """
    answers: dict[EntryPointName, str] = {}
    waiting = list(points)
    while waiting:
        found = _ask(waiting, seconds)
        answers |= found
        waiting = waiting[len(found) :]
    return answers


def _ask(points: Sequence[EntryPointName], seconds: float) -> dict[EntryPointName, str]:
    """Up to and including the first one after which the child is of no more use."""
    request = [[point.group, point.name, point.value] for point in points]
    with made_sandbox() as box:
        stages = {str(position): seconds for position in range(len(points))}
        end = run_child("scout_child", {"root": str(box.root), "points": request}, box, stages)
    answers: dict[EntryPointName, str] = {}
    for point, note in zip(points, (note for note in end.notes if "changes" in note), strict=False):
        answers[point] = _danger(note)
        if note["changes"] or note["closed"]:
            return answers
    if end.fault:
        answers[points[int(end.stage)]] = f"loading it {end.fault}"
    return answers


def _danger(note: Mapping[str, Any]) -> str:
    if note["changes"]:
        return f"loading it replaced {', '.join(note['changes'][:3])}"
    if note["closed"]:
        return f"loading it closed {', '.join(note['closed'])}"
    return f"loading it raised {note['raised']}" if note["raised"] else ""
