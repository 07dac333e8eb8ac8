"""Registrations by domain and key: the one place where they change, each change with its undo.

Readers look without a lock. They see a name before or after a change, never within, and several names that change
together change in one assignment.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.resolver.ranking import Rank, rank_of

__all__ = ["Bucket", "Change", "Entry", "Identity", "Name", "Place", "Table", "Undo"]

Undo: TypeAlias = Callable[[], None]
"""Takes a change back. Calling it again does nothing; what was changed once more since stays as it is."""

Name: TypeAlias = tuple[str, str]
"""Domain and key."""

Identity: TypeAlias = tuple[str, CandidateSource, str]
"""Provider, source and origin: what makes a registration the former self of another of the same name."""

Place: TypeAlias = tuple[Name, Identity]

Change: TypeAlias = tuple[Name, Identity, Candidate | None]
"""What shall stand at a place; None removes."""


@dataclass(slots=True, eq=False)
class Entry:
    """A registration. ``former`` is what to fall back on once this one, already replaced, was withdrawn."""

    candidate: Candidate
    rank: Rank
    withdrawn: bool = False
    former: "Entry | None" = None

    def standing(self) -> "Entry | None":
        entry: Entry | None = self
        while entry is not None and entry.withdrawn:
            entry = entry.former
        return entry


@dataclass(slots=True, eq=False)
class Bucket:
    """All registrations under one name, and the best of each provider and of all."""

    entries: dict[Identity, Entry] = field(default_factory=dict)
    best: dict[str, Entry] = field(default_factory=dict)
    winner: Entry | None = None

    def add(self, identity: Identity, entry: Entry) -> None:
        self.entries[identity] = entry
        provider = entry.candidate.provider
        if provider not in self.best or entry.rank > self.best[provider].rank:
            self.best[provider] = entry
        if self.winner is None or entry.rank > self.winner.rank:
            self.winner = entry

    def chosen(self, provider: str | None) -> Entry | None:
        """The best of a provider; of all if it is None."""
        return self.winner if provider is None else self.best.get(provider)

    def best_first(self) -> list[Entry]:
        return sorted(self.entries.values(), key=lambda entry: entry.rank, reverse=True)


class Table:
    """The registrations."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.buckets: dict[Name, Bucket] = {}
        self.revision = 0
        self._sequence = 0

    def entry(self, name: Name, identity: Identity) -> Entry | None:
        bucket = self.buckets.get(name)
        return None if bucket is None else bucket.entries.get(identity)

    def identities(self, name: Name) -> list[Identity]:
        bucket = self.buckets.get(name)
        return [] if bucket is None else [*bucket.entries]

    def places(self) -> Iterator[Place]:
        for name, bucket in self.buckets.items():
            for identity in bucket.entries:
                yield name, identity

    def apply(self, changes: Iterable[Change]) -> Undo:
        with self.lock:
            done: list[tuple[Name, Identity, Entry | None, Entry | None]] = []
            for name, identity, candidate in changes:
                entry = None if candidate is None else self._numbered(candidate)
                done.append((name, identity, self.entry(name, identity), entry))
            self._put((name, identity, entry) for name, identity, _, entry in done)

        def undo() -> None:
            with self.lock:
                back: list[tuple[Name, Identity, Entry | None]] = []
                for name, identity, former, entry in done:
                    if entry is not None:
                        entry.withdrawn, entry.former = True, former
                    if self.entry(name, identity) is entry:
                        back.append((name, identity, None if former is None else former.standing()))
                self._put(back)
                done.clear()

        return undo

    def foreseen(self, name: Name, changes: Iterable[Change]) -> Bucket:
        """What there would be under ``name`` after these changes of it; nobody else sees it."""
        buckets = {name: self.buckets.get(name) or Bucket()}
        changed = {
            identity: None if candidate is None else Entry(candidate, rank_of(candidate, self._sequence + number))
            for number, (_, identity, candidate) in enumerate(changes, 1)
        }
        if changed:
            self._put_one(buckets, name, changed, copy=True)
        return buckets.get(name) or Bucket()

    def _numbered(self, candidate: Candidate) -> Entry:
        self._sequence += 1
        return Entry(candidate, rank_of(candidate, self._sequence))

    def _put(self, entries: Iterable[tuple[Name, Identity, Entry | None]]) -> None:
        by_name: dict[Name, dict[Identity, Entry | None]] = {}
        for name, identity, entry in entries:
            by_name.setdefault(name, {})[identity] = entry
        self.revision += bool(by_name)
        if len(by_name) == 1:  # what concerns one name is one step anyway: no copy of the whole table is needed
            for name, changed in by_name.items():
                self._put_one(self.buckets, name, changed)
            return
        buckets = dict(self.buckets)
        for name, changed in by_name.items():
            self._put_one(buckets, name, changed, copy=True)
        self.buckets = buckets

    def _put_one(
        self, buckets: dict[Name, Bucket], name: Name, changed: dict[Identity, Entry | None], *, copy: bool = False
    ) -> None:
        bucket = buckets.get(name) or Bucket()
        copy = copy and bool(bucket.entries)  # what is new is seen by nobody yet
        new = [(identity, entry) for identity, entry in changed.items() if entry is not None]
        if len(new) == len(changed) == 1 and not copy and new[0][0] not in bucket.entries:
            bucket.add(*new[0])
            buckets[name] = bucket
            return
        remade = Bucket()
        for identity, entry in bucket.entries.items():
            if identity not in changed:
                remade.add(identity, entry)
        for identity, entry in new:
            remade.add(identity, entry)
        if remade.entries:
            buckets[name] = remade
        else:
            del buckets[name]
