"""What is remembered of a source, and how it may change. Pure: a state and a document in, a state or a refusal out.

The rules, after the TUF specification (5.4.3, 5.4.4), with one document in the place of TUF's four:

* A document counts as *seen* as soon as enough keys signed it, even if it is expired or its entries are broken: what
  comes after it must not be older. It counts as *applied* when everything in it stands.
* A sequence number lower than the one seen is a rollback.
* The same number over other bytes is equivocation; over the same bytes it is a repetition, or another try.
* Documents without a number are accepted only until one with a number was seen.
* Time does not go back: age is judged against the greatest ``signed_at`` ever accepted, if that is later than now.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from oneiric_core.errors import EquivocationError, RollbackError, TrustError
from oneiric_core.manifest.models import ManifestHeader
from oneiric_core.trust.verification import Authentic

__all__ = ["Mark", "SourceState"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One document: its number, if it has one, and the SHA-256 of what was signed."""

    sequence_number: int | None
    digest: str

    @classmethod
    def of(cls, authentic: Authentic) -> Self:
        return cls(authentic.header.sequence_number, authentic.digest)

    def is_older_than(self, other: Self) -> bool:
        """By number; no number at all is older than any."""
        return _rank(self) < _rank(other)


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is remembered of one source.

    :param seen: the newest document that verified.
    :param applied: the newest document that stands: the last known good.
    :param issued_floor: the greatest ``signed_at`` accepted.
    """

    source: str
    seen: Mark | None = None
    applied: Mark | None = None
    issued_floor: datetime | None = None

    def see(self, authentic: Authentic) -> Self:
        """The state after ``authentic`` verified.

        :raises TrustError: it is of another source.
        :raises RollbackError: it is older than what was seen.
        :raises EquivocationError: it is other than what was seen under its number.
        """
        if authentic.header.source != self.source:
            raise TrustError(
                f"this is the memory of {self.source!r}, and the manifest is from {authentic.header.source!r}",
                fix="Judge each source by its own memory",
            )
        mark = Mark.of(authentic)
        if self.seen is not None:
            _refuse_older(mark, self.seen, self.source)
        return replace(self, seen=mark)

    def moment(self, now: datetime) -> datetime:
        """The moment to judge age by: ``now``, unless we know that it is later."""
        return now if self.issued_floor is None else max(now, self.issued_floor)

    def accept(self, header: ManifestHeader) -> Self:
        """The state after a document passed every check."""
        if header.signed is None:
            return self
        return replace(self, issued_floor=self.moment(header.signed))

    def apply(self, mark: Mark) -> Self:
        """The state after everything in a document stands; a newer one that stands already stays."""
        if self.applied is not None and mark.is_older_than(self.applied):
            return self
        return replace(self, applied=mark)


def _rank(mark: Mark) -> int:
    return -1 if mark.sequence_number is None else mark.sequence_number


def _refuse_older(mark: Mark, seen: Mark, source: str) -> None:
    evidence = {"source": source, "number": mark.sequence_number, "seen": seen.sequence_number}
    if mark.is_older_than(seen):
        number = "no sequence number" if mark.sequence_number is None else f"sequence number {mark.sequence_number}"
        raise RollbackError(
            f"the manifest of {source!r} has {number}, and {seen.sequence_number} was seen before",
            fix="Publish with a higher number; if it comes from a mirror, the mirror is behind",
            **evidence,
        )
    if mark.sequence_number is not None and mark.sequence_number == seen.sequence_number and mark.digest != seen.digest:
        raise EquivocationError(
            f"the manifest of {source!r} has sequence number {mark.sequence_number}, which was seen with other bytes",
            fix="Publish each change with a number of its own, and find out who signed the other",
            digest=mark.digest,
            seen_digest=seen.digest,
            **evidence,
        )
