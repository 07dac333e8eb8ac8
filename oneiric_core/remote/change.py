"""What a manifest changes of the candidates of its source, and of what runs: all of it at one moment, or nothing."""

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, TypeAlias

from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.lifecycle import Exchange, LifecycleManager
from oneiric_core.remote.garbage import no_garbage_search
from oneiric_core.resolver import Resolver

__all__ = ["Applied", "Change"]

_MANY: Final = 1_000
_SOURCE: Final = CandidateSource.REMOTE_MANIFEST

_Name: TypeAlias = tuple[str, str]


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
        former = {each.name: each for each in resolver.candidates() if (each.source, each.origin) == (_SOURCE, origin)}
        new = [candidate for candidate in wanted if former.get(candidate.name) != candidate]
        names = {candidate.name for candidate in wanted}
        return cls(resolver, origin, wanted, new, [each for name, each in former.items() if name not in names])

    async def apply(self, lifecycle: LifecycleManager | None) -> Applied:
        """Put it in place, once what has to be swapped is ready. A failure, cancellation included, changes nothing."""
        if lifecycle is None:
            return Applied((), self.put())
        while True:
            step = _Step(self, lifecycle)
            if step.nothing_runs:
                return Applied((), self.put())
            try:
                handles = await lifecycle.exchange(step)
            except _Overtaken:
                continue
            return Applied(tuple(handle.candidate.name for handle in handles), step.revision)

    def put(self) -> int:
        """Register what is wanted; gives the resolver's revision then."""
        with no_garbage_search(many=len(self.wanted) > _MANY):
            self.resolver.replace_source(_SOURCE, self.origin, self.wanted)
        return self.resolver.revision


class _Overtaken(Exception):  # noqa: N818 - no error: it begins again
    """What runs is not what it was when the step was planned."""


class _Step(Exchange):
    """The consequences of a change for what runs now. They hold for as long as nobody else publishes or retires."""

    def __init__(self, change: Change, lifecycle: LifecycleManager) -> None:
        self.revision = 0
        self._change = change
        self._lifecycle = lifecycle
        self._names = sorted({(str(each.domain), each.key) for each in (*change.new, *change.gone)})
        self._offered: dict[_Name, list[Candidate]] = defaultdict(list)
        for each in change.wanted:
            self._offered[str(each.domain), each.key].append(each)
        self._targets, self._orphans = self._consequences()

    @property
    def nothing_runs(self) -> bool:
        return not self._targets and not self._orphans

    @property
    def retire(self) -> AbstractSet[_Name]:
        return self._orphans

    def choose(self) -> Mapping[_Name, Candidate]:
        if not self._holds():
            raise _Overtaken
        return self._targets

    def commit(self, chosen: Mapping[_Name, Candidate]) -> bool:
        del chosen  # it is the only one this step ever gives
        if not self._holds():
            return False  # no failure of what was made; to choose anew ends this step
        self.revision = self._change.put()
        return True

    def _holds(self) -> bool:
        return self._consequences() == (self._targets, self._orphans)

    def _consequences(self) -> tuple[dict[_Name, Candidate], frozenset[_Name]]:
        """What runs and has to be swapped, and what runs and has nothing to take its place."""
        targets: dict[_Name, Candidate] = {}
        orphans: set[_Name] = set()
        for name in self._names:
            handle = self._lifecycle.handle(*name)
            if handle is None:
                continue
            running = handle.candidate
            asked_for = None if running == self._change.resolver.resolve(*name) else running.provider  # it stays so
            successor = self._foreseen(name, asked_for) or self._foreseen(name, None)
            if successor is None:
                orphans.add(name)
            elif successor != running:
                targets[name] = successor
        return targets, frozenset(orphans)

    def _foreseen(self, name: _Name, provider: str | None) -> Candidate | None:
        resolver, origin = self._change.resolver, self._change.origin
        domain, key = name
        offered = self._offered.get(name, [])
        return resolver.foresee(_SOURCE, origin, offered, domain=domain, key=key, provider=provider)
