"""Following the roots of a source, from the one that came with the program to the newest that is published."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.remote.state_store import StateStore
from oneiric_core.remote.threads import in_thread
from oneiric_core.trust.root import MAX_ROTATIONS, TrustRoot, advanced, anchored, known_root

__all__ = ["FetchRoot", "refresh_root"]

FetchRoot: TypeAlias = Callable[[int], Awaitable[bytes | None]]
"""Gives the envelope of the root with a version, or None where there is none yet."""


async def refresh_root(
    anchor: bytes,
    fetch: FetchRoot,
    state_dir: Path | str,
    *,
    clock: Clock = SYSTEM_CLOCK,
    unsafe_allow_published_keys: bool = False,
) -> TrustRoot:
    """The newest root of a source. Its ``manifest`` is the policy to sync with, with the same ``state_dir``.

    What is normal: nothing newer is published, or another process was quicker. A root that may not follow is raised,
    and those before it stay.

    :param anchor: the root that came with the program. A newer one that is remembered goes before it.
    :raises ManifestError: a root cannot be read.
    :raises TrustError: a root may not follow the one before it, or the last has expired.
    """
    first = TrustRoot.open(anchor, unsafe_allow_published_keys=unsafe_allow_published_keys)
    reopen = partial(known_root, unsafe_allow_published_keys=unsafe_allow_published_keys)
    store, now = StateStore(state_dir), clock.now()
    state = await in_thread(store.update, first.source, lambda state: anchored(state, first))
    known = reopen(state)
    for _ in range(MAX_ROTATIONS):
        data = await fetch(known.version + 1)
        if data is None:
            break
        state = await in_thread(store.update, first.source, partial(advanced, known=known, data=data))
        known = reopen(state)
    known.check_age(state.moment(now))
    return known
