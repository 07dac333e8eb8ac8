"""A resolution told in full: the winner, every loser with its reason, and all metadata."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oneiric_core.components import Candidate
from oneiric_core.resolver.ranking import Rank

__all__ = ["Explanation", "Ranked"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate's place.

    :param reason: why it won, or the first rule by which it lost.
    """

    candidate: Candidate
    rank: Rank
    won: bool
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        candidate = self.candidate
        return {
            "provider": candidate.provider,
            "won": self.won,
            "reason": self.reason,
            "stack_level": self.rank.stack_level,
            "priority": self.rank.priority,
            "sequence": self.rank.sequence,
            "source": str(candidate.source),
            "origin": candidate.origin,
            "factory": _plain(candidate.factory),
            "capabilities": sorted(candidate.capabilities),
            "metadata": _plain(candidate.metadata),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole decision for one domain and key.

    :param selection: the provider selected explicitly, or None.
    :param capabilities: what was asked for.
    :param ranked: every candidate, best first.
    """

    domain: str
    key: str
    selection: str | None
    capabilities: tuple[str, ...]
    ranked: tuple[Ranked, ...]

    @property
    def winner(self) -> Candidate | None:
        return next((entry.candidate for entry in self.ranked if entry.won), None)

    @property
    def losers(self) -> tuple[Ranked, ...]:
        return tuple(entry for entry in self.ranked if not entry.won)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data: ``domain``, ``key``, ``selection``, ``capabilities``, ``winner``, ``candidates``."""
        winner = self.winner
        return {
            "domain": str(self.domain),
            "key": self.key,
            "selection": self.selection,
            "capabilities": list(self.capabilities),
            "winner": None if winner is None else winner.provider,
            "candidates": [entry.as_dict() for entry in self.ranked],
        }


def _plain(value: object) -> Any:
    """``value`` as JSON data; what JSON cannot say is named or shown as Python shows it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else repr(value)  # NaN and the infinities have no JSON form
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    name = getattr(value, "__qualname__", None)
    return f"{getattr(value, '__module__', '')}:{name}" if isinstance(name, str) else repr(value)
