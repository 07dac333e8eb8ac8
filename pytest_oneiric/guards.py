"""Lets a guard fail the test in which something happened, and not only the teardown after it.

Registered when the first fixture with a guard is asked for; a run that uses none has nothing of it.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

__all__ = ["guarding"]

_NAME: Final = "oneiric-guards"


class Guard:
    """One fixture that looks after something. No data class: those take longer to make than all else that is here.

    :param check: raises if something happened that must not.
    :param waits: whether it is too early to look when the body of the test ends.
    """

    def __init__(self, check: Callable[[], None], waits: Callable[[], bool]) -> None:
        self.check: Final = check
        self.waits: Final = waits


class Guards:
    """Those at work now, of any scope."""

    def __init__(self) -> None:
        self.active: Final[list[Guard]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        __tracebackhide__ = True
        judging = [guard for guard in self.active if not guard.waits()]
        try:
            result = yield
        except Exception as error:
            for violation in _violations(judging):
                error.add_note(f"besides: {violation}")
            raise
        for violation in _violations(judging):
            if not isinstance(violation, AssertionError):
                raise violation  # not what it looks for, but a defect of the guard itself
            # where it is raised says nothing; its message has the stack
            raise pytest.fail.Exception(f"{type(violation).__name__}: {violation}", pytrace=False) from None
        return result


def _violations(guards: list[Guard]) -> list[Exception]:
    found: list[Exception] = []
    for guard in guards:
        try:
            guard.check()
        except Exception as violation:  # noqa: BLE001 - raised, or told beside the error of the test
            found.append(violation)
    return found


@contextmanager
def guarding(
    config: pytest.Config, check: Callable[[], None], waits: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """While the block lasts, each test whose body has ended is failed if ``check`` raises."""
    manager = config.pluginmanager
    guards = manager.get_plugin(_NAME)
    if not isinstance(guards, Guards):
        guards = Guards()
        manager.register(guards, _NAME)
    guard = Guard(check, waits)
    guards.active.append(guard)
    try:
        yield
    finally:
        guards.active.remove(guard)
