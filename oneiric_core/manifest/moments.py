"""Moments in a document: text in, aware datetimes out."""

import re
from datetime import UTC, datetime
from typing import Final

from oneiric_core.errors import ManifestError
from oneiric_core.manifest.text import shown

__all__ = ["read_moment", "read_rfc3339"]

_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)


def read_moment(text: str) -> datetime:
    """The moment ``text`` names, in UTC: anything :meth:`datetime.fromisoformat` reads; without a zone it means UTC.

    :raises ManifestError: any other text.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ManifestError(
            f"{shown(text)} is not a moment", fix="Write it like 2026-01-31T12:00:00Z", text=text
        ) from error


def read_rfc3339(text: str) -> datetime:
    """The moment ``text`` names, in UTC; only the form of RFC 3339, in capitals; it always has a zone.

    :raises ManifestError: any other text.
    """
    if not _RFC3339.fullmatch(text):
        raise ManifestError(
            f"{shown(text)} is not a moment of RFC 3339", fix="Write it like 2026-01-31T12:00:00Z", text=text
        )
    return read_moment(text)
