"""What the author wrote for one component alone: how it is made and used, what it needs, and how long it may take."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from typing import Any, Final

from oneiric_conformance.isolation.external import refuse_no_address
from oneiric_conformance.runtime import Limits
from oneiric_conformance.subject import Subject
from oneiric_conformance.written import SECTION, of_type, refuse_unknown
from oneiric_core import ConformanceError

__all__ = ["ForComponent", "components_of", "configured"]

_NAMED: Final = re.compile(r"\$\{(\w+)\}")
_LONGEST: Final = 600.0
"""Seconds that a limit may be at most: whoever waits longer for a component takes it to hang."""


@dataclass(frozen=True, slots=True)
class ForComponent:
    """What holds for one component.

    :param settings: what it is made with.
    :param payloads: import path of a strategy of what its verb is given.
    :param external: addresses of the services it needs.
    :param exercise: import path of a function that uses an instance for what it is for.
    :param limits: seconds by the names of :class:`Limits`, where they are others than for all.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    payloads: str = ""
    external: tuple[str, ...] = ()
    exercise: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)


_KEYS: Final = tuple(each.name for each in fields(ForComponent))
_LIMITS: Final = tuple(each.name for each in fields(Limits))


def components_of(written: object) -> dict[str, ForComponent]:
    """What is written under ``components``, by the component's id.

    :raises ConformanceError: for an unknown key, a value of another type, or a limit that nobody could mean.
    """
    found = {}
    for name, table in of_type("components", written, dict).items():
        where = f'[tool.oneiric.conformance.components."{name}"]'
        refuse_unknown(of_type(name, table, dict), _KEYS, where)
        external = of_type(f"{name}.external", table.get("external", []), list)
        found[name] = ForComponent(
            settings=of_type(f"{name}.settings", table.get("settings", {}), dict),
            payloads=of_type(f"{name}.payloads", table.get("payloads", ""), str),
            external=tuple(of_type(f"{name}.external", address, str) for address in external),
            exercise=of_type(f"{name}.exercise", table.get("exercise", ""), str),
            limits=_limits(name, of_type(f"{name}.limits", table.get("limits", {}), dict)),
        )
    return found


def configured(subject: Subject, chosen: ForComponent, worker: str) -> Subject:
    """The component with what was written for it, ``{worker}`` and ``${NAME}`` replaced.

    :raises ConformanceError: an environment variable is not set, or an address is none.
    """
    return replace(
        subject,
        settings=_filled(chosen.settings, worker),
        written=chosen.settings,
        payloads=chosen.payloads,
        external=tuple(
            refuse_no_address(_filled(address, worker), f"{subject.id}.external in {SECTION}")
            for address in chosen.external
        ),
        exercise=chosen.exercise,
        limits=chosen.limits,
    )


def _limits(component: str, written: Mapping[str, Any]) -> dict[str, float]:
    refuse_unknown(written, _LIMITS, f'limits of "{component}"')
    found = {}
    for name, value in written.items():
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
        if not (isfinite(number) and 0 < number <= _LONGEST):
            raise ConformanceError(
                f"{component}.limits.{name} in {SECTION} is {value!r}",
                fix=f"Give it seconds: more than 0, and {_LONGEST:g} at most",
                component=component,
                limit=name,
            )
        found[name] = float(number)
    return found


def _filled(value: Any, worker: str) -> Any:
    if isinstance(value, str):
        return _NAMED.sub(_variable, value.replace("{worker}", worker))
    if isinstance(value, Mapping):
        return {name: _filled(item, worker) for name, item in value.items()}
    return [_filled(item, worker) for item in value] if isinstance(value, list) else value


def _variable(found: re.Match[str]) -> str:
    name = found[1]
    if name not in os.environ:
        raise ConformanceError(
            f"{SECTION} asks for the environment variable {name}, which is not set", fix=f"Set {name}", variable=name
        )
    return os.environ[name]
