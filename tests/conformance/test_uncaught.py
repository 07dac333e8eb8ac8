"""What nobody catches while a check runs is told to the host, and keeps nothing alive that the check waits for."""

import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from mutants import MUTANTS, load
from oneiric_conformance import Session, Status
from oneiric_conformance.judging.uncaught import told_without_frames

load()


class Held:
    """Raises when it goes, or in a thread of its own."""

    def __del__(self) -> None:
        raise LookupError("it went")

    def fail(self) -> None:
        raise LookupError("it failed")


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """What a host keeps, whose hooks are like those of pytest."""
    kept: list[Any] = []
    before = sys.unraisablehook, threading.excepthook
    sys.unraisablehook = threading.excepthook = kept.append
    yield kept
    sys.unraisablehook, threading.excepthook = before


def test_the_host_is_told_where_it_happened_and_holds_no_frame(told: list[Any]) -> None:
    with told_without_frames():
        held = Held()
        thread = threading.Thread(target=held.fail, name="failing")
        thread.start()
        thread.join()
        del held, thread
    in_thread, at_its_end = told
    assert in_thread.thread.name == "failing"
    assert at_its_end.object.__qualname__ == "Held.__del__"
    for each, line in ((in_thread, 'raise LookupError("it failed")'), (at_its_end, 'raise LookupError("it went")')):
        assert each.exc_type is LookupError
        assert line in "".join(each.exc_value.__notes__)
        assert each.exc_traceback is each.exc_value.__traceback__ is None


def test_the_hooks_are_put_back_but_for_those_that_others_put_there(told: list[Any]) -> None:
    def other(_: object) -> None: ...

    before = sys.unraisablehook
    with told_without_frames():
        assert sys.unraisablehook is not before
        threading.excepthook = other
    assert sys.unraisablehook is before
    assert threading.excepthook is other
    assert told == []


def test_hooks_of_python_itself_are_left_alone(told: list[Any]) -> None:
    sys.unraisablehook, threading.excepthook = sys.__unraisablehook__, threading.__excepthook__
    with told_without_frames():
        assert (sys.unraisablehook, threading.excepthook) == (sys.__unraisablehook__, threading.__excepthook__)
    assert told == []


def test_a_component_that_drops_a_file_is_not_said_to_stay_alive(told: list[Any]) -> None:
    """Where the author has made errors of warnings, each of its instances is in the frames of one."""
    package = MUTANTS["conduct.DropsFiles"].package()
    with warnings.catch_warnings(), Session(package) as session:
        warnings.simplefilter("error")
        [planned] = [each for each in session.plan() if each.check == "HOT-005" and each.status is None]
        result = session.judge(planned)
    assert (result.status, result.reason) == (Status.PASS, "")
    assert "ResourceWarning" in {each.exc_type.__name__ for each in told}
