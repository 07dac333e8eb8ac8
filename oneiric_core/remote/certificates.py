"""Insisting on a certificate for each artifact that a manifest brings, before anything of it is used."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from oneiric_core.components import Candidate
from oneiric_core.errors import CertificateError, TrustError
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.remote.fetcher import Tally
from oneiric_core.remote.threads import in_thread
from oneiric_core.trust.certificate import CertificatePolicy

__all__ = ["check_certificates"]

_LONGEST: Final = 4 * 1024 * 1024
_AT_ONCE: Final = 8


async def check_certificates(
    candidates: Iterable[Candidate],
    policy: CertificatePolicy,
    artifacts: ArtifactManager | None,
    headers_for: Callable[[str], Mapping[str, str]],
    tally: Tally,
    *,
    now: datetime | None,
) -> None:
    """Refuse all of them if one brings an artifact that is not certified as the policy asks.

    What brings no artifact is installed here already: there are no bytes to be certified.

    :param artifacts: brings certificates as well, by their digest; None where nothing can be brought.
    :param now: None where a certificate may have expired, because what it vouches for was applied before.
    :raises CertificateError: one has none, or one that is about other bytes, cannot be read, or says too little.
    :raises SignatureError: one was made by none of the issuers.
    :raises ExpiredError: one is not valid now.
    :raises ArtifactError: a certificate has not the digest that the manifest says.
    :raises FetchError: a certificate is not to be had.
    """
    waiting = [candidate for candidate in candidates if candidate.metadata.get("remote_uri")]
    queue = iter(waiting)

    async def check_next() -> None:
        for candidate in queue:
            path = await _bring(candidate, artifacts, headers_for, tally)
            await in_thread(_check, candidate, policy, path, now)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(_AT_ONCE, len(waiting))):
                group.create_task(check_next())
    except BaseExceptionGroup as errors:
        first = errors.exceptions[0]
        raise first from first.__cause__


async def _bring(
    candidate: Candidate,
    artifacts: ArtifactManager | None,
    headers_for: Callable[[str], Mapping[str, str]],
    tally: Tally,
) -> Path:
    reference = candidate.metadata.get("certificate")
    if reference is None:
        raise CertificateError(
            f"{candidate.name} has no certificate, and one is asked for here",
            fix="Ask its publisher for one, or change the policy",
            candidate=candidate.name,
        )
    if artifacts is None:
        raise CertificateError(
            f"the certificate of {candidate.name} cannot be brought: there is no artifact cache",
            fix="Give cache_dir or artifacts",
            candidate=candidate.name,
        )
    uri = reference["uri"]
    return await artifacts.fetch(uri, reference["sha256"], headers_for(uri), tally=tally)


def _check(candidate: Candidate, policy: CertificatePolicy, path: Path, now: datetime | None) -> None:
    with path.open("rb") as file:
        content = file.read(_LONGEST + 1)
    sha256 = str(candidate.metadata.get("sha256"))
    try:
        if now is None:
            policy.check_issuer(content).check_subject(sha256)
        else:
            policy.check(content, sha256, now)
    except TrustError as error:
        evidence = {**error.evidence, "candidate": candidate.name}
        raise type(error)(f"{candidate.name}: {error.what}", fix=error.fix, **evidence) from error
