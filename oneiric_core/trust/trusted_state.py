"""What is remembered of a source, and how it may change. Pure: a state and a document in, a state or a refusal out.

The rules, after the TUF specification (5.4.3, 5.4.4), with one document in the place of TUF's four:

* A document counts as *seen* as soon as enough keys signed it, even if it is expired or its entries are broken: what
  comes after it must not be older. It counts as *applied* when everything in it stands.
* A sequence number lower than the one seen is a rollback.
* The same number over other bytes is equivocation; over the same bytes it is a repetition, or another try.
* Documents without a number are accepted only until one with a number was seen.
* Time does not go back: age is judged against the greatest ``signed_at`` ever accepted, if that is later than now.
  That one was never ahead of the clock by more than its skew: what has yet to come is judged by the clock alone, or
  each manifest could carry the next one a little further into the future.
* Keys do not come back: once a root is known, an older one names no keys. When a key of the manifests is taken away,
  or more must sign, what was seen is forgotten (5.3.11): whoever burnt the numbers with a stolen key locks nobody out.
* A place of which nobody said for what source it speaks cannot begin to speak for one that others signed until now: a
  manifest says itself what source it is of, and whoever is trusted for his own could call it by the name of another.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from oneiric_core.errors import EquivocationError, RollbackError, TrustError
from oneiric_core.manifest.models import ManifestHeader
from oneiric_core.trust.policy import CLOCK_SKEW, refuse_future
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
    :param issued_floor: the greatest ``signed_at`` accepted, and at most the clock of then plus its skew.
    :param root_version: of the newest root that took over; 0 where none ever did.
    :param root: its envelope, as text.
    :param signers: fingerprints of the trusted keys that signed what was seen; empty where that is not known.
    """

    source: str
    seen: Mark | None = None
    applied: Mark | None = None
    issued_floor: datetime | None = None
    root_version: int = 0
    root: str | None = None
    signers: tuple[str, ...] = ()

    def see(self, authentic: Authentic, *, root_version: int | None = None) -> Self:
        """The state after ``authentic`` verified.

        :param root_version: of the root whose keys verified it; None where the caller named the keys.
        :raises TrustError: it is of another source, or its keys are those of a root that was replaced.
        :raises RollbackError: it is older than what was seen.
        :raises EquivocationError: it is other than what was seen under its number.
        """
        self._refuse_strange(authentic, root_version)
        mark, signers = Mark.of(authentic), {*authentic.signers}
        if self.seen is not None:
            _refuse_older(mark, self.seen, self.source)
        if self.seen == mark:  # two places may trust different ones of those who signed it
            signers.update(self.signers)
        return replace(self, seen=mark, signers=tuple(sorted(signers)))

    def refuse_newcomer(self, location: str, signers: Collection[str]) -> None:
        """May ``location``, of which nobody said for what source it speaks, begin to speak for this one?

        That it offers what was seen says nothing for it: whoever can read a manifest can sign it as well.

        :param signers: fingerprints of the keys trusted there that signed what it offers.
        :raises TrustError: none of them signed what was seen last.
        """
        if self.signers and not {*self.signers} & {*signers}:
            raise TrustError(
                f"{location} offers a manifest of {self.source!r}, and others signed what was seen of that source",
                fix="Name the source in the policy if this place may speak for it; else find out who uses its name",
                source=self.source,
                signers=sorted(signers),
                known=list(self.signers),
            )

    def recall(self, authentic: Authentic, *, root_version: int | None = None) -> None:
        """May ``authentic``, which stood once, stand again? A newer one that was only seen is no obstacle.

        :raises TrustError: as for :meth:`see`.
        :raises RollbackError, EquivocationError: it is older or other than what was applied last.
        """
        self._refuse_strange(authentic, root_version)
        if self.applied is not None:
            _refuse_older(Mark.of(authentic), self.applied, self.source)

    def moment(self, now: datetime) -> datetime:
        """The moment to judge age by: ``now``, unless we know that it is later."""
        return now if self.issued_floor is None else max(now, self.issued_floor)

    def refuse_future(self, header: ManifestHeader, now: datetime) -> None:
        """Refuse what was signed when it has yet to come; a moment that was accepted before has come.

        :param now: by the clock, and not :meth:`moment`.
        :raises ExpiredError: it was.
        """
        refuse_future(header, now, latest=self.moment(now + CLOCK_SKEW))

    def accept(self, header: ManifestHeader, now: datetime) -> Self:
        """The state after a document passed every check at ``now``, by the clock."""
        if header.signed is None:
            return self
        return replace(self, issued_floor=self.moment(min(header.signed, now + CLOCK_SKEW)))

    def apply(self, mark: Mark, *, root_version: int | None = None) -> Self:
        """The state after everything in a document stands; a newer one that stands already stays.

        :param root_version: as for :meth:`see`; where a newer root took over meanwhile, it is as if it never stood.
        """
        if root_version is not None and root_version < self.root_version:
            return self
        if self.applied is not None and mark.is_older_than(self.applied):
            return self
        return replace(self, applied=mark)

    def _refuse_strange(self, authentic: Authentic, root_version: int | None) -> None:
        if authentic.header.source != self.source:
            raise TrustError(
                f"this is the memory of {self.source!r}, and the manifest is from {authentic.header.source!r}",
                fix="Judge each source by its own memory",
            )
        if root_version is not None and root_version < self.root_version:
            raise RollbackError(
                f"the keys are those of root {root_version} of {self.source!r}, and root {self.root_version} is known",
                fix="Refresh the root and judge the manifest again",
                source=self.source,
                number=root_version,
                seen=self.root_version,
            )

    def rotate(self, version: int, root: str, *, forget: bool) -> Self:
        """The state after a root took over, which the caller has verified.

        :param root: its envelope, as text.
        :param forget: of those who could sign manifests until now, some alone no longer can.
        """
        state = replace(self, root_version=version, root=root)
        return replace(state, seen=None, applied=None) if forget else state


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
