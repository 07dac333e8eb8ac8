"""A run of the kit over one package: what there is to judge, and one judgement after the other."""

import shlex
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Self

import oneiric_conformance.checks  # noqa: F401 - importing it fills the registry
from oneiric_conformance.bench import Bench, Surroundings
from oneiric_conformance.examples import by_itself
from oneiric_conformance.guard import guard
from oneiric_conformance.judging import Finding
from oneiric_conformance.loop import SharedLoop
from oneiric_conformance.ownership import OwnFiles
from oneiric_conformance.profile import PROFILES, Profile
from oneiric_conformance.registry import CHECKS, Check, Judges
from oneiric_conformance.requirements import RequirementSet, requirement_set
from oneiric_conformance.results import Result, Status
from oneiric_conformance.runtime import Limits, RuntimeFactory
from oneiric_conformance.smoke import SmokeReport, smoke
from oneiric_conformance.subject import Package, Subject
from oneiric_conformance.verdict import Judge, Replay
from oneiric_core import ConformanceError
from oneiric_core.testing import CoreRuntime

__all__ = ["Planned", "Session"]

LOADING = "META-001"
"""The one check that judges a component which cannot be loaded."""

DECIDED_BY_SMOKE = frozenset({"META-004", "LIFE-002"})
"""Checks that read the first run's report, and so are judged whatever it says."""


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


class Session:
    """Judges one package. Close it, or use it as a context manager.

    :param runtime_factory: makes the runtime in which components are tried, and which runtime checks judge.
    :param requirements: the checks that count; others are ``not-scored``.
    :param replay: makes the line on a card that runs one check of one subject again.
    """

    def __init__(
        self,
        package: Package,
        *,
        profile: Profile = PROFILES["gate"],
        runtime_factory: RuntimeFactory = CoreRuntime,
        requirements: RequirementSet | None = None,
        limits: Limits = Limits(),
        replay: Replay | None = None,
    ) -> None:
        self.package = package
        self.profile = profile
        self.requirements = requirements or requirement_set()
        self._subjects = {subject.id: subject for subject in package.subjects}
        self._smoked: dict[str, SmokeReport] = {}
        self._loop = SharedLoop()
        self._around = Surroundings(package, profile, limits, self._loop, runtime_factory, self.smoke)
        judged = runtime_factory if runtime_factory is not CoreRuntime else None
        self._judge = Judge(OwnFiles(package, judged), replay or partial(_replay, profile.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the event loop and everything on it; idempotent."""
        self._loop.close()

    def plan(self) -> tuple[Planned, ...]:
        """Every check of every subject, in the order of judgement: package, components, runtime."""
        by_judges: dict[str, list[Check]] = {"package": [], "component": [], "runtime": []}
        for _, check in sorted(CHECKS.items()):
            by_judges[check.judges].append(check)
        planned = [self._plan_whole(check) for check in by_judges["package"]]
        for subject in self.package.subjects:
            if subject.error:
                planned.append(Planned(LOADING, subject.id, "component"))
            else:
                planned += [self._plan_part(check, subject) for check in by_judges["component"]]
        return (*planned, *(self._plan_whole(check) for check in by_judges["runtime"]))

    def judge(self, planned: Planned) -> Result:
        """Run one planned check.

        :raises ConformanceError: if the subject or the check is not of this session.
        """
        check, subject = self._known(planned)
        if planned.status is not None:
            return Result(check.id, planned.subject, planned.judges, check.level, planned.status, planned.reason)
        if subject is not None and subject.error:
            found = Finding(f"could not be loaded: {subject.error}", "the entry point loads")
            return replace(self._judge.failed(check, subject.id, found), judges=planned.judges)
        if subject is not None and check.id not in DECIDED_BY_SMOKE and (missing := self.smoke(subject).failure):
            return self._judge.failed(check, subject.id, Finding(f"prerequisite: {missing}", "the first run succeeds"))
        bench = Bench(self._around, subject, check.id)
        try:
            with by_itself(), guard():
                return self._judge.decide(check, planned.subject, bench)
        finally:
            self._loop.sweep()

    def smoke(self, subject: Subject) -> SmokeReport:
        """How the subject's first run went, in a process of its own; run once for each."""
        if subject.id not in self._smoked:
            self._smoked[subject.id] = smoke(subject, self._around.limits)
        return self._smoked[subject.id]

    def _known(self, planned: Planned) -> tuple[Check, Subject | None]:
        subject = self._subjects.get(planned.subject) if planned.judges == "component" else None
        check = CHECKS.get(planned.check)
        if check is None or (planned.judges == "component" and subject is None):
            raise ConformanceError(
                f"{planned.check} of {planned.subject} is no part of this run",
                fix="Judge what plan() of the same session gave",
                check=planned.check,
                subject=planned.subject,
            )
        return check, subject

    def _plan_whole(self, check: Check) -> Planned:
        return self._unscored(check, self.package.id) or Planned(check.id, self.package.id, check.judges)

    def _plan_part(self, check: Check, subject: Subject) -> Planned:
        why_not = check.not_applicable(subject)
        if why_not:
            return Planned(check.id, subject.id, check.judges, Status.NOT_APPLICABLE, why_not)
        return self._unscored(check, subject.id) or Planned(check.id, subject.id, check.judges)

    def _unscored(self, check: Check, subject_id: str) -> Planned | None:
        if check.id in self.requirements.checks:
            return None
        reason = f"not in requirement set {self.requirements.id}"
        return Planned(check.id, subject_id, check.judges, Status.NOT_SCORED, reason)


def _replay(profile: str, subject_id: str, check_id: str) -> str:
    node = shlex.quote(f"pyproject.toml::{subject_id}::{check_id}")
    return f"pytest --oneiric-conformance --oneiric-profile {profile} {node}"
