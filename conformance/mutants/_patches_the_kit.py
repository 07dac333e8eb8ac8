"""A module that makes the kit agree to everything as soon as it is imported. Only a child process may do that."""

from oneiric_conformance.handling.bench import Bench


def _agree(self: Bench, *args: object, **words: object) -> None:
    """What every finding comes to."""


setattr(Bench, "expect", _agree)  # noqa: B010 - a plain assignment would be a type error, rightly


class Component:
    async def health(self) -> bool:
        return True
