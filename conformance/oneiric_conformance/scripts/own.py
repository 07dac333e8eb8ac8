"""The author's own exercise, which has to tell the component from one that does nothing."""

import time
from typing import Any

from oneiric_conformance.handling.hollow import hollow_twin, succeeds_as_well
from oneiric_conformance.handling.work import ask
from oneiric_conformance.scripts.base import Broken, Component, expect
from oneiric_core.testing import import_object

__all__ = ["own_001"]


async def own_001(component: Component, example: Any, payloads: Any) -> None:
    """The exercise succeeds on the component, and fails on a hollow twin of another instance: one with the
    same hooks and attributes, whose other methods all return nothing.
    """
    del example, payloads
    exercise: Any = import_object(component.exercise, None)
    expect(callable(exercise), f"the exercise {component.exercise} cannot be called", "a function of one instance")
    instance = await component.opened()
    began = time.monotonic()
    try:
        await ask(exercise, instance)
    except Exception as error:
        raise Broken(f"seen      the exercise raised {error!r}\nexpected  that it succeeds on the component") from error
    took = time.monotonic() - began
    await component.closed(instance)
    instance = await component.opened()
    alike = await succeeds_as_well(exercise, hollow_twin(instance), took)
    expect(not alike, "the exercise succeeds on a twin that does nothing", "that it fails on it")
    await component.closed(instance)
