"""Scripts that are wrong in exactly one way, each on the wire and not in a mock of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from oneiric_core.errors import MisuseError
from oneiric_core.testing.choosing import chosen, is_number, refuse_unless
from oneiric_core.testing.wire.faults import AMOUNTS, HALVED, WireFault
from oneiric_core.testing.wire.playing import PLAYS, Material
from oneiric_core.testing.wire.replies import refuse_no_bytes
from oneiric_core.testing.wire.script import Script, Step, WireRequest

__all__ = ["Broken"]


@dataclass(frozen=True, slots=True, repr=False)
class Broken(Script):
    """The answer that :class:`Reply` with this body would give, but for the one thing ``kind`` says.

    :param kind: which; a name given as a string is looked up.
    :param body: what a good server would send.
    :param at: after how many bytes of the body it goes wrong, for faults that tell of a half.
    :param amount: how much, for the faults in :data:`AMOUNTS`.
    :param pause: seconds before each piece of :attr:`WireFault.DRIP`.
    :raises MisuseError: an unknown kind, or a parameter that the kind does not have.
    """

    kind: WireFault
    body: bytes = b"an artifact that never was\n"
    at: int | None = None
    amount: int | None = None
    pause: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", chosen(WireFault, self.kind))
        refuse_no_bytes(self.body)
        for name, given in (("at", self.at), ("amount", self.amount)):
            refuse_unless(given is None or isinstance(given, int), name, given, fix="Pass a number of bytes, or None")
        refuse_unless(is_number(self.pause) and self.pause >= 0, "pause", self.pause, fix="Pass seconds, from 0")
        if self.at is not None and self.kind not in HALVED:
            raise self._misused("at", f"Use it with {', '.join(sorted(kind.name for kind in HALVED))}")
        if self.amount is not None and self.kind not in AMOUNTS:
            raise self._misused("an amount", f"Use it with {', '.join(sorted(kind.name for kind in AMOUNTS))}")
        if self.kind in HALVED and not self._first <= self._strikes < len(self.body):
            last = len(self.body) - 1
            fix = f"Give a position in the body, {self._first} to {last}" if self.body else "Give it a body"
            raise self._misused(f"at={self._strikes} in {len(self.body)} bytes", fix)
        if self.amount is not None and self.amount < 1:
            raise self._misused(f"amount={self.amount}", "Give at least 1")

    @property
    def _first(self) -> int:
        """Where it can strike first: a part of nothing cannot be told."""
        return 1 if self.kind in {WireFault.UNASKED_PART, WireFault.OTHER_PART} else 0

    @property
    def _strikes(self) -> int:
        return max(self._first, len(self.body) // 2) if self.at is None else self.at

    def _misused(self, what: str, fix: str) -> MisuseError:
        return MisuseError(f"{self.kind.name} cannot have {what}", fix=fix, kind=self.kind.name)

    def steps(self, request: WireRequest) -> Iterator[Step]:
        much = AMOUNTS.get(self.kind, 0) if self.amount is None else self.amount
        return PLAYS[self.kind](Material(self.body, self._strikes, much, self.pause, request))

    def __str__(self) -> str:
        return f"{self.kind.name}: {self.kind}"
