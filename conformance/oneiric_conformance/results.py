"""What a check found: one result for one check of one subject, and the card that explains a failure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from enum import StrEnum
from textwrap import fill
from typing import Any, Final

__all__ = ["UNTRIED", "Card", "Result", "Status", "Waiver"]

UNTRIED: Final = "prerequisite: "
"""How the reason begins of a check that had nothing to try, for something has to come first and did not."""


class Status(StrEnum):
    """How one check of one subject ended."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    FAIL = "fail"
    WARN = "warn"
    NOT_APPLICABLE = "not-applicable"
    NOT_SCORED = "not-scored"
    WAIVED = "waived"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Card:
    """A failure, told so that the author can act on it.

    :param rule: the rule as one sentence.
    :param seen: what was observed.
    :param expected: what the rule asks for.
    :param example: the smallest example found, in the domain's words; empty if the rule needs none.
    :param mend: what usually causes this, and how to mend it.
    :param replay: one shell line that runs this again: the one example that failed, or else the whole check.
    :param script: a program that shows the failure without the kit; empty if there is none.
    :param instead: why there is no script, and what to run in its place; empty if there is one.
    """

    check: str
    subject: str
    rule: str
    seen: str
    expected: str
    example: str
    mend: str
    replay: str
    script: str = ""
    instead: str = ""

    def render(self, width: int | None = None) -> str:
        """The card as text, each part behind its label.

        What is expected is left out where the rule says it already.

        :param width: fold sentences to so many columns; what may be copied, the example and the replay line, is not.
        """
        told = {"rule": self.rule, "seen": self.seen}
        told |= {"expected": self.expected} if self.expected != self.rule else {}
        lines = [f"{self.check} {self.subject}", *(_labelled(*part, width) for part in told.items())]
        if self.example:
            lines.append(_labelled("example", self.example))
        return "\n".join([*lines, _labelled("mend", self.mend, width), _labelled("replay", self.replay)])


def _labelled(label: str, text: str, width: int | None = None) -> str:
    first, indent = f"  {label:8}  ", " " * 12
    if width is None:
        return first + text
    return fill(
        text,
        max(width, 40),
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


@dataclass(frozen=True, slots=True)
class Waiver:
    """A rule that somebody knows to be broken, and accepts for a while.

    :param component: its id; the package's name for rules of the package and of the runtime.
    :param reason: why it is accepted, for those who read the report and the certificate.
    :param until: the last day on which it holds; None if it has none.
    """

    check: str
    component: str
    reason: str
    until: date | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data; the day as ISO 8601 has it."""
        return asdict(self) | {"until": self.until and self.until.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Waiver":
        """The inverse of :meth:`to_json`."""
        return cls(**{**data, "until": data["until"] and date.fromisoformat(data["until"])})


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one check of one subject.

    :param judges: ``component``, ``package`` or ``runtime``.
    :param level: ``must`` or ``should``.
    :param reason: one line, empty for a pass.
    :param exercised: how many cases the check really tried (swaps interrupted, names tried, calls made).
    :param behaviours: how many of the component's own behaviours were observed to do something; a component without a
        single one is not certifiable.
    :param seconds: wall time; never part of a comparison of two runs.
    :param waiver: what the status ``waived`` rests on.
    """

    check: str
    subject: str
    judges: str
    level: str
    status: Status
    reason: str = ""
    exercised: int = 0
    behaviours: int = 0
    card: Card | None = None
    seconds: float = 0.0
    waiver: Waiver | None = None

    @property
    def untried(self) -> bool:
        """Something had to come first, and did not."""
        return self.reason.startswith(UNTRIED)

    def to_json(self) -> dict[str, Any]:
        """Plain data, as it crosses a process border or enters the report."""
        return asdict(self) | {"status": self.status.value, "waiver": self.waiver and self.waiver.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Result":
        """The inverse of :meth:`to_json`."""
        card, waiver = data["card"], data["waiver"]
        return replace(
            cls(**{**data, "status": Status(data["status"]), "card": None, "waiver": None}),
            card=Card(**card) if card else None,
            waiver=Waiver.from_json(waiver) if waiver else None,
        )
