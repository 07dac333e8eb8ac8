"""What there is to judge: every check of every subject, decided from the declarations before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import oneiric_conformance.checks  # noqa: F401 - importing it fills the registry
from oneiric_conformance.abilities import LACKING, NOTHING
from oneiric_conformance.registry import CHECKS, Check, Judges
from oneiric_conformance.requirements import RequirementSet
from oneiric_conformance.results import Status
from oneiric_conformance.subject import Package, Subject

__all__ = ["LOADING", "Planned", "plan_for"]

_FIRST: Final = "OWN-001"
"""Comes before other checks of a component: what it uses up, of a service that counts, it must be the first to use."""

LOADING: Final = "META-001"
"""The one check that judges a component which cannot be loaded."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One check of one subject that belongs to the run.

    :param subject: the component's id; the package's name for checks of the package and of the runtime.
    :param status: what is known before anything runs: ``not-applicable``, ``not-scored``, or None if it has to run.
    :param reason: why it is known.
    """

    check: str
    subject: str
    judges: Judges
    status: Status | None = None
    reason: str = ""

    @property
    def not_applicable(self) -> str:
        """Why it does not apply; empty if it does."""
        return self.reason if self.status is Status.NOT_APPLICABLE else ""


def plan_for(package: Package, requirements: RequirementSet, lacks: Mapping[str, str] = NOTHING) -> tuple[Planned, ...]:
    """Every check of every subject, in the order of judgement: package, components, runtime.

    A component that could not be loaded has one item, which fails.

    :param lacks: what the runtime has no counterpart of, with reasons.
    """
    checks: dict[Judges, list[Check]] = {"package": [], "component": [], "runtime": []}
    for _, check in sorted(CHECKS.items(), key=lambda item: (item[0] != _FIRST, item[0])):
        checks[check.judges].append(check)
    planned = [_whole(check, package, requirements, lacks) for check in checks["package"]]
    for subject in package.subjects:
        if subject.error:
            planned.append(Planned(LOADING, subject.id, "component"))
        else:
            planned += [_part(check, subject, package, requirements, lacks) for check in checks["component"]]
    return (*planned, *(_whole(check, package, requirements, lacks) for check in checks["runtime"]))


def _whole(check: Check, package: Package, requirements: RequirementSet, lacks: Mapping[str, str]) -> Planned:
    if why_not := _unprovided(check, package, lacks):
        return Planned(check.id, package.id, check.judges, Status.NOT_APPLICABLE, why_not)
    return _unscored(check, package.id, requirements) or Planned(check.id, package.id, check.judges)


def _part(
    check: Check, subject: Subject, package: Package, requirements: RequirementSet, lacks: Mapping[str, str]
) -> Planned:
    why_not = check.not_applicable(subject) or _unprovided(check, package, lacks)
    if why_not:
        return Planned(check.id, subject.id, check.judges, Status.NOT_APPLICABLE, why_not)
    return _unscored(check, subject.id, requirements) or Planned(check.id, subject.id, check.judges)


def _unprovided(check: Check, package: Package, lacks: Mapping[str, str]) -> str:
    if check.needs_wheel and package.wheel is None:
        return "no wheel was given"
    return next((f"{LACKING}{name}: {lacks[name]}" for name in sorted(check.needs & lacks.keys())), "")


def _unscored(check: Check, subject_id: str, requirements: RequirementSet) -> Planned | None:
    if check.id in requirements.checks:
        return None
    return Planned(check.id, subject_id, check.judges, Status.NOT_SCORED, f"not in requirement set {requirements.id}")
