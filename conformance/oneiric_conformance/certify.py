"""The kit from an ordinary test: one component is judged, and the test fails with its cards if it fails."""

import asyncio
from pathlib import Path
from typing import Final

from oneiric_conformance.profile import PROFILES
from oneiric_conformance.report import ConformanceReport, Verdict
from oneiric_conformance.results import Status
from oneiric_conformance.run import run_conformance
from oneiric_core import MisuseError, ViolationError
from oneiric_core.testing import did_you_mean, refuse_unless

__all__ = ["Certify"]

_WIDTH: Final = 100


class Certify:
    """Judges components.

    :param profile: ``quick``, ``gate`` or ``deep``, unless a call says otherwise.
    """

    def __init__(self, profile: str = "quick") -> None:
        self.profile: Final = profile

    def __call__(
        self,
        component: str | type,
        *,
        profile: str | None = None,
        rootdir: Path | None = None,
        must_pass: bool = True,
    ) -> ConformanceReport:
        """The report of one component.

        :param component: ``domain/key/provider`` of one that is installed, ``module:attribute``, or a class that can be
            imported.
        :param rootdir: the repository whose ``[tool.oneiric.conformance]`` holds; none unless given.
        :param must_pass: whether a component that fails, fails the test; without it, look at the report's verdict.
        :raises ViolationError: with the card of each rule that is broken, or could not be judged.
        :raises MisuseError: an unknown profile, a class nobody can import, or a call in a coroutine.
        :raises ConformanceError: there is no such component.
        """
        chosen = profile or self.profile
        if chosen not in PROFILES:
            raise MisuseError(f"there is no profile {chosen!r}", fix=did_you_mean(chosen, PROFILES), profile=chosen)
        if _loop_runs():
            raise MisuseError("the kit has a loop of its own", fix="Certify in a plain def test")
        report = run_conformance(_path_of(component), rootdir=rootdir, profile=chosen)
        if must_pass and report.verdict in {Verdict.FAILS, Verdict.INCOMPLETE}:
            raise ViolationError(
                f"{_path_of(component)} {report.verdict}:\n\n{_told(report)}\n",
                fix="Mend what the cards say",
                report=report,
            )
        return report


def _path_of(component: str | type) -> str:
    if isinstance(component, str):
        return component
    fix = "Pass domain/key/provider, module:attribute, or a class"
    refuse_unless(isinstance(component, type), "a component", component, fix=fix)
    if "<locals>" in component.__qualname__ or component.__module__ == "__main__":
        raise MisuseError(
            f"{component.__qualname__} cannot be imported", fix="Define it at the top of a module that can be"
        )
    return f"{component.__module__}:{component.__qualname__}"


def _told(report: ConformanceReport) -> str:
    bad = [result for result in report.results if result.status in {Status.FAIL, Status.ERROR}]
    cards = [result.card.render(_WIDTH) for result in bad if result.card is not None]
    lines = [f"{result.check} {result.status.value}: {result.reason}" for result in bad if result.card is None]
    return "\n\n".join([*cards, *lines])


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
