"""What a signature makes true of a manifest: its number, when it was signed, when it expires.

- The number only ever grows: a signed manifest is signed anew under the next number, because two documents under one
  number are an equivocation to whoever has seen the first.
- The last published manifest, where it is given, has to be of the same source and signed by a key its publisher
  trusts; the number follows on it.
- What would be expired when it is signed is not signed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from oneiric_core.errors import ExpiredError, ManifestError, RollbackError, TrustError
from oneiric_core.manifest import SIGNATURE_FIELDS, ManifestHeader
from oneiric_core.manifest.text import MAX_SAFE_INTEGER
from oneiric_core.trust import PublicKey, TrustPolicy, authenticate

__all__ = ["Previous", "next_sequence_number", "refuse_regress", "stamped"]


@dataclass(frozen=True, slots=True)
class Previous:
    """The manifest that was published last: whose it is, and its number (0 if it has none)."""

    source: str
    sequence_number: int

    @classmethod
    def read(cls, data: bytes, media_type: str, keys: Iterable[PublicKey]) -> "Previous":
        """What it says, if one of ``keys`` signed it. That it has expired since does not matter.

        :raises ManifestError: it cannot be read.
        :raises SignatureError: none of the keys signed it.
        """
        header = authenticate(data, media_type, TrustPolicy(keys)).header
        return cls(header.source, header.sequence_number or 0)


def next_sequence_number(
    document: Mapping[str, Any], wanted: int | None = None, previous: Previous | None = None, *, was_signed: bool
) -> int:
    """The number ``document`` is to be signed under.

    The one that is wanted; else the one it has, if no signature covers it yet; else the next one.

    :param was_signed: does a signature cover the number it has?
    :raises RollbackError: that would not be greater than a number which was used.
    :raises TrustError: the previous manifest is of another source.
    :raises ManifestError: there is no greater number, or it is below zero.
    """
    header = ManifestHeader.from_document(_header(document))
    if previous is not None:
        _refuse_other_source(header, previous)
    used = previous.sequence_number if previous else 0
    if was_signed:
        used = max(used, header.sequence_number or 0)
    number = header.sequence_number if wanted is None and not was_signed else wanted
    if number is None:
        number = used + 1
    if number > MAX_SAFE_INTEGER or number < 0:
        raise ManifestError(f"{number} is no sequence number", fix=f"Choose one from 1 to {MAX_SAFE_INTEGER}")
    _refuse_used(number, used)
    return number


def refuse_regress(header: ManifestHeader, previous: Previous) -> None:
    """May what ``header`` is of be published in the place of ``previous``?

    :raises TrustError: it is of another source.
    :raises RollbackError: its number is not greater.
    """
    _refuse_other_source(header, previous)
    _refuse_used(header.sequence_number or 0, previous.sequence_number)


def _refuse_other_source(header: ManifestHeader, previous: Previous) -> None:
    if previous.source != header.source:
        raise TrustError(
            f"the previous manifest is of {previous.source!r}, and this one of {header.source!r}",
            fix="Give the one that this is the successor of",
        )


def _refuse_used(number: int, used: int) -> None:
    if number <= used:
        raise RollbackError(
            f"the sequence number {number} does not grow: {used} is used already",
            fix=f"Sign it anew without --sequence-number, or with {used + 1} or more",
            sequence_number=number,
            used=used,
        )


def stamped(document: Mapping[str, Any], number: int, now: datetime, expires_in: timedelta | None) -> dict[str, Any]:
    """``document`` with its number and moments and without signatures; the order of its fields is kept.

    :param expires_in: None keeps the expiry it has.
    :raises ExpiredError: it would have expired already.
    """
    moments: dict[str, Any] = {"sequence_number": number, "signed_at": written(now)}
    if expires_in is not None:
        moments["expires_at"] = written(now + expires_in)
    unsigned = {name: value for name, value in document.items() if name not in SIGNATURE_FIELDS}
    # For people: what it says about itself stands above what it offers.
    offers = {name: unsigned.pop(name) for name in ("entries",) if name in unsigned}
    fresh = {**unsigned, **moments, **offers}
    expires = ManifestHeader.from_document(_header(fresh)).expires
    if expires is not None and expires <= now:
        raise ExpiredError(
            f"the manifest would expire at {expires}, before it is signed", fix="Say --expires-in", expires_at=expires
        )
    return fresh


def written(moment: datetime) -> str:
    """RFC 3339, to the second, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _header(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name in ManifestHeader.model_fields}
