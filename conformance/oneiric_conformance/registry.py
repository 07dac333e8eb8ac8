"""The checks there are: each one a function, an id, and what it needs to mean something."""

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from oneiric_conformance.abilities import Ability
from oneiric_core import ConformanceError, Domain

if TYPE_CHECKING:
    from oneiric_conformance.handling.bench import Bench
    from oneiric_conformance.subject import Subject

__all__ = ["CHECKS", "FORMER_IDS", "Check", "check"]

Judges: TypeAlias = Literal["component", "package", "runtime"]
Level: TypeAlias = Literal["must", "should"]
Body: TypeAlias = "Callable[[Bench], None]"
Applies: TypeAlias = "Callable[[Subject], str]"

_ID: Final = re.compile(r"[A-Z]{2,4}-\d{3}")
_checks: dict[str, "Check"] = {}
CHECKS: Final = MappingProxyType(_checks)
"""All registered checks by id; filled by importing :mod:`oneiric_conformance.checks`."""
_former: dict[str, str] = {}
FORMER_IDS: Final = MappingProxyType(_former)
"""Ids that checks had before they were renamed, with those they have now; such an id is never given again."""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of the specification and the function that decides it.

    :param body: called with a :class:`~oneiric_conformance.handling.bench.Bench`; returns if the rule holds.
    :param floor: the least number of cases that must really have been tried; fewer is an ``error``, never a pass.
    :param domains: the domains it is about; empty means all.
    :param claims: the capability a component must claim for it to apply; empty means none is needed.
    :param applies: a further condition on the declaration: empty string, or why it does not apply.
    :param exercises: whether a pass shows the component doing its own work.
    :param needs_wheel: it is about the file that is released, and applies only where one was given.
    :param needs: what a runtime may lack, and without which it does not apply.
    """

    id: str
    judges: Judges
    level: Level
    since: str
    body: Body
    floor: int
    domains: frozenset[str]
    claims: str
    applies: Applies
    exercises: bool
    needs_wheel: bool = False
    needs: frozenset[str] = frozenset()

    @property
    def area(self) -> str:
        return self.id.partition("-")[0]

    @property
    def name(self) -> str:
        return getattr(self.body, "__name__", self.id)

    @property
    def rule(self) -> str:
        """The docstring's first sentence or paragraph, on one line."""
        return " ".join((inspect.getdoc(self.body) or "").partition("\n\n")[0].split())

    @property
    def troubleshooting(self) -> str:
        """What usually causes a failure and how to mend it, on one line."""
        return " ".join((inspect.getdoc(self.body) or "").partition("Troubleshooting:")[2].split())

    @property
    def explanation(self) -> tuple[str, ...]:
        """The rule and whatever else the docstring says before the troubleshooting, each paragraph on one line."""
        told = (inspect.getdoc(self.body) or "").partition("Troubleshooting:")[0]
        return tuple(" ".join(each.split()) for each in told.split("\n\n") if each.strip())

    def not_applicable(self, subject: "Subject") -> str:
        """Why this rule says nothing about the subject, from its declaration alone; empty if it does apply."""
        if self.domains and subject.domain not in self.domains:
            return f"about {', '.join(sorted(self.domains))}, not {subject.domain}"
        if self.claims and self.claims not in subject.capabilities:
            return f"does not claim {self.claims}"
        return self.applies(subject)


def _always(subject: "Subject") -> str:
    del subject
    return ""


def check(
    id: str,
    *,
    judges: Judges,
    level: Level,
    since: str,
    floor: int = 1,
    domains: Iterable[str] = (),
    claims: str = "",
    applies: Applies = _always,
    exercises: bool = False,
    needs_wheel: bool = False,
    needs: Iterable[str] = (),
    formerly: Iterable[str] = (),
) -> Callable[[Body], Body]:
    """Register a check. A mistake in the declaration is a :class:`ConformanceError` at import.

    :param formerly: ids it had before; waivers that name one still hold.
    """

    def register(body: Body) -> Body:
        about = frozenset(domains), claims, applies
        made = Check(id, judges, level, since, body, floor, *about, exercises, needs_wheel, frozenset(needs))
        _refuse_unfit(made)
        for name in formerly:
            _refuse_unfit(replace(made, id=name))
        _checks[id] = made
        _former.update(dict.fromkeys(formerly, id))
        return body

    return register


def _refuse_unfit(made: Check) -> None:
    fault = ""
    if not _ID.fullmatch(made.id):
        fault = "its id is not of the form AREA-000"
    elif made.id in _checks:
        fault = f"its id is taken by {_checks[made.id].name}"
    elif made.id in _former:
        fault = f"its id is a former one of {_former[made.id]}"
    elif type(made.floor) is not int or made.floor < 1:
        fault = "its floor is below 1, so that it could pass without trying anything"
    elif unknown := made.domains - set(Domain):
        fault = f"there is no domain {min(unknown)!r}, so that it would never apply"
    elif unknown := made.needs - set(Ability):
        fault = f"it needs {min(unknown)!r}, which no runtime may lack"
    elif inspect.iscoroutinefunction(made.body) or inspect.isgeneratorfunction(made.body):
        fault = "its body would not run when called: it is a coroutine or generator function"
    elif not made.rule or not made.troubleshooting:
        fault = "its docstring lacks the rule or the line that begins with Troubleshooting:"
    if fault:
        raise ConformanceError(
            f"check {made.id} cannot be registered: {fault}",
            fix="Mend the declaration above the function",
            check=made.id,
            function=made.name,
        )
