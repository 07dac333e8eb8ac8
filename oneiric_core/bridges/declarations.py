"""What the bridges would refuse when asked, said beforehand: for whoever registers candidates from elsewhere."""

from oneiric_core.bridges.dag import Dag
from oneiric_core.bridges.policy import CallPolicy
from oneiric_core.bridges.subscription import Subscription
from oneiric_core.components import Candidate
from oneiric_core.domains import Domain

__all__ = ["check_declaration"]


def check_declaration(candidate: Candidate) -> None:
    """Refuse metadata that no bridge could work with.

    :raises ResolutionError: a timeout, retry policy, filter, topic or concurrency limit cannot be read, or a graph has
        a cycle or a dangling reference.
    """
    metadata = candidate.metadata
    if metadata.get("timeout_seconds") is not None or metadata.get("retry_policy") is not None:
        CallPolicy.of(candidate)
    if candidate.domain == Domain.EVENT:
        Subscription.of(candidate)
    if candidate.domain == Domain.WORKFLOW:
        Dag.of(candidate)
