"""What a component answers in another process, where texts have other hashes and everything began anew."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from oneiric_conformance.handling.plain import flaw
from oneiric_conformance.isolation.child import run_child
from oneiric_conformance.isolation.smoke import found_by_all, request_for, seconds_for
from oneiric_conformance.observing.quarters import made_sandbox
from oneiric_conformance.runtime import Limits
from oneiric_conformance.subject import Subject

__all__ = ["Elsewhere", "as_told", "results_elsewhere"]

_NO_VERB: Final = "it has no method that does its work"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What came of one payload.

    :param result: a list of the result; empty if it is no plain data, which no pipe carries.
    :param fault: why there is none; empty if there is one.
    """

    result: tuple[Any, ...] = ()
    fault: str = ""


def results_elsewhere(
    subject: Subject, limits: Limits, payloads: Sequence[Any], seconds: float
) -> list[Elsewhere | None]:
    """What one instance gives for each payload in a process of its own; None for what cannot be asked there.

    That process has the environment and the working directory of this one, and another ``PYTHONHASHSEED``.

    :param seconds: the time each may take.
    :raises ConformanceError: if the child process failed before it came to the component.
    """
    asked = [index for index, payload in enumerate(payloads) if _crosses(payload)]
    if not asked or not found_by_all(subject):
        return [None] * len(payloads)
    with made_sandbox() as box:
        request = request_for(subject, limits, box)
        request["limits"]["verb"] = seconds
        around = {"environment": dict(os.environ), "work": os.getcwd()}  # noqa: PTH109 - a text, as JSON has it
        given = {"payloads": [payloads[index] for index in asked]}
        end = run_child("elsewhere_child", {**request, **around, **given}, box, seconds_for(request["limits"]))
    told = [_told(note) for note in end.notes if "result" in note or (note.get("ended") == "verb" and note["error"])]
    failed = [f"{note['ended']}: {note['error']}" for note in end.notes if note.get("error")]
    rest = Elsewhere(fault=f"{end.stage}: {end.fault}" if end.fault else [*failed, _NO_VERB][0])
    found = dict(zip(asked, [*told, *[rest] * len(asked)], strict=False))
    return [found.get(index) for index in range(len(payloads))]


def as_told(result: object) -> tuple[Any, ...]:
    """The result as it would come from there."""
    return () if flaw(result) else (json.loads(json.dumps(result)),)


def _crosses(payload: object) -> bool:
    """Whether there it is the very same: a tuple would be a list."""
    return not flaw(payload) and repr(json.loads(json.dumps(payload))) == repr(payload)


def _told(note: Mapping[str, Any]) -> Elsewhere:
    return Elsewhere(tuple(note["result"])) if "result" in note else Elsewhere(fault=f"raised {note['error']}")
