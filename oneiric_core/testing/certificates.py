"""Conformance certificates for tests: of a run that never was, signed by a key that everyone has."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from oneiric_core.levels import CERTIFICATE_LEVELS
from oneiric_core.testing.keys import PUBLISHER, KeyPair
from oneiric_core.trust.certificate import conformance_statement
from oneiric_core.trust.signing import sign_certificate

__all__ = ["certificate_statement", "signed_certificate"]

_ISSUED: Final = datetime(2026, 1, 1, tzinfo=UTC)
_VALID: Final = timedelta(days=365)


def certificate_statement(
    sha256: str,
    *,
    level: str = CERTIFICATE_LEVELS[0],
    issued_at: datetime = _ISSUED,
    expires_at: datetime | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """What a certificate for the bytes with this digest says, as JSON values.

    :param level: the most demanding one that was reached.
    :param issued_at: aware; by default the moment at which a :class:`~oneiric_core.FrozenClock` starts.
    :param expires_at: aware; a year later by default.
    :param changes: fields of the extension that are to be different.
    """
    reached = CERTIFICATE_LEVELS[: CERTIFICATE_LEVELS.index(level) + 1]
    said = {
        "package": {"name": "acme", "version": "1.0"},
        "requirements": {"id": "2026.1", "sha256": "0" * 64},
        "profile": "gate",
        "levels": [*reached],
        "waivers": [],
        "issuedAt": issued_at.isoformat(),
        "expiresAt": (expires_at or issued_at + _VALID).isoformat(),
    }
    predicate = {
        "result": "PASSED",
        "configuration": [{"name": "requirements/2026.1.toml", "digest": {"sha256": "0" * 64}}],
        "passedTests": ["adapter/cache/acme::LIFE-001"],
        "warnedTests": [],
        "failedTests": [],
    }
    return conformance_statement({"acme-1.0-py3-none-any.whl": sha256}, predicate, {**said, **changes})


def signed_certificate(statement: Mapping[str, Any] | str, *, signed_by: KeyPair = PUBLISHER, **changes: Any) -> bytes:
    """The certificate as a server would give it.

    :param statement: what it says, or the digest that :func:`certificate_statement` is called with, and ``changes``.
    """
    said = certificate_statement(statement, **changes) if isinstance(statement, str) else statement
    envelope = sign_certificate(said, signed_by.private, unsafe_allow_published_keys=True)
    return json.dumps(envelope).encode("utf-8")
