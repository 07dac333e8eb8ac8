"""What a package may call itself after a run.

``core``: every MUST that applies holds, in a profile at least as thorough as ``gate``, and each component was seen to
do something of its own. ``hardened``: besides, every SHOULD holds, nothing is waived, the profile was ``deep``, and the
wheel was judged, too.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from oneiric_conformance.abilities import LACKING
from oneiric_conformance.results import Result, Status
from oneiric_core import CERTIFICATE_LEVELS

if TYPE_CHECKING:
    from oneiric_conformance.report import ConformanceReport

__all__ = ["LEVELS", "lacking"]

LEVELS: Final = CERTIFICATE_LEVELS
"""From the least to the most demanding; each asks for all that those before it do."""

_NAMED: Final = 5


def lacking(report: "ConformanceReport", level: str) -> tuple[str, ...]:
    """What stands between this run and the level, in words; nothing if it is reached."""
    reasons = [*_lacking_for_core(report)]
    if level != LEVELS[0]:
        reasons += _lacking_for_hardened(report)
    return tuple(reasons)


def _lacking_for_core(report: "ConformanceReport") -> "Sequence[str]":
    unseen = [component.id for component in report.components if component.verdict.value == "conforms"]
    told = {
        "broken": _those(report.results, Status.FAIL),
        "not judged": _those(report.results, Status.ERROR),
        "without a result": _some(list(report.missing)),
        "nothing of its own was seen to work": _some(unseen),
        "not judged, for the runtime has no counterpart": _some(sorted(_lacked(report.results))),
    }
    reasons = [f"{what}: {which}" for what, which in told.items() if which]
    if not report.components:
        reasons.append("there is no component")
    return [*reasons, *(["the profile quick is too quick"] if report.profile.name == "quick" else [])]


def _lacking_for_hardened(report: "ConformanceReport") -> "Sequence[str]":
    told = {"warned": _those(report.results, Status.WARN), "waived": _those(report.results, Status.WAIVED)}
    reasons = [f"{what}: {which}" for what, which in told.items() if which]
    if report.package.wheel is None:
        reasons.append("no wheel was given")
    if report.profile.name != "deep":
        reasons.append(f"the profile was {report.profile.name}, not deep")
    return reasons


def _lacked(results: Sequence[Result]) -> set[str]:
    return {result.check for result in results if result.reason.startswith(LACKING)}


def _those(results: Sequence[Result], status: Status) -> str:
    return _some([f"{result.subject}::{result.check}" for result in results if result.status is status])


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
