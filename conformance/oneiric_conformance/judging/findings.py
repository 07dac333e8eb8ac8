"""How a judgement is put into words and counted: findings, controls, tallies."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from oneiric_conformance.judging.route import Route
from oneiric_conformance.judging.watchdog import TimeIsUp
from oneiric_conformance.results import UNTRIED
from oneiric_core import ConformanceError

__all__ = ["Advice", "ControlFailed", "Finding", "Tally", "Untried", "asking", "cut", "described", "shown", "within"]

T = TypeVar("T")
_WIDTH = 300


class Finding(Exception):  # noqa: N818 - it is what was found, not a defect of ours
    """The rule does not hold; raised by a check to end itself.

    :param seen: what was observed, as one line.
    :param expected: what the rule asks for; empty means the rule's own sentence.
    :param example: the smallest example that shows it, in the domain's words.
    """

    def __init__(self, seen: str, expected: str = "", example: str = "") -> None:
        super().__init__(seen)
        self.seen = seen
        self.expected = expected
        self.example = example

    @property
    def reason(self) -> str:
        return self.seen


class Advice(Finding):
    """What should be otherwise, though no rule is broken: a warning, whatever the level of the check."""


class Untried(Finding):
    """Something has to come first, and did not, so that there was nothing to try."""

    def __init__(self, seen: str, expected: str = "") -> None:
        super().__init__(f"{UNTRIED}{seen}", expected)


class ControlFailed(Finding):
    """Not even what has to succeed did, so that no refusal means anything."""

    def __init__(self, sentence: str, found: Finding) -> None:
        super().__init__(found.seen, sentence, found.example)

    @property
    def reason(self) -> str:
        return f"control: {self.expected}: {self.seen}"


@dataclass(slots=True)
class Tally:
    """What one check of one subject really did.

    :ivar notes: what is worth knowing though it decides nothing.
    :ivar route: which example it is at.
    :ivar question: what a runtime was asked, while its answer is looked at.
    """

    controls: list[str] = field(default_factory=list)
    exercised: int = 0
    early: int = 0
    behaviours: int = 0
    notes: list[str] = field(default_factory=list)
    route: Route = field(default_factory=Route)
    question: object = None

    @contextmanager
    def control(self, sentence: str) -> Iterator[None]:
        """Prove that what must succeed does; anything but the kit that fails inside is a :class:`ControlFailed`."""
        try:
            yield
        except (ControlFailed, Untried, ConformanceError, TimeIsUp):
            raise
        except Finding as found:
            raise ControlFailed(sentence, found) from found
        except (Exception, SystemExit) as error:
            raise ControlFailed(sentence, Finding(described(error))) from error
        self.controls.append(sentence)

    def gap(self, floor: int) -> str:
        """Why a pass would mean nothing; empty if it does mean something.

        Where one example is replayed, its passing is all that is asked for.
        """
        if self.route.only is not None:
            return "" if self.route.reached else "replay: there is no such example any more. Run the whole check"
        if not self.controls:
            return "no control: it never proved that the subject succeeds when nothing is wrong"
        if self.early:
            return f"control too late: it had tried {self.early} cases before it proved that the subject succeeds"
        if self.exercised < floor:
            return f"vacuous: it tried {self.exercised} cases of the {floor} without which a pass means nothing"
        return ""


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn whatever the subject raises inside into a :class:`Finding` that begins with ``what``."""
    try:
        yield
    except Finding:
        raise
    except TimeIsUp as error:
        raise Finding(f"{what} {error}") from error
    except SystemExit as error:
        raise Finding(f"{what} tried to end the process: {described(error)}") from error
    except asyncio.CancelledError as error:
        if _being_cancelled():
            raise
        raise Finding(f"{what} raised CancelledError although nothing had cancelled it") from error
    except Exception as error:
        raise Finding(f"{what} raised {described(error)}") from error


async def within(seconds: float, what: str, work: Awaitable[T]) -> T:
    """The result of ``work``; a :class:`Finding` that begins with ``what`` if it fails or takes too long."""
    limit = asyncio.timeout(seconds)
    try:
        with asking(what):
            async with limit:
                result = await work
    except Finding as found:
        if limit.expired():
            raise Finding(f"{what} did not end within {seconds:g} s") from found
        raise
    if limit.expired():
        raise Finding(f"{what} did not end within {seconds:g} s, though it was cancelled then")
    return result


def _being_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop is running
        return False
    return task is not None and task.cancelling() > 0


def described(error: BaseException) -> str:
    """An exception as one line; survives one that cannot be printed."""
    name = type(error).__name__
    try:
        text = " ".join(str(error).split())
    except (TimeIsUp, KeyboardInterrupt):
        raise
    except BaseException:  # noqa: BLE001 - the subject's own __str__ may do anything
        return name
    return cut(f"{name}: {text}") if text else name


def cut(text: str, width: int = _WIDTH) -> str:
    """The text, with its middle left out if it is longer than a card can hold."""
    if len(text) <= width:
        return text
    half = (width - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


def shown(value: object, width: int = _WIDTH) -> str:
    """``repr`` of a value that a component made, cut; its type alone where Python, or the value, refuses to tell."""
    try:
        return cut(repr(value), width)
    except Exception:  # noqa: BLE001 - its ``__repr__`` is the component's; an integer may be too long to be written
        return f"a {type(value).__name__}"
