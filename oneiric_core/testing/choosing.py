"""What a test names by a word: looked up kindly, so that a slip of the pen says what was meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from oneiric_core.errors import MisuseError

__all__ = ["chosen", "did_you_mean"]

Kind = TypeVar("Kind", bound=StrEnum)


def chosen(kinds: type[Kind], given: Kind | str) -> Kind:
    """The member of ``kinds``: itself, or by its name in any case, with hyphens for underscores.

    :raises MisuseError: if there is no such member; it says which was probably meant.
    """
    if isinstance(given, kinds):
        return given
    members = {member.name: member for member in kinds}
    name = str(given).strip().replace("-", "_").replace(" ", "_").upper()
    if name in members:
        return members[name]
    raise MisuseError(
        f"{kinds.__name__} has no kind {given!r}", fix=did_you_mean(name, members), kind=given, kinds=tuple(members)
    )


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The fix for a name that is not known: the one most like it, or all there are."""
    names = list(known)
    near = get_close_matches(given, names, n=1)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(names) or 'none'}"
