"""Exercises that prove nothing, and components that do not stand theirs."""

from typing import Self

from mutants import mutant, reference


@mutant("OWN-001", expects="succeeds as well on a hollow twin")
class AsksForNothing(reference.Meter):
    """Its exercise calls a method and looks at nothing."""

    exercise = "mutants.own:adds_and_looks_away"


async def adds_and_looks_away(meter: reference.Meter) -> None:
    await meter.add(2)


class _Deaf(reference.Meter):
    """Is set up, is well, and takes amounts."""

    connected = True

    class NotConnectedError(Exception):
        """What would be raised by one that does something."""

    async def add(self, amount: int) -> None:  # type: ignore[override]
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


@mutant("OWN-001", expects="succeeds as well on a hollow twin")
class AsksWhetherItIsWell(_Deaf):
    """Does nothing; its exercise asks for its health."""

    exercise = "mutants.own:is_well"


async def is_well(meter: _Deaf) -> None:
    async with meter as opened:
        await opened.add(2)
        assert await opened.health() is True


@mutant("OWN-001", expects="succeeds as well on a hollow twin")
class AsksWhetherItIsConnected(_Deaf):
    """Does nothing; its exercise looks at an attribute."""

    exercise = "mutants.own:is_connected"


async def is_connected(meter: _Deaf) -> None:
    try:
        await meter.add(2)
    except meter.NotConnectedError as error:
        raise AssertionError from error
    assert meter.connected


@mutant("OWN-001", expects="control: the exercise succeeds on the component: exercise raised AssertionError")
class ForgetsWhatWasAdded(reference.Meter):
    """Answers with the amount instead of the total."""

    async def add(self, amount: int) -> int:
        return amount - amount


@mutant("OWN-001", expects="importing mutants.own:nobody_wrote_this raised")
class NamesNoExercise(reference.Meter):
    """Its exercise leads nowhere."""

    exercise = "mutants.own:nobody_wrote_this"


@mutant("OWN-001", expects="cannot be called")
class NamesAWord(reference.Meter):
    """Its exercise is a text."""

    exercise = "mutants.own:WORD"


WORD = "not a function"


@mutant("OWN-001", expects="it answers to any method")
class AnswersToEverything(reference.Meter):
    """Has every method there could be."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_: None
