"""What a run says in the end: a verdict for every component and for the whole, and the file that keeps it."""

import json
import os
import platform
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from importlib.metadata import version
from typing import Any, Final

from oneiric_conformance.judging.plan import Planned
from oneiric_conformance.levels import LEVELS, lacking
from oneiric_conformance.profile import Profile
from oneiric_conformance.requirements import RequirementSet
from oneiric_conformance.results import Result, Status
from oneiric_conformance.runtime import Limits
from oneiric_conformance.subject import Package
from oneiric_core import ConformanceError

__all__ = ["SCHEMA", "ComponentReport", "ConformanceReport", "Verdict"]

SCHEMA: Final = "oneiric-conformance-report/1"
LIMITS: Final = Limits()

_BAD: Final = frozenset({Status.FAIL, Status.ERROR})
_NOT_RUN: Final = frozenset({Status.NOT_APPLICABLE, Status.NOT_SCORED})


class Verdict(StrEnum):
    """What can be said of a component, or of the run.

    ``certified``: every rule that applies holds, and it was seen to do something. ``conforms``: the rules hold, but
    nothing of its own was ever observed, so that a component which does nothing would pass as well. ``incomplete``:
    nothing failed, but something that was planned has no result.
    """

    CERTIFIED = "certified"
    CONFORMS = "conforms"
    FAILS = "fails"
    INCOMPLETE = "incomplete"

    @property
    def urgency(self) -> int:
        """Its place where what has to be looked at first is told first."""
        return _URGENCY.index(self)


_URGENCY: Final = (Verdict.FAILS, Verdict.INCOMPLETE, Verdict.CONFORMS, Verdict.CERTIFIED)


@dataclass(frozen=True, slots=True)
class ComponentReport:
    """One component: its verdict and its results, in the order in which they were planned."""

    id: str
    verdict: Verdict
    results: tuple[Result, ...]
    limits: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "verdict": self.verdict.value,
            "limits": dict(self.limits),
            "results": [_plain(result) for result in self.results],
        }


@dataclass(frozen=True, slots=True)
class ConformanceReport:
    """One run over one package.

    :param whole: results of checks of the package and of the runtime.
    :param missing: what was planned and has no result, as ``subject::check``.
    :param runtime: import path of what made the runtime.
    :param limits: how long a component was given for what.
    :param seconds: wall time of the run.
    """

    package: Package
    verdict: Verdict
    components: tuple[ComponentReport, ...]
    whole: tuple[Result, ...]
    missing: tuple[str, ...]
    profile: Profile
    requirements: RequirementSet
    runtime: str
    limits: Limits = LIMITS
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_results(
        cls,
        package: Package,
        planned: Sequence[Planned],
        results: Iterable[Result],
        *,
        profile: Profile,
        requirements: RequirementSet,
        runtime: str,
        limits: Limits = LIMITS,
        seconds: float = 0.0,
    ) -> "ConformanceReport":
        """Put results together, whatever order they came in and whichever process they came from.

        :param planned: the whole plan; a level needs a result for every item of it.
        :raises ConformanceError: for a result that was not planned.
        """
        found = {(result.subject, result.check): result for result in results}
        known = {(item.subject, item.check) for item in planned}
        if strangers := sorted(found.keys() - known):
            raise ConformanceError(
                f"there are results that were not planned: {', '.join('::'.join(name) for name in strangers)}",
                fix="Make plan and results from one session",
                results=strangers,
            )
        limits_of = {subject.id: subject.limits for subject in package.subjects}
        components = tuple(
            _component(name, own, found, limits_of.get(name, {})) for name, own in _by_component(planned).items()
        )
        whole = tuple(_results([item for item in planned if item.judges != "component"], found))
        missing = tuple(f"{item.subject}::{item.check}" for item in planned if (item.subject, item.check) not in found)
        return cls(
            package=package,
            verdict=_verdict(components, whole, missing),
            components=components,
            whole=whole,
            missing=missing,
            profile=profile,
            requirements=requirements,
            runtime=runtime,
            limits=limits,
            seconds=seconds,
            counts=_counts(planned, found.values()),
        )

    @property
    def results(self) -> tuple[Result, ...]:
        """All of them, those of components first."""
        return (*(result for component in self.components for result in component.results), *self.whole)

    @property
    def failed(self) -> bool:
        """Whether anything failed, or could not be judged: then the run's exit code is not zero."""
        return self.verdict is Verdict.FAILS

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels that were reached."""
        return tuple(level for level in LEVELS if not lacking(self, level))

    def to_json(self) -> dict[str, Any]:
        """The report as plain data. Two runs that saw the same are equal but for ``timing`` and ``environment``."""
        core = version("oneiric-core")
        return {
            "schema": SCHEMA,
            "package": {"name": self.package.name, "version": self.package.version, "wheel": self._wheel()},
            "kit": core,
            "core": core,
            "runtime": self.runtime,
            "requirements": self.requirements.to_json(),
            "profile": self.profile.name,
            "seed": self.profile.seed,
            "limits": asdict(self.limits),
            "verdict": self.verdict.value,
            "levels": list(self.levels),
            "lacking": {level: list(lacking(self, level)) for level in LEVELS if level not in self.levels},
            "counts": self.counts,
            "missing": list(self.missing),
            "components": [component.to_json() for component in self.components],
            "whole": [_plain(result) for result in self.whole],
            "timing": {
                "seconds": round(self.seconds, 3),
                "results": {f"{result.subject}::{result.check}": round(result.seconds, 3) for result in self.results},
            },
            "environment": {
                "python": platform.python_version(),
                "implementation": platform.python_implementation(),
                "platform": platform.platform(),
                "hypothesis": version("hypothesis"),
                "cpus": os.cpu_count(),
            },
        }

    def _wheel(self) -> dict[str, str] | None:
        wheel = self.package.wheel
        return None if wheel is None else {"name": wheel.name, "sha256": wheel.sha256}

    def to_text(self) -> str:
        """:meth:`to_json` as the text of the file."""
        return json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n"


def _by_component(planned: Sequence[Planned]) -> dict[str, list[Planned]]:
    own: dict[str, list[Planned]] = {}
    for item in planned:
        if item.judges == "component":
            own.setdefault(item.subject, []).append(item)
    return own


def _component(
    name: str, own: Sequence[Planned], found: dict[tuple[str, str], Result], limits: Mapping[str, float]
) -> ComponentReport:
    results = tuple(_results(own, found))
    if any(result.status in _BAD for result in results):
        verdict = Verdict.FAILS
    elif len(results) < len(own):
        verdict = Verdict.INCOMPLETE
    else:
        behaved = any(result.behaviours and result.status is Status.PASS for result in results)
        verdict = Verdict.CERTIFIED if behaved else Verdict.CONFORMS
    return ComponentReport(name, verdict, results, limits)


def _results(planned: Iterable[Planned], found: dict[tuple[str, str], Result]) -> list[Result]:
    return [found[item.subject, item.check] for item in planned if (item.subject, item.check) in found]


def _verdict(components: Sequence[ComponentReport], whole: Iterable[Result], missing: Sequence[str]) -> Verdict:
    verdicts = {component.verdict for component in components}
    if Verdict.FAILS in verdicts or any(result.status in _BAD for result in whole):
        return Verdict.FAILS
    if missing or not components:
        return Verdict.INCOMPLETE
    return Verdict.CERTIFIED if verdicts == {Verdict.CERTIFIED} else Verdict.CONFORMS


def _counts(planned: Sequence[Planned], results: Collection[Result]) -> dict[str, int]:
    """How many ended in which status, and executed of applicable of all that were planned.

    What had nothing to try, because something has to come first and did not, was not executed.
    """
    statuses = Counter(result.status for result in results)
    applicable = sum(item.status is not Status.NOT_APPLICABLE for item in planned)
    executed = sum(result.status not in _NOT_RUN and not result.untried for result in results)
    by_status = {status.value: statuses[status] for status in Status}
    return {"executed": executed, "applicable": applicable, "total": len(planned), **by_status}


def _plain(result: Result) -> dict[str, Any]:
    return {name: value for name, value in result.to_json().items() if name not in {"subject", "seconds"}}
