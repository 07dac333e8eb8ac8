"""Whom to believe. There is no flag that turns signatures off: what is unsafe is a policy of its own and says so."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from oneiric_core.errors import ExpiredError, SignatureError, TrustError, UntrustedKeyError
from oneiric_core.manifest.models import ManifestHeader
from oneiric_core.trust.keys import PublicKey
from oneiric_core.trust.published import PUBLISHED_KEYS
from oneiric_core.trust.signatures import Signature, signers_of

if TYPE_CHECKING:  # at run time it is certificates that know policies, for how far clocks may differ
    from oneiric_core.trust.certificate import CertificatePolicy

__all__ = ["CLOCK_SKEW", "Policy", "RefuseAll", "TrustPolicy", "UnsafeAcceptUnsigned"]

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far a publisher's clock may be ahead of ours."""


class Policy(Protocol):
    """What a verifier asks, in this order; each answer is an exception or nothing to complain about."""

    @property
    def source(self) -> str | None:
        """The only source accepted; None accepts any, and a caller with a memory pins the first one of each place."""

    @property
    def root_version(self) -> int | None:
        """Of the root that named the keys; None where nobody but the caller did."""

    @property
    def certificate(self) -> "CertificatePolicy | None":
        """What is asked of the certificate of every artifact; None where none is needed."""

    def check_signatures(self, message: bytes, signatures: Collection[Signature]) -> tuple[str, ...]:
        """The fingerprints of those who vouch for ``message``, sorted.

        :raises TrustError: too few.
        """

    def check_source(self, source: str) -> None:
        """May this source speak here?

        :raises TrustError: it may not.
        """

    def check_age(self, header: ManifestHeader, now: datetime) -> None:
        """Is it neither too old nor from the future?

        :raises ExpiredError: it is.
        """


class RefuseAll:
    """Believes nothing: the default wherever a policy is expected."""

    source: None = None
    root_version: None = None
    certificate: None = None

    def check_signatures(self, message: bytes, signatures: Collection[Signature]) -> tuple[str, ...]:
        raise UntrustedKeyError(
            f"no key is trusted here, so no manifest is ({len(message)} bytes, {len(signatures)} signatures)",
            fix="Pass a TrustPolicy with the publisher's public keys",
        )

    def check_source(self, source: str) -> None:
        raise TrustError(f"no source is trusted here, not {source!r} either", fix="Pass a TrustPolicy")

    def check_age(self, header: ManifestHeader, now: datetime) -> None:
        raise ExpiredError(f"nothing is fresh enough here, at {now}, not {header.source!r}", fix="Pass a TrustPolicy")


@dataclass(frozen=True)
class TrustPolicy:
    """Believes what a threshold of distinct keys signed.

    :param keys: one key given twice, or under two names, counts once.
    :param threshold: how many distinct keys have to sign; at least 1, at most all.
    :param source: the only source accepted; None accepts any (a caller with a memory pins the first one).
    :param require_expiry: refuse a manifest that does not say when it expires.
    :param max_age: refuse a manifest signed longer ago, or not saying when.
    :param unsafe_allow_published_keys: accept keys whose private half everyone has; for tests only.
    :param root_version: of the :class:`~oneiric_core.trust.TrustRoot` that named the keys; None for a list of keys,
        which is a root of its own that never changes.
    :param certificate: what is asked of the certificate of every artifact that a manifest brings; None asks for none.
        What a manifest only names, because it is installed here already, has no bytes to be certified.
    :raises UntrustedKeyError: no key, or one that is published.
    :raises TrustError: a threshold that is never or always met.
    """

    keys: Iterable[PublicKey]
    threshold: int = 1
    source: str | None = None
    require_expiry: bool = False
    max_age: timedelta | None = None
    unsafe_allow_published_keys: bool = False
    root_version: int | None = None
    certificate: "CertificatePolicy | None" = None

    def __post_init__(self) -> None:
        keys = frozenset(self.keys)
        object.__setattr__(self, "keys", keys)
        if not keys:
            raise UntrustedKeyError("a policy without keys believes nobody", fix="Pass public keys, or RefuseAll()")
        if not self.unsafe_allow_published_keys:
            refuse_published(keys)
        if not 1 <= self.threshold <= len(keys):
            raise TrustError(
                f"a threshold of {self.threshold} makes no sense with {len(keys)} distinct keys",
                fix=f"Choose from 1 to {len(keys)}",
                threshold=self.threshold,
                keys=len(keys),
            )

    def check_signatures(self, message: bytes, signatures: Collection[Signature]) -> tuple[str, ...]:
        signers = signers_of(message, signatures, frozenset(self.keys))
        if len(signers.keys) < self.threshold:
            reasons = "; ".join(signers.rejected) or "there are no further signatures"
            raise SignatureError(
                f"{len(signers.keys)} of the trusted keys signed, {self.threshold} must ({reasons})",
                fix="Ask the publisher to sign the manifest, or trust the key that did",
                signed=len(signers.keys),
                threshold=self.threshold,
            )
        return tuple(sorted(key.fingerprint for key in signers.keys))

    def check_source(self, source: str) -> None:
        _check_source(source, self.source)

    def check_age(self, header: ManifestHeader, now: datetime) -> None:
        if header.expires is None and self.require_expiry:
            raise ExpiredError("the manifest does not say when it expires", fix="Sign it with an expiry")
        if self.max_age is not None:
            if header.signed is None:
                raise ExpiredError("the manifest does not say when it was signed", fix="Sign it with signed_at")
            if now - header.signed > self.max_age:
                raise ExpiredError(
                    f"the manifest was signed at {header.signed}, longer than {self.max_age} ago",
                    fix="Ask the publisher for a newer one",
                    signed_at=header.signed,
                    now=now,
                )
        check_moments(header, now)


@dataclass(frozen=True)
class UnsafeAcceptUnsigned:
    """Believes everything, signed or not. Whoever can change the bytes on their way runs code here.

    :param source: the only source accepted; None accepts any.
    """

    source: str | None = None
    root_version: None = None
    certificate: None = None

    def check_signatures(self, message: bytes, signatures: Collection[Signature]) -> tuple[str, ...]:
        del message, signatures
        return ()

    def check_source(self, source: str) -> None:
        _check_source(source, self.source)

    def check_age(self, header: ManifestHeader, now: datetime) -> None:
        check_moments(header, now)


def refuse_published(keys: Iterable[PublicKey]) -> None:
    """Refuse keys whose private half everyone has.

    :raises UntrustedKeyError: one of them is such a key.
    """
    for key in keys:
        if key.raw in PUBLISHED_KEYS:
            raise UntrustedKeyError(
                f"the private half of {PUBLISHED_KEYS[key.raw]} is published: anyone can sign with it",
                fix="Use keys of your own; in tests pass unsafe_allow_published_keys=True",
                fingerprint=key.fingerprint,
            )


def check_moments(header: ManifestHeader, now: datetime) -> None:
    """Refuse what is expired at ``now``, or signed in its future.

    :raises ExpiredError: it is.
    """
    if header.expires is not None and now >= header.expires:
        raise ExpiredError(
            f"the manifest expired at {header.expires}",
            fix="Ask the publisher for a newer one, or check this machine's clock",
            expires_at=header.expires,
            now=now,
        )
    refuse_future(header, now, latest=now + CLOCK_SKEW)


def refuse_future(header: ManifestHeader, now: datetime, *, latest: datetime) -> None:
    """Refuse what was signed after ``latest``, the last moment that may have come at ``now``.

    :raises ExpiredError: it was.
    """
    if header.signed is not None and header.signed > latest:
        raise ExpiredError(
            f"the manifest says it was signed at {header.signed}, which has yet to come",
            fix="Check the clocks of the publisher and of this machine",
            signed_at=header.signed,
            now=now,
        )


def _check_source(source: str, expected: str | None) -> None:
    if expected is not None and source != expected:
        raise TrustError(
            f"the manifest is from {source!r}, and only {expected!r} is accepted here",
            fix="Ask the publisher for the manifest of that source, or change the policy",
            source=source,
            expected=expected,
        )
