"""Whom to believe where a root says so: the newest one that follows the anchor, from beside the manifest.

Root N is published as ``N.root.json`` in the directory of the manifest, as the TUF specification has it (3.2, 5.3.3).
Where the server cannot be asked, the newest root that is remembered goes on until it expires: it is the manifest that
the last known good of which then serves.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit, urlunsplit

from oneiric_core.clock import Clock
from oneiric_core.errors import RefusedFetchError, TransientFetchError
from oneiric_core.remote.fetcher import Fetcher, Tally
from oneiric_core.remote.roots import FetchRoot, refresh_root
from oneiric_core.remote.sources import source_of
from oneiric_core.runtime.plan import Plan
from oneiric_core.trust.policy import Policy, TrustPolicy

__all__ = ["beside", "policy_of", "policy_remembered"]


def beside(place: Path | str, version: int) -> Path | str:
    """Where the root with a version is, if the manifest is at ``place``."""
    name = f"{version}.root.json"
    if isinstance(place, Path):
        return place.with_name(name)
    parts = urlsplit(place)
    return urljoin(urlunsplit(parts._replace(query="", fragment="")), name)


def fetch_beside(place: Path | str, fetcher: Fetcher, headers: Mapping[str, str]) -> FetchRoot:
    """Asks for roots by version; None where there is none yet, or where nobody can be asked."""

    async def fetch(version: int) -> bytes | None:
        target = beside(place, version)
        if isinstance(target, Path) and not target.exists():
            return None
        try:
            return (await source_of(target, fetcher, headers).read(None, Tally())).data
        except RefusedFetchError as error:
            if error.evidence.get("status") in {404, 410}:
                return None
            raise
        except TransientFetchError:
            return None

    return fetch


async def policy_of(plan: Plan, fetcher: Fetcher, clock: Clock) -> Policy:
    """Whom to believe now.

    :raises ManifestError: a root cannot be read.
    :raises TrustError: a root may not follow, or the last has expired.
    :raises RefusedFetchError: the server does not give roots to us.
    """
    if plan.place is None:
        return _insisting(plan.trust, plan)
    return await _policy(plan, fetch_beside(plan.place, fetcher, plan.headers), clock)


async def policy_remembered(plan: Plan, clock: Clock) -> Policy:
    """Whom to believe as far as is known without asking anybody.

    :raises OneiricError: the anchor cannot be read, or the newest root that is known has expired.
    """
    return await _policy(plan, _nobody, clock)


async def _nobody(version: int) -> None:
    del version


async def _policy(plan: Plan, fetch: FetchRoot, clock: Clock) -> Policy:
    if plan.anchor is None:
        return _insisting(plan.trust, plan)
    root = await refresh_root(plan.anchor, fetch, plan.state_dir, clock=clock)
    return _insisting(root.manifest, plan)


def _insisting(policy: Policy, plan: Plan) -> Policy:
    """The policy, insisting on what the plan asks; one of another kind insists on what it says itself."""
    if not isinstance(policy, TrustPolicy):
        return policy
    return replace(plan.asked.added_to(policy), certificate=plan.certificate)
