"""Conformance certificates: a signer's word that a conformance run over exactly these bytes went well.

An in-toto Statement v1 with the predicate test-result v0.1, in a DSSE envelope. What the predicate has no field for
(levels, waived rules, moments) stands in it under :data:`EXTENSION`. Other tools read and verify it as well.

Order of belief: bounds → strict envelope → signature over the payload's bytes → strict parse of the same bytes → types
→ schema → levels → moments → the artifact's digest.

It proves that whoever holds the key says so, and that the bytes are these. It does not prove that they are honest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

from oneiric_core.errors import CertificateError, ExpiredError, ManifestError, SignatureError, UntrustedKeyError
from oneiric_core.levels import CERTIFICATE_LEVELS
from oneiric_core.manifest.documents import JSON, parse_document
from oneiric_core.manifest.limits import Limits
from oneiric_core.manifest.moments import read_rfc3339
from oneiric_core.manifest.text import cut, shown
from oneiric_core.trust.envelope import Envelope, read_envelope
from oneiric_core.trust.keys import PublicKey
from oneiric_core.trust.policy import CLOCK_SKEW, refuse_published
from oneiric_core.trust.signatures import signers_of

__all__ = [
    "CERTIFICATE_PAYLOAD",
    "EXTENSION",
    "Certificate",
    "CertificatePolicy",
    "WaivedRule",
    "conformance_statement",
    "open_certificate",
]

CERTIFICATE_PAYLOAD: Final = "application/vnd.in-toto+json"
"""The payload type of in-toto's attestations."""

STATEMENT: Final = "https://in-toto.io/Statement/v1"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
EXTENSION: Final = "urn:oneiric:conformance-certificate"
SCHEMA: Final = 1
"""Of what stands under the extension; a greater number may mean what we do not know."""

RESULTS: Final = ("PASSED", "WARNED")
"""Of the results that the predicate knows, those of a run that went well; the other is ``FAILED``."""

_LIMITS: Final = Limits(max_bytes=4 * 1024 * 1024)
_ANEW: Final = "Ask its publisher for a new one"


@dataclass(frozen=True, slots=True)
class WaivedRule:
    """A rule that was broken, and accepted by whoever ran the kit."""

    check: str
    component: str
    reason: str
    until: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says.

    :param subjects: SHA-256 by file name.
    :param levels: those reached, from the least demanding.
    :param requirements: the id of the requirement set.
    :param result: ``PASSED`` or ``WARNED``.
    :param statement: the whole statement, as parsed.
    :param signers: fingerprints of the trusted keys that signed, sorted; empty if nobody asked who did.
    """

    package: str
    version: str
    subjects: Mapping[str, str]
    levels: tuple[str, ...]
    requirements: str
    profile: str
    result: str
    waivers: tuple[WaivedRule, ...]
    issued_at: datetime
    expires_at: datetime
    statement: Mapping[str, Any]
    signers: tuple[str, ...] = ()

    @classmethod
    def from_statement(cls, statement: Mapping[str, Any]) -> "Certificate":
        """What the statement says, whoever made it.

        :raises CertificateError: it is none of a conformance run, or one that says more than we understand.
        """
        _insist(statement.get("_type") == STATEMENT, f"its type is {shown(statement.get('_type'))}, not {STATEMENT!r}")
        kind = statement.get("predicateType")
        _insist(kind == TEST_RESULT, f"its predicate is {shown(kind)}, not {TEST_RESULT!r}")
        predicate = _mapping(statement, "predicate")
        said = _mapping(predicate, EXTENSION)
        _check_schema(said.get("schema"))
        package, requirements = _mapping(said, "package"), _mapping(said, "requirements")
        return cls(
            package=_text(package, "name"),
            version=_text(package, "version"),
            subjects=_subjects(statement),
            levels=_levels(said),
            requirements=_text(requirements, "id"),
            profile=_text(said, "profile"),
            result=_result(predicate),
            waivers=_waivers(said),
            issued_at=_moment(said, "issuedAt"),
            expires_at=_moment(said, "expiresAt"),
            statement=statement,
        )

    @property
    def extension(self) -> dict[str, Any]:
        """What the predicate has no field for, as it stands there."""
        return dict(self.statement["predicate"][EXTENSION])

    def check_moment(self, now: datetime) -> None:
        """Is it valid at ``now``?

        :raises ExpiredError: it is not any more, or not yet.
        """
        moments = {"issued_at": self.issued_at, "expires_at": self.expires_at, "now": now}
        if now >= self.expires_at:
            raise ExpiredError(f"the certificate expired at {self.expires_at}", fix=_ANEW, **moments)
        if self.issued_at > now + CLOCK_SKEW:
            raise ExpiredError(
                f"the certificate says it was issued at {self.issued_at}, which has yet to come",
                fix="Check the clocks of its issuer and of this machine",
                **moments,
            )

    def check_subject(self, sha256: str) -> None:
        """Is it about the bytes with this digest?

        :raises CertificateError: it is about others.
        """
        if sha256.lower() not in self.subjects.values():
            known = ", ".join(f"{name} ({digest})" for name, digest in self.subjects.items())
            raise CertificateError(
                f"the certificate is about other bytes: {cut(known, 300)}, not {cut(sha256.lower(), 64)}",
                fix="Use the file that was certified, or have this one certified",
                sha256=sha256,
                subjects=dict(self.subjects),
            )


@dataclass(frozen=True)
class CertificatePolicy:
    """Insists on a certificate for every artifact.

    :param keys: of the issuers; one of them has to have signed.
    :param level: the least demanding one that is accepted.
    :param unsafe_allow_published_keys: accept keys whose private half everyone has; for tests only.
    :raises UntrustedKeyError: no key, or one that is published.
    :raises CertificateError: there is no such level.
    """

    keys: Iterable[PublicKey]
    level: str = CERTIFICATE_LEVELS[0]
    unsafe_allow_published_keys: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", frozenset(self.keys))
        if not self.keys:
            raise UntrustedKeyError("certificates by nobody are accepted here", fix="Pass the issuers' public keys")
        if not self.unsafe_allow_published_keys:
            refuse_published(self.keys)
        if self.level not in CERTIFICATE_LEVELS:
            near = get_close_matches(self.level, CERTIFICATE_LEVELS, n=1)
            fix = f"Did you mean {near[0]}?" if near else f"Ask for {' or '.join(CERTIFICATE_LEVELS)}"
            raise CertificateError(f"there is no level {shown(self.level)}", fix=fix, level=self.level)

    def check(self, data: bytes, sha256: str, now: datetime) -> Certificate:
        """The certificate in ``data``, if it vouches for the bytes with this digest at this moment.

        :param data: the envelope's bytes.
        :param sha256: of the artifact, 64 hexadecimal digits.
        :param now: an aware datetime.
        :raises CertificateError: it cannot be read, is about other bytes, or its level is too low.
        :raises SignatureError: none of the issuers signed it.
        :raises ExpiredError: it is not valid now.
        """
        certificate = self.check_issuer(data)
        certificate.check_moment(now)
        certificate.check_subject(sha256)
        return certificate

    def check_issuer(self, data: bytes) -> Certificate:
        """The certificate in ``data``, if one of the issuers made it and its level will do; it may be about anything.

        :raises CertificateError: it cannot be read, or its level is too low.
        :raises SignatureError: none of the issuers signed it.
        """
        envelope = _envelope(data)
        signers = signers_of(envelope.message, envelope.signatures, frozenset(self.keys))
        if not signers.keys:
            reasons = "; ".join(signers.rejected) or "it has no signature"
            raise SignatureError(
                f"the certificate was made by none of the issuers trusted here ({reasons})",
                fix="Ask one of them for a certificate, or trust the key that signed this one",
            )
        certificate = Certificate.from_statement(_statement(envelope))
        if self.level not in certificate.levels:
            raise CertificateError(
                f"the certificate's level is {certificate.levels[-1]}, and {self.level} is asked for",
                fix="Ask for a package that reached it, or for less",
                levels=certificate.levels,
                level=self.level,
            )
        return replace(certificate, signers=tuple(sorted(key.fingerprint for key in signers.keys)))


def conformance_statement(
    subjects: Mapping[str, str], predicate: Mapping[str, Any], said: Mapping[str, Any]
) -> dict[str, Any]:
    """The statement of a certificate, as JSON values, to be signed with :func:`~oneiric_core.sign_certificate`.

    :param subjects: SHA-256 by file name.
    :param predicate: the fields of test-result v0.1.
    :param said: what that predicate has no field for.
    """
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects.items()],
        "predicateType": TEST_RESULT,
        "predicate": {**predicate, EXTENSION: {"schema": SCHEMA, **said}},
    }


def open_certificate(data: bytes) -> Certificate:
    """What a certificate says, whoever signed it: to be shown, not to be believed.

    :raises CertificateError: it cannot be read.
    """
    return Certificate.from_statement(_statement(_envelope(data)))


def _envelope(data: bytes) -> Envelope:
    try:
        return read_envelope(data, CERTIFICATE_PAYLOAD, _LIMITS)
    except ManifestError as error:
        raise CertificateError(f"the certificate cannot be read: {error.what}", fix=_ANEW, **error.evidence) from error


def _statement(envelope: Envelope) -> Mapping[str, Any]:
    try:
        return parse_document(envelope.payload, JSON, _LIMITS)
    except ManifestError as error:
        raise CertificateError(
            f"the certificate's statement cannot be read: {error.what}", fix=_ANEW, **error.evidence
        ) from error


def _insist(holds: bool, what: str) -> None:
    if not holds:
        raise CertificateError(f"this is no conformance certificate: {what}", fix="Give one that the kit issued")


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    _insist(isinstance(found, dict), f"its {name!r} is {shown(found)}, not a mapping")
    return dict(found or {})


def _text(document: Mapping[str, Any], name: str) -> str:
    found = document.get(name)
    _insist(isinstance(found, str), f"its {name!r} is {shown(found)}, not a text")
    return str(found)


def _check_schema(found: object) -> None:
    _insist(type(found) is int and found >= 1, f"its schema is {shown(found)}, not a number from 1 on")
    if found != SCHEMA:
        raise CertificateError(
            f"the certificate is of schema {found}, and this version reads schema {SCHEMA}",
            fix="Update oneiric-core",
            schema=found,
        )


def _subjects(statement: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    listed = statement.get("subject")
    _insist(isinstance(listed, list) and bool(listed), f"its subject is {shown(listed)}, not a list of files")
    for item in listed or ():
        _insist(isinstance(item, dict), f"one of its subjects is {shown(item)}")
        found[_text(item, "name")] = _text(_mapping(item, "digest"), "sha256").lower()
    return found


def _result(predicate: Mapping[str, Any]) -> str:
    """A run that went badly reached no level, whatever else the statement says."""
    found, failed = _text(predicate, "result"), predicate.get("failedTests")
    _insist(found in RESULTS, f"its result is {shown(found)}, not {' or '.join(RESULTS)}")
    _insist(failed is None or failed == [], f"its failedTests are {shown(failed)}, not none")
    return found


def _levels(said: Mapping[str, Any]) -> tuple[str, ...]:
    listed = said.get("levels")
    _insist(isinstance(listed, list) and bool(listed), f"its levels are {shown(listed)}, not a list of names")
    for level in listed or ():
        if level not in CERTIFICATE_LEVELS:
            raise CertificateError(
                f"the certificate says it reached the level {shown(level)}, which is not known here",
                fix=f"Have it issued with {' or '.join(CERTIFICATE_LEVELS)}",
                level=level,
            )
    return tuple(level for level in CERTIFICATE_LEVELS if level in (listed or ()))


def _waivers(said: Mapping[str, Any]) -> tuple[WaivedRule, ...]:
    listed = said.get("waivers", [])
    _insist(isinstance(listed, list), f"its waivers are {shown(listed)}, not a list")
    found = []
    for item in listed:
        _insist(isinstance(item, dict), f"one of its waivers is {shown(item)}")
        until = item.get("until")
        told = (_text(item, "check"), _text(item, "component"), _text(item, "reason"))
        found.append(WaivedRule(*told, until=until if isinstance(until, str) else ""))
    return tuple(found)


def _moment(said: Mapping[str, Any], name: str) -> datetime:
    text = _text(said, name)
    try:
        return read_rfc3339(text)
    except ValueError as error:
        raise CertificateError(
            f"the certificate's {name} is {shown(text)}, which is no moment", fix=_ANEW, value=text
        ) from error
