"""The order in which candidates of one domain and key are preferred. It is stated here and nowhere else.

1. an explicit selection: only the selected provider's candidates remain;
2. the capability filter: only candidates that claim what was asked for remain;
3. the higher ``stack_level`` (None is 0);
4. the higher ``priority`` (None is 0);
5. the latest registration.
"""

from collections.abc import Collection
from typing import NamedTuple

from oneiric_core.components import Candidate

__all__ = ["Rank", "has_capabilities", "rank_of", "why_lower"]


class Rank(NamedTuple):
    """Rules 3 to 5 as a tuple that compares; the greatest wins.

    :param sequence: the number of the registration, from 1.
    """

    stack_level: int
    priority: int
    sequence: int


def rank_of(candidate: Candidate, sequence: int) -> Rank:
    return Rank(candidate.stack_level or 0, candidate.priority or 0, sequence)


def has_capabilities(candidate: Candidate, wanted: Collection[str], *, require_all: bool = True) -> bool:
    """Whether the candidate claims all of ``wanted`` (or any of it); wanting nothing always holds."""
    if not wanted:
        return True
    claimed = candidate.capabilities
    return claimed.issuperset(wanted) if require_all else not claimed.isdisjoint(wanted)


def why_lower(loser: Rank, winner: Rank) -> str:
    """The first rule by which ``loser`` stands behind ``winner``, in words."""
    if loser.stack_level != winner.stack_level:
        return f"stack_level {loser.stack_level} is lower than {winner.stack_level}"
    if loser.priority != winner.priority:
        return f"priority {loser.priority} is lower than {winner.priority} (same stack_level)"
    return "registered earlier (same stack_level and priority)"
