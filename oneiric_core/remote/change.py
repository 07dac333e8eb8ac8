"""What a manifest changes of the candidates of its source, and of what runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.remote.garbage import no_garbage_search
from oneiric_core.resolver import Resolver

__all__ = ["Applied", "Change"]

_MANY: Final = 1_000


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a change did.

    :param swapped: names of what was built anew and now runs.
    :param revision: of the resolver, when the candidates were in place.
    """

    swapped: tuple[str, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class Change:
    """The step from the candidates one source has to those it shall have.

    :param new: those of ``wanted`` that are new or differ from their former selves; ``gone``: those no longer wanted.
    """

    resolver: Resolver
    origin: str
    wanted: list[Candidate]
    new: list[Candidate]
    gone: list[Candidate]

    @classmethod
    def between(cls, resolver: Resolver, origin: str, wanted: list[Candidate]) -> "Change":
        source = CandidateSource.REMOTE_MANIFEST
        former = {each.name: each for each in resolver.candidates() if (each.source, each.origin) == (source, origin)}
        new = [candidate for candidate in wanted if former.get(candidate.name) != candidate]
        names = {candidate.name for candidate in wanted}
        return cls(resolver, origin, wanted, new, [each for name, each in former.items() if name not in names])

    async def apply(self, lifecycle: LifecycleManager | None) -> Applied:
        """Put it in place. A failure, cancellation included, takes it all back."""
        with no_garbage_search(many=len(self.wanted) > _MANY):
            names = sorted({(each.domain, each.key) for each in (*self.new, *self.gone)})
            before = {name: self.resolver.resolve(*name) for name in names}
            undo = self.resolver.replace_source(CandidateSource.REMOTE_MANIFEST, self.origin, self.wanted)
        revision = self.resolver.revision
        if lifecycle is None:
            return Applied((), revision)
        try:
            targets, orphans = self._consequences(lifecycle, before)
            handles = await lifecycle.swap_many(targets, retire=orphans) if targets or orphans else []
        except BaseException:
            undo()
            raise
        return Applied(tuple(handle.candidate.name for handle in handles), revision)

    def _consequences(
        self, lifecycle: LifecycleManager, before: Mapping[tuple[str, str], Candidate | None]
    ) -> tuple[list[tuple[str, str, str | None]], list[tuple[str, str]]]:
        """What runs and has to be swapped, and what runs and has nothing to take its place."""
        targets: list[tuple[str, str, str | None]] = []
        orphans: list[tuple[str, str]] = []
        for name, winner in before.items():
            handle = lifecycle.handle(*name)
            if handle is None:
                continue
            running = handle.candidate
            chosen = None if running == winner else running.provider  # it was asked for by its provider: it stays so
            successor = self.resolver.resolve(*name, chosen) or self.resolver.resolve(*name)
            if successor is None:
                orphans.append(name)
            elif successor != running:
                targets.append((*name, chosen if chosen == successor.provider else None))
        return targets, orphans
