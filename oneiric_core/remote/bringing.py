"""Bringing the artifacts of a manifest, several at once."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from oneiric_core.components import Candidate
from oneiric_core.remote.artifacts import ArtifactManager
from oneiric_core.remote.fetcher import Tally

__all__ = ["bring"]

AT_ONCE: Final = 8


async def bring(
    candidates: Iterable[Candidate],
    artifacts: ArtifactManager,
    headers_for: Callable[[str], Mapping[str, str]],
    tally: Tally,
) -> dict[str, Path]:
    """The path of each candidate's artifact, by the candidate's name; those that bring none are left out.

    The first that cannot be had ends the others.

    :raises ArtifactError: one is not what was promised.
    :raises FetchError: one is not to be had.
    """
    waiting = [candidate for candidate in candidates if candidate.metadata.get("remote_uri")]
    queue, paths = iter(waiting), {}

    async def fetch_next() -> None:
        for candidate in queue:
            uri, metadata = candidate.metadata["remote_uri"], candidate.metadata
            paths[candidate.name] = await artifacts.fetch(
                uri, metadata.get("sha256"), headers_for(uri), metadata.get("length"), tally=tally
            )

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(waiting))):
                group.create_task(fetch_next())
    except BaseExceptionGroup as errors:
        first = errors.exceptions[0]
        raise first from first.__cause__
    return paths
