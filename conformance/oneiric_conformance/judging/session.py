"""A run of the kit over one package: what there is to judge, and one judgement after the other."""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from hypothesis.database import ExampleDatabase

from oneiric_conformance.abilities import lacks_of
from oneiric_conformance.handling.bench import Bench, Surroundings
from oneiric_conformance.handling.examples import by_itself
from oneiric_conformance.handling.possible import why_no_payloads
from oneiric_conformance.isolation.external import unreachable
from oneiric_conformance.isolation.smoke import SmokeReport, smoke
from oneiric_conformance.judging.findings import Finding, Tally, Untried
from oneiric_conformance.judging.guard import guard
from oneiric_conformance.judging.keeping import Keeper, Stillness, as_it_was
from oneiric_conformance.judging.loop import SharedLoop
from oneiric_conformance.judging.ownership import OwnFiles
from oneiric_conformance.judging.plan import Planned, plan_for
from oneiric_conformance.judging.route import Place, Route
from oneiric_conformance.judging.uncaught import told_without_frames
from oneiric_conformance.judging.verdict import Judge
from oneiric_conformance.profile import PROFILES, Profile
from oneiric_conformance.registry import CHECKS, Check
from oneiric_conformance.replaying import Replay
from oneiric_conformance.requirements import RequirementSet, requirement_set
from oneiric_conformance.results import Result, Status, Waiver
from oneiric_conformance.runtime import Limits, RuntimeFactory
from oneiric_conformance.scripts.writing import script_of
from oneiric_conformance.subject import Package, Subject
from oneiric_conformance.waivers import fitting, waived
from oneiric_core import SYSTEM_CLOCK, Clock, ConformanceError
from oneiric_core.testing import CoreRuntime, without_fsync

__all__ = ["Planned", "Session"]

LIMITS: Final = Limits()
_SLOW: Final = 0.25
_LIVES: Final = 100
DECIDED_BY_SMOKE: Final = frozenset({"META-004", "LIFE-002"})
"""Checks that read the first run's report, and so are judged whatever it says."""


class Session:
    """Judges one package. Close it, or use it as a context manager.

    :param runtime_factory: makes the runtime in which components are tried, and which runtime checks judge.
    :param requirements: the checks that count; others are ``not-scored``.
    :param replay_line: makes the line on a card, of the ids of subject and check, and of the word that stands for the
        example that failed; the word is empty where the whole check has to be run again.
    :param only: the one example that is judged; by default everything is.
    :param database: where an exploration saves the examples that failed, and tries those first that are there.
    :param waivers: rules that are accepted as broken.
    :raises ConformanceError: a waiver that is about nothing in this run, or is over; a runtime that says it lacks what
        none may lack; an example of nothing in the run; a database for a profile that has to be the same everywhere.
    """

    def __init__(
        self,
        package: Package,
        *,
        profile: Profile = PROFILES["gate"],
        runtime_factory: RuntimeFactory = CoreRuntime,
        requirements: RequirementSet | None = None,
        limits: Limits = LIMITS,
        replay_line: Callable[[str, str, str], str] | None = None,
        only: Replay | None = None,
        database: ExampleDatabase | None = None,
        waivers: Iterable[Waiver] = (),
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.package = package
        self.profile = profile
        self.requirements = requirements or requirement_set()
        self.limits = limits
        self.runtime = _path(runtime_factory)
        self._lacks = lacks_of(runtime_factory)
        self._subjects = {subject.id: subject for subject in package.subjects}
        self._waivers = fitting(waivers, self.plan(), clock.now().date())
        self._smoked: dict[str, SmokeReport] = {}
        self._asked: dict[str, str] = {}
        self._possible: dict[str, str] = {}
        self._loop = SharedLoop()
        self._keeper: Keeper | None = None
        self._stillness: Stillness | None = None
        self._around = Surroundings(
            package, profile, limits, self._loop, runtime_factory, self.smoke, database=database
        )
        judged = runtime_factory if runtime_factory is not CoreRuntime else None
        self._replay_line = replay_line or self._plain_line
        self._judge = Judge(OwnFiles(package, judged), self._line, script_of)
        self._only = only
        self._refuse_unfit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the event loop and everything on it, and take down what was made for the run; idempotent."""
        try:
            self._loop.close()
        finally:
            self._around.quarters.close()
            for each in (self._keeper, self._stillness):
                if each is not None:
                    each.close()

    def plan(self) -> tuple[Planned, ...]:
        """Every check of every subject, in the order of judgement: package, components, runtime."""
        return plan_for(self.package, self.requirements, self._lacks)

    def due(self) -> tuple[Planned, ...]:
        """What is to be judged: the whole plan, or the one check whose example is replayed."""
        return tuple(item for item in self.plan() if self._only is None or _is_of(self._only, item))

    def judge(self, planned: Planned, *, narrowed: bool = False) -> Result:
        """Run one planned check.

        :param narrowed: not everything is judged in this run; then stale waivers are not.
        :raises ConformanceError: if the subject or the check is not of this session.
        """
        waiver = self._waivers.get((planned.subject, planned.check))
        return waived(self._judged(planned), waiver, narrowed=narrowed)

    def _judged(self, planned: Planned) -> Result:
        check, subject = self._known(planned)
        if planned.status is not None:
            return Result(check.id, planned.subject, planned.judges, check.level, planned.status, planned.reason)
        if subject is not None and subject.error:
            found = Finding(f"could not be loaded: {subject.error}", "the entry point loads")
            return replace(self._judge.failed(check, subject.id, found), judges=planned.judges)
        if subject is not None and (missing := self._missing(subject, check)):
            return self._judge.failed(check, subject.id, missing)
        bench = Bench(
            self._time_for(subject),
            subject,
            check.id,
            Tally(route=Route(None if self._only is None else self._only.place)),
        )
        keeper = self._keeper = self._keeper or Keeper()
        self._stillness = self._stillness or Stillness()
        try:
            with as_it_was(), told_without_frames(), by_itself(), without_fsync(), guard() as attempts:
                result = self._judge.decide(check, planned.subject, bench)
        finally:
            self._loop.sweep()
            self._around.quarters.settle()
        if changes := keeper.differences():
            keeper.restore()
            found = Finding(f"it replaced {', '.join(changes[:3])}", "the kit and the system as they were")
            return replace(self._judge.failed(check, planned.subject, found), seconds=result.seconds)
        if attempts and result.status in (Status.PASS, Status.ERROR):
            found = Finding(f"tried to end the process: {attempts[0]}", "it lets the process live")
            return replace(self._judge.failed(check, planned.subject, found), seconds=result.seconds)
        return result

    def smoke(self, subject: Subject) -> SmokeReport:
        """How the subject's first run went, in a process of its own; run once for each."""
        if subject.id not in self._smoked:
            self._smoked[subject.id] = smoke(subject, self.limits_for(subject))
        return self._smoked[subject.id]

    def limits_for(self, subject: Subject) -> Limits:
        """How long a component may take: as long as all, but for what its author wrote."""
        return replace(self.limits, **subject.limits)

    def _missing(self, subject: Subject, check: Check) -> Finding | None:
        """The prerequisite without which there is nothing to judge."""
        if unmet := self._unreachable(subject):
            return Untried(unmet, "what it needs is there")
        if check.id in DECIDED_BY_SMOKE:
            return None
        if unmet := self.smoke(subject).failure:
            return Untried(unmet, "the first run succeeds")
        if subject.id not in self._possible:
            self._possible[subject.id] = why_no_payloads(subject, self.profile)
        unmet = self._possible[subject.id]
        return Untried(unmet, "payloads it can be tried with") if unmet else None

    def _unreachable(self, subject: Subject) -> str:
        """Why it cannot be judged, if a service that it needs is not there; each is asked once in a run."""
        for address in subject.external:
            if address not in self._asked:
                self._asked[address] = unreachable(address)
        return next((self._asked[address] for address in subject.external if self._asked[address]), "")

    def _time_for(self, subject: Subject | None) -> Surroundings:
        """A check may last as long as the profile says, and a slow component's many lives may take what they take."""
        if subject is None:
            return self._around
        around = replace(self._around, limits=self.limits_for(subject)) if subject.limits else self._around
        if (lifetime := self.smoke(subject).lifetime) < _SLOW:
            return around
        return replace(around, profile=replace(self.profile, seconds=self.profile.seconds + _LIVES * lifetime))

    def _line(self, subject_id: str, check_id: str, at: Place | None) -> str:
        profile = self.profile
        word = "" if at is None else Replay(check_id, subject_id, profile.name, profile.seed, at).encoded()
        return self._replay_line(subject_id, check_id, word)

    def _plain_line(self, subject_id: str, check_id: str, word: str) -> str:
        chosen = [f"--oneiric-replay={word}"] if word else ["--oneiric-profile", self.profile.name]
        if self.profile.name == "explore" and not word:
            chosen += ["--oneiric-seed", str(self.profile.seed)]
        return shlex.join(["pytest", "--oneiric-conformance", *chosen, f"pyproject.toml::{subject_id}::{check_id}"])

    def _refuse_unfit(self) -> None:
        if self._around.database is not None and self.profile.name != "explore":
            raise ConformanceError(
                f"the profile {self.profile.name} is the same everywhere, and so has no database",
                fix="Choose the profile explore",
            )
        if self._only is not None and not any(item.status is None for item in self.due()):
            raise ConformanceError(
                f"the example is one of {self._only.check} of {self._only.subject}, which is not judged here",
                fix="Run it in the repository of that component, as its failure card says",
                check=self._only.check,
                subject=self._only.subject,
            )

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


def _is_of(example: Replay, item: Planned) -> bool:
    return (example.subject, example.check) == (item.subject, item.check)


def _path(factory: RuntimeFactory) -> str:
    """How the report names what made the runtime."""
    made = factory if hasattr(factory, "__qualname__") else type(factory)
    return f"{made.__module__}:{made.__qualname__}"
