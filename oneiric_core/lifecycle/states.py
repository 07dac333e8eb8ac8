"""What can be said about a slot, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from oneiric_core.components import Candidate

__all__ = ["Handle", "SlotStatus", "State", "Timeouts"]


class State(StrEnum):
    """Where a slot stands."""

    EMPTY = "empty"
    """Nothing was ever published."""

    ACTIVATING = "activating"
    """Nothing is published; an instance is being made."""

    ACTIVE = "active"
    """An instance is published."""

    SWAPPING = "swapping"
    """An instance is published; its successor is being made."""

    FAILED = "failed"
    """Nothing is published; the last attempt failed."""

    RETIRED = "retired"
    """Nothing is published any more."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a component may take, in seconds.

    :param activation: factory, ``init`` and ``start`` together.
    :param health: each health probe.
    :param cleanup: each of ``stop`` and clean-up; also how long a call that was cancelled may take to end.
    :param drain: how long calls in flight may hold back the clean-up of an instance that was replaced.
    """

    activation: float = 30.0
    health: float = 5.0
    cleanup: float = 10.0
    drain: float = 30.0


@dataclass(frozen=True, slots=True)
class Handle:
    """A snapshot: what was published when it was asked for. Only a lease protects the instance from retirement.

    :param generation: counts the publications under the name, from 1.
    """

    candidate: Candidate
    generation: int
    instance: object

    @property
    def provider(self) -> str:
        return self.candidate.provider


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """One slot as it stands.

    :param provider: of the published instance; empty if there is none.
    :param generation: of the last publication; 0 if there was none.
    :param error: why the last attempt failed; empty after a success.
    :param warning: what went wrong after the last publication or retirement (clean-up, drain deadline, observers).
    :param leases: calls in flight on the published instance.
    :param draining: replaced instances that are not yet cleaned up.
    :param seconds: what the stages of the last attempt took, by stage.
    """

    domain: str
    key: str
    provider: str = ""
    generation: int = 0
    state: State = State.EMPTY
    error: str = ""
    warning: str = ""
    leases: int = 0
    draining: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
