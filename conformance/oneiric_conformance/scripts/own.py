"""The author's own exercise, which has to tell the component from one that does nothing."""

from dataclasses import dataclass
from typing import Any

from oneiric_conformance.handling.hollow import hollow_twin
from oneiric_conformance.handling.work import ask
from oneiric_conformance.scripts.base import Broken, Component, expect
from oneiric_core.testing import import_object

__all__ = ["Exercised", "own_001"]


@dataclass
class Exercised(Component):
    """The exercise is a function of one instance, by its import path."""

    exercise: str = ""


async def own_001(component: Exercised, example: Any, payloads: Any) -> None:
    """It succeeds on the component, and fails on a hollow twin: the same methods, all of which return nothing."""
    del example, payloads
    exercise: Any = import_object(component.exercise, None)
    expect(callable(exercise), f"the exercise {component.exercise} cannot be called", "a function of one instance")
    instance = await component.opened()
    try:
        await ask(exercise, instance)
    except Exception as error:
        raise Broken(f"seen      the exercise raised {error!r}\nexpected  that it succeeds on the component") from error
    try:
        await ask(exercise, hollow_twin(instance))
    except Exception:  # noqa: BLE001 - however it fails: it has told them apart
        await component.closed(instance)
        return
    raise Broken("seen      the exercise succeeds on a twin that does nothing\nexpected  that it fails on it")
