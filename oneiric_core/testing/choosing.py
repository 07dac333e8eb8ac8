"""What a test names by a word: looked up kindly, so that a slip of the pen says what was meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from reprlib import Repr
from typing import Final, TypeVar

from oneiric_core.errors import MisuseError

__all__ = ["chosen", "did_you_mean", "is_number", "refuse_unless"]

_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = 80

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


def refuse_unless(fits: bool, name: str, given: object, *, fix: str) -> None:
    """Raise for an argument that is not of the kind that ``name`` takes.

    :param fix: what to write in its place, as one sentence.
    :raises MisuseError: unless it fits.
    """
    if not fits:
        raise MisuseError(f"{name} cannot be {_SHORT.repr(given)}", fix=fix, given=given)


def is_number(given: object) -> bool:
    """Whether it is a number, which True and False are not."""
    return isinstance(given, int | float) and not isinstance(given, bool)


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """The fix for a name that is not known: the one most like it, or all there are."""
    names = list(known)
    near = get_close_matches(str(given), names, n=1)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(names) or 'none'}"
