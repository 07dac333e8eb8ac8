"""What stands, so that the same bytes again are recognised without being read.

Only what cannot come out otherwise is not done again: reading, the signatures, and what the entries say. What depends
on time, on the memory, on the machine or on others is asked again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from oneiric_core.components import Candidate
from oneiric_core.manifest.applicability import why_not_here
from oneiric_core.manifest.models import RemoteManifest, RemoteManifestEntry
from oneiric_core.remote.belief import Belief, Offer
from oneiric_core.remote.environment import current_environment
from oneiric_core.resolver import Resolver
from oneiric_core.trust.policy import Policy, TrustPolicy, UnsafeAcceptUnsigned
from oneiric_core.trust.verification import Authentic

__all__ = ["Standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """The last manifest of a place, applied as a whole.

    :param authentic: without its document.
    :param revision: of the resolver, when its candidates were in place.
    :param fetched: the candidates that bring an artifact.
    :param conditional: entries whose place depends on what else is installed.
    """

    offer: tuple[bytes, str]
    policy: Policy
    authentic: Authentic
    revision: int
    fetched: Sequence[Candidate]
    conditional: Sequence[RemoteManifestEntry]
    skipped: Mapping[str, str]

    @classmethod
    def of(
        cls,
        offer: Offer,
        policy: Policy,
        belief: Belief,
        *,
        revision: int,
        wanted: Sequence[Candidate],
        skipped: Mapping[str, str],
    ) -> Self | None:
        """None where it could not be recognised: on the caller's own word, or under a policy that may have moods."""
        if isinstance(offer, RemoteManifest) or belief.authentic is None:
            return None
        if type(policy) not in {TrustPolicy, UnsafeAcceptUnsigned}:
            return None
        return cls(
            offer,
            policy,
            replace(belief.authentic, document={}),
            revision,
            [candidate for candidate in wanted if candidate.metadata.get("remote_uri")],
            [entry for entry in belief.manifest.entries if entry.requires or entry.conflicts_with],
            skipped,
        )

    def is_all_of(self, offer: Offer, policy: Policy, resolver: Resolver) -> bool:
        """Would applying ``offer`` change nothing of what stands?"""
        if resolver.revision != self.revision or policy != self.policy or offer != self.offer:
            return False
        here = current_environment()
        return all(why_not_here(entry, here) == self.skipped.get(entry.name, "") for entry in self.conditional)
