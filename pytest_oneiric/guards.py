"""Lets a guard fail the test in which something happened, and not only the teardown after it.

Registered when the first fixture with a guard is asked for; a run that uses none has nothing of it.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import pytest

__all__ = ["guarding"]

_NAME: Final = "oneiric-guards"


@dataclass(eq=False)
class Guard:
    """One fixture that looks after something.

    :param check: raises if something happened that must not.
    :param waits: whether it is too early to look when the body of the test ends.
    """

    check: Callable[[], None]
    waits: Callable[[], bool]


@dataclass(eq=False)
class Guards:
    """Those at work now, of any scope."""

    active: list[Guard] = field(default_factory=list)

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
