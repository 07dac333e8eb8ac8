"""One check of one bench, run and judged: every rule about what may count as a pass is kept here."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from traceback import extract_tb
from typing import Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.judging.findings import Advice, ControlFailed, Finding, cut, described
from oneiric_conformance.judging.instead import NOT_RUN, instead_of
from oneiric_conformance.judging.ownership import OwnFiles, passes_through
from oneiric_conformance.judging.route import Place
from oneiric_conformance.judging.watchdog import TimeIsUp, watchdog
from oneiric_conformance.registry import Check
from oneiric_conformance.results import Card, Result, Status
from oneiric_core import SYSTEM_CLOCK

__all__ = ["Judge", "Replay", "Script"]

_LONGEST: Final = 2000
"""Characters of anything that a component made us say: it stands in the report as often as the component has checks."""

Replay = Callable[[str, str, Place | None], str]
"""Given the ids of a subject and a check, and the example that failed, if it was one: one shell line that runs it
again."""

Script = Callable[[Bench, str, str, str], str]
"""Given the bench, the id of the check, its rule and what was seen: a program that shows it; empty if none would."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Runs checks and puts the outcome into a result.

    - A finding, a failed control, an exception out of the subject's own files or a check that does not end: ``fail``
      for a MUST, ``warn`` for a SHOULD and for advice, with a card.
    - Any other exception, no control, or fewer cases than the floor: ``error``, for it says nothing about the subject.
    - KeyboardInterrupt is none of our business and passes through.
    """

    own: OwnFiles
    replay: Replay
    script: Script

    def decide(self, check: Check, subject_id: str, bench: Bench) -> Result:
        """Run the check to its end, one way or the other."""
        started = SYSTEM_CLOCK.monotonic()
        status, reason, card = self._outcome(check, subject_id, bench)
        return Result(
            check=check.id,
            subject=subject_id,
            judges=check.judges,
            level=check.level,
            status=status,
            reason=cut(reason, _LONGEST),
            exercised=bench.tally.exercised,
            behaviours=bench.tally.behaviours,
            card=card,
            seconds=SYSTEM_CLOCK.monotonic() - started,
        )

    def failed(self, check: Check, subject_id: str, found: Finding) -> Result:
        """The result of a check that need not be run to be known to fail, whatever its level."""
        card = replace(self._card(check, subject_id, found), instead=instead_of(check, NOT_RUN))
        reason = cut(found.reason, _LONGEST)
        return Result(check.id, subject_id, check.judges, check.level, Status.FAIL, reason, card=card)

    def _outcome(self, check: Check, subject_id: str, bench: Bench) -> tuple[Status, str, Card | None]:
        try:
            with watchdog(bench.profile.seconds):
                check.body(bench)
        except Finding as found:
            return self._fail(check, subject_id, bench, found)
        except TimeIsUp:
            return self._fail(check, subject_id, bench, Finding(f"did not end within {bench.profile.seconds:g} s"))
        except SystemExit as error:
            return self._fail(check, subject_id, bench, Finding(f"tried to end the process: {described(error)}"))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - nor may a broken subject end the run, or skip a check as pytest does
            example = getattr(error, "oneiric_example", "")
            if passes_through(error.__traceback__, self.own):
                return self._fail(check, subject_id, bench, Finding(f"raised {described(error)}", example=example))
            return Status.ERROR, f"KIT ERROR: {described(error)} ({_place(error)})", None
        gap = bench.tally.gap(check.floor)
        return (Status.ERROR, gap, None) if gap else (Status.PASS, "; ".join(bench.tally.notes), None)

    def _fail(self, check: Check, subject_id: str, bench: Bench, found: Finding) -> tuple[Status, str, Card]:
        status = Status.WARN if check.level == "should" or isinstance(found, Advice) else Status.FAIL
        card = self._card(check, subject_id, found, bench.tally.route.at)
        script = self.script(bench, check.id, card.rule, card.seen)
        return status, found.reason, replace(card, script=script, instead="" if script else instead_of(check))

    def _card(self, check: Check, subject_id: str, found: Finding, at: Place | None = None) -> Card:
        seen = found.reason if isinstance(found, ControlFailed) else found.seen
        return Card(
            check=check.id,
            subject=subject_id,
            rule=check.rule,
            seen=cut(seen, _LONGEST),
            expected=cut(found.expected, _LONGEST) or check.rule,
            example=cut(found.example, _LONGEST),
            mend=check.troubleshooting,
            replay=self.replay(subject_id, check.id, at),
        )


def _place(error: BaseException) -> str:
    frames = extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "no traceback"
