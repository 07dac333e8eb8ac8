"""Roots: who may sign, how many must, and how that changes. Pure: bytes and a state in, a state or a refusal out.

The rules, after the TUF specification (5.3), with two roles in the place of TUF's four:

* A root names keys and a threshold for two roles: ``root`` signs the next root, ``manifest`` signs manifests.
* The first one, the anchor, is on the caller's word; it must be signed by its own threshold all the same.
* Root N+1 follows root N if the threshold of N signed it *and* the threshold of N+1, and no root lies between.
* It is for the same source, so that the keys of one do not speak for another.
* Roots on the way may have expired: they only lead to newer ones. The last may not.
* It is remembered before its keys are used, and what it replaced never comes back.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from oneiric_core.errors import EquivocationError, ExpiredError, RollbackError, SignatureError, TrustError
from oneiric_core.manifest.moments import read_rfc3339
from oneiric_core.trust.envelope import Envelope, read_envelope
from oneiric_core.trust.keys import load_public_key
from oneiric_core.trust.policy import TrustPolicy
from oneiric_core.trust.root_document import ROOT_LIMITS, ROOT_PAYLOAD, Role, RootDocument
from oneiric_core.trust.trusted_state import SourceState

__all__ = ["MAX_ROTATIONS", "TrustRoot", "advanced", "anchored", "known_root"]

MAX_ROTATIONS: Final = 256
"""How many roots are followed at once; TUF leaves the number to the client (5.3.2)."""


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """Who speaks for a source, until when.

    :param version: from 1; each root has the one after that of its predecessor.
    :param root: who may sign the next root.
    :param manifest: who may sign manifests: the policy to sync with. Ask more with :func:`dataclasses.replace`.
    :param envelope: where it was read from.
    """

    source: str
    version: int
    expires: datetime
    root: TrustPolicy
    manifest: TrustPolicy
    envelope: Envelope

    @classmethod
    def open(cls, data: bytes, *, unsafe_allow_published_keys: bool = False) -> Self:
        """The root in an envelope that came on a way the caller trusts: with the program, or from our own memory.

        :raises ManifestError: it cannot be read.
        :raises TrustError: its keys cannot be used, or it is not signed by its own threshold.
        """
        root = cls._parse(read_envelope(data, ROOT_PAYLOAD, ROOT_LIMITS), unsafe=unsafe_allow_published_keys)
        _require(root.root, root.envelope, f"root {root.version} is not signed by its own threshold")
        return root

    def succeed(self, data: bytes) -> Self:
        """The root that follows this one.

        :raises ManifestError: it cannot be read.
        :raises RollbackError: its version came before.
        :raises EquivocationError: its version is this one's, and it says something else.
        :raises TrustError: too few of those who have to sign it did, or it is no successor.
        """
        envelope = read_envelope(data, ROOT_PAYLOAD, ROOT_LIMITS)
        _require(self.root, envelope, f"the root to follow is not signed by the threshold of root {self.version}")
        successor = self._parse(envelope, unsafe=self.root.unsafe_allow_published_keys)
        if successor.source != self.source:
            raise TrustError(
                f"the root is for {successor.source!r}, and the one before it for {self.source!r}",
                fix="Publish the roots of each source apart",
                source=successor.source,
                expected=self.source,
            )
        if successor.version != self.version + 1:
            raise _out_of_turn(successor, self)
        _require(successor.root, envelope, f"root {successor.version} is not signed by its own threshold")
        return successor

    def check_age(self, now: datetime) -> None:
        """Refuse to be used any longer than it allows.

        :raises ExpiredError: it expired.
        """
        if now >= self.expires:
            raise ExpiredError(
                f"root {self.version} of {self.source!r} expired at {self.expires}",
                fix="Ask the publisher for a newer one, or check this machine's clock",
                expires_at=self.expires,
                now=now,
            )

    def silences(self, former: "TrustRoot") -> bool:
        """Can some who could sign manifests under ``former`` no longer do so: a key went, or more must sign?"""
        before, after = former.manifest, self.manifest
        return not frozenset(before.keys) <= frozenset(after.keys) or before.threshold < after.threshold

    @classmethod
    def _parse(cls, envelope: Envelope, *, unsafe: bool) -> Self:
        written = RootDocument.parse(envelope.payload)

        def policy(name: str, role: Role) -> TrustPolicy:
            keys = [load_public_key(key, name=f"roles.{name}.keys[{place}]") for place, key in enumerate(role.keys)]
            return TrustPolicy(
                keys,
                threshold=role.threshold,
                source=written.source,
                unsafe_allow_published_keys=unsafe,
                root_version=written.version,
            )

        return cls(
            source=written.source,
            version=written.version,
            expires=read_rfc3339(written.expires_at),
            root=policy("root", written.roles.root),
            manifest=policy("manifest", written.roles.manifest),
            envelope=envelope,
        )


def anchored(state: SourceState, anchor: TrustRoot) -> SourceState:
    """The state once the caller vouches for ``anchor``: of it and the root that is known, the newer one counts.

    :raises EquivocationError: both have one version, and they differ.
    """
    if state.root is None:
        return _taken_over(state, anchor, None)
    known = known_root(state, unsafe_allow_published_keys=anchor.root.unsafe_allow_published_keys)
    if anchor.version == known.version and anchor.envelope.payload != known.envelope.payload:
        raise _out_of_turn(anchor, known)
    return _taken_over(state, anchor, known) if anchor.version > known.version else state


def advanced(state: SourceState, known: TrustRoot, data: bytes) -> SourceState:
    """The state after the root in ``data`` followed ``known``; the same state if another did meanwhile.

    :raises ManifestError: it cannot be read.
    :raises TrustError: it may not follow; see :meth:`TrustRoot.succeed`.
    """
    if state.root_version > known.version:
        return state
    return _taken_over(state, known.succeed(data), known)


def known_root(state: SourceState, *, unsafe_allow_published_keys: bool = False) -> TrustRoot:
    """The root that is remembered.

    :raises TrustError: there is none.
    """
    if state.root is None:
        raise TrustError(f"no root of {state.source!r} is known", fix="Begin with an anchor")
    return TrustRoot.open(state.root.encode("utf-8"), unsafe_allow_published_keys=unsafe_allow_published_keys)


def _taken_over(state: SourceState, root: TrustRoot, former: TrustRoot | None) -> SourceState:
    forget = former is not None and root.silences(former)
    return state.rotate(root.version, json.dumps(root.envelope.to_document()), forget=forget)


def _require(role: TrustPolicy, envelope: Envelope, otherwise: str) -> None:
    try:
        role.check_signatures(envelope.message, envelope.signatures)
    except SignatureError as error:
        raise SignatureError(
            f"{otherwise}: {error.what}",
            fix="Have it signed by enough keys of the old root and of the new one",
            **error.evidence,
        ) from error


def _out_of_turn(root: TrustRoot, known: TrustRoot) -> TrustError:
    evidence = {"source": known.source, "number": root.version, "seen": known.version}
    if root.version > known.version:
        return TrustError(
            f"root {root.version} of {known.source!r} does not follow root {known.version} at once",
            fix="Publish every root, and keep all of them where the first one is",
            **evidence,
        )
    if root.version == known.version and root.envelope.payload != known.envelope.payload:
        return EquivocationError(
            f"root {root.version} of {known.source!r} is known with other bytes",
            fix="Find out who signed the other; to begin anew on purpose, delete what is remembered of the source",
            **evidence,
        )
    return RollbackError(
        f"root {root.version} of {known.source!r} came before, and root {known.version} is known",
        fix="Publish each root under the version after the last one; if it comes from a mirror, the mirror is wrong",
        **evidence,
    )
