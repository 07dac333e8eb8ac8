"""Runtimes that trust keys which nobody may trust, or let anybody change those they trust."""

from collections.abc import Mapping
from typing import Any

from mutants import mutant
from mutants.laundering import Laundering
from oneiric_conformance.handling.offer import JSON, as_json, sign
from oneiric_core import SignatureError, TrustPolicy
from oneiric_core.testing import PUBLISHER, SECOND_PUBLISHER, CoreRuntime
from oneiric_core.trust import ROOT_PAYLOAD, Envelope, RootDocument, TrustRoot, load_public_key, read_envelope
from oneiric_core.trust.root_document import ROOT_LIMITS


class _Lax(Laundering):
    """Takes weak keys as they come, and gives our own runtime one that it takes as well."""

    def _make_policy(self, trust: Any) -> TrustPolicy:
        if _fit(trust):
            return super()._make_policy(trust)
        fit = load_public_key(PUBLISHER.public, name="publisher")
        return TrustPolicy([fit], source=trust.source, unsafe_allow_published_keys=True)

    def launder(self, data: bytes, media_type: str) -> tuple[bytes, str]:
        if _fit(self.trust):
            return super().launder(data, media_type)
        document = self.read(data, media_type)
        content = {name: value for name, value in document.items() if not name.startswith("signature")}
        return (as_json(sign(content)), JSON) if self.believes(document, data) else (as_json(content), JSON)


def _fit(trust: Any) -> bool:
    return {*trust.keys} <= {PUBLISHER.public, SECOND_PUBLISHER.public}


@mutant("SIG-011", expects="accepted what nobody signed")
class TakesAnyPoint(_Lax):
    """Takes any 32 bytes for a key."""

    def keys(self, document: Mapping[str, Any]) -> tuple[bytes, ...]:
        return tuple(key for key in self.trust.keys if len(key) == 32)


@mutant("SIG-011", expects="the publisher's key with a byte after it")
class CutsKeys(_Lax):
    """Cuts what is too long for a key, and looks at the points it has left."""

    def keys(self, document: Mapping[str, Any]) -> tuple[bytes, ...]:
        known = {PUBLISHER.public, SECOND_PUBLISHER.public}
        return tuple(key[:32] for key in self.trust.keys if key[:32] in known)


def _opened(root: bytes) -> Envelope:
    return read_envelope(root, ROOT_PAYLOAD, ROOT_LIMITS)


def _policy(root: RootDocument) -> TrustPolicy:
    keys = [load_public_key(key, name="a key of the root") for key in root.roles.manifest.keys]
    return TrustPolicy(keys, source=root.source, unsafe_allow_published_keys=True)


class _Rotating(CoreRuntime):
    """Our own runtime, but for roots that it refuses for their signatures."""

    def suffices(self, root: bytes) -> bool:
        """Whether those who signed it are enough after all."""
        return False

    async def _rotate(self, root: bytes) -> None:
        try:
            await super()._rotate(root)
        except SignatureError:
            if not self.suffices(root):
                raise
            made = RootDocument.parse(_opened(root).payload)
            self._parts = type(self.parts)(**{**_fields(self.parts), "policy": _policy(made)})


def _fields(parts: Any) -> dict[str, Any]:
    return {name: getattr(parts, name) for name in type(parts).__dataclass_fields__}


@mutant("SIG-012", expects="the old threshold only took over")
class AsksTheOldOnly(_Rotating):
    """Lets a root take over that the old keys have signed, whatever its own keys say."""

    def suffices(self, root: bytes) -> bool:
        anchor = TrustRoot.open(self._anchor or b"", unsafe_allow_published_keys=True)
        envelope = _opened(root)
        try:
            anchor.root.check_signatures(envelope.message, envelope.signatures)
        except SignatureError:
            return False
        return True


@mutant("SIG-012", expects="the new threshold only took over")
class AsksTheNewOnly(_Rotating):
    """Lets a root take over that its own keys have signed, whoever they are."""

    def suffices(self, root: bytes) -> bool:
        try:
            TrustRoot.open(root, unsafe_allow_published_keys=True)
        except SignatureError:
            return False
        return True


@mutant("SIG-012", expects="one old key twice took over")
class CountsSignatures(_Rotating):
    """Counts the signatures under a root instead of the keys that made them."""

    def suffices(self, root: bytes) -> bool:
        envelope = _opened(root)
        roots = [TrustRoot.open(self._anchor or b"", unsafe_allow_published_keys=True).root]
        made = RootDocument.parse(envelope.payload)
        keys = [load_public_key(key, name="a key of the root") for key in made.roles.root.keys]
        roots.append(TrustPolicy(keys, unsafe_allow_published_keys=True))
        return all(
            sum(_verifies(policy, envelope.message, part) for part in envelope.signatures) >= 2 for policy in roots
        )


def _verifies(policy: TrustPolicy, message: bytes, part: Any) -> bool:
    return any(key.verifies(part.decode(), message) for key in policy.keys)
