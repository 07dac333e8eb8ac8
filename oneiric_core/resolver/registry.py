"""What could be chosen, and what is chosen for each domain and key.

Ranking happens when something changes, so that resolving is a look-up. Every change returns its own undo.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from oneiric_core.components import Candidate, CandidateSource
from oneiric_core.domains import Domain
from oneiric_core.errors import ResolutionError
from oneiric_core.resolver.explanation import Explanation, Ranked
from oneiric_core.resolver.ranking import has_capabilities, why_lower
from oneiric_core.resolver.table import Change, Entry, Identity, Name, Place, Table, Undo

__all__ = ["Resolver", "Undo", "refuse_malformed"]

_DOMAINS: Final = frozenset(Domain)


class Resolver:
    """Knows every candidate, and who wins. Safe to use from several threads.

    :param selections: by domain and key, the provider that has been chosen explicitly.
    """

    def __init__(self, *, selections: Mapping[str, Mapping[str, str]] = MappingProxyType({})) -> None:
        self._table = Table()
        self._selections: dict[Name, str] = {
            (str(domain), key): provider for domain, keys in selections.items() for key, provider in keys.items()
        }

    # -- changes -------------------------------------------------------------------------------------------------------

    def register(self, candidate: Candidate) -> Undo:
        """Offer a candidate; one with the same domain, key and provider from the same origin is replaced.

        :raises ResolutionError: the domain is none of the six, or key, provider or rank are not what they must be.
        """
        refuse_malformed(candidate)
        return self._table.apply([(_name(candidate), _identity(candidate), candidate)])

    def replace_source(self, source: CandidateSource, origin: str, candidates: Iterable[Candidate]) -> Undo:
        """Make ``candidates`` all there is from ``origin``; readers see all of the old or all of the new.

        A candidate equal to its former self keeps its place in the order of registration.

        :raises ResolutionError: one of them is malformed or listed twice; then nothing has changed.
        """
        wanted = _placed(source, origin, candidates)
        with self._table.lock:
            return self._table.apply(self._changes(source, origin, wanted, self._table.places()))

    def select(self, domain: str, key: str, provider: str | None) -> Undo:
        """Choose a provider explicitly, or leave the choice to the ranking again (None)."""
        name = str(domain), key
        with self._table.lock:
            former = self._selections.get(name)
            self._set_selection(name, provider)
        done = False

        def undo() -> None:
            nonlocal done
            with self._table.lock:
                if not done and self._selections.get(name) == provider:
                    self._set_selection(name, former)
                done = True

        return undo

    @property
    def revision(self) -> int:
        """A number that is another one after every change of the candidates; selections do not count."""
        return self._table.revision

    # -- questions -----------------------------------------------------------------------------------------------------

    def resolve(
        self,
        domain: str,
        key: str,
        provider: str | None = None,
        capabilities: Iterable[str] = (),
        *,
        require_all: bool = True,
    ) -> Candidate | None:
        """The winner, or None. ``provider`` takes the place of a selection; a selection nobody meets wins nothing."""
        name = domain, key
        bucket = self._table.buckets.get(name)
        if bucket is None:
            return None
        if provider is None:
            provider = self._selections.get(name)
        if not capabilities:
            entry = bucket.chosen(provider)
            return None if entry is None else entry.candidate
        wanted = _names(capabilities)
        for entry in self._best_first(name):
            candidate = entry.candidate
            if provider in (None, candidate.provider) and has_capabilities(candidate, wanted, require_all=require_all):
                return candidate
        return None

    def foresee(
        self,
        source: CandidateSource,
        origin: str,
        candidates: Iterable[Candidate],
        *,
        domain: str,
        key: str,
        provider: str | None = None,
    ) -> Candidate | None:
        """What :meth:`resolve` would answer if ``candidates`` were all there is under this name from ``origin``.

        :raises ResolutionError: as :meth:`replace_source`.
        """
        name = str(domain), key
        wanted = _placed(source, origin, candidates)
        with self._table.lock:
            places = [(name, identity) for identity in self._table.identities(name)]
            bucket = self._table.foreseen(name, self._changes(source, origin, wanted, places))
            entry = bucket.chosen(provider or self._selections.get(name))
        return None if entry is None else entry.candidate

    def require(
        self, domain: str, key: str, provider: str | None = None, capabilities: Iterable[str] = ()
    ) -> Candidate:
        """The winner.

        :raises ResolutionError: there is none; the message names what there is.
        """
        wanted = _names(capabilities)
        found = self.resolve(domain, key, provider, wanted)
        if found is None:
            raise self._nothing((str(domain), key), provider, wanted)
        return found

    def explain(self, domain: str, key: str, capabilities: Iterable[str] = ()) -> Explanation:
        """The whole decision; empty if nothing is registered under the name."""
        wanted = _names(capabilities)
        with self._table.lock:
            entries = self._best_first((domain, key))
            selection = self._selections.get((domain, key))
        remaining = [
            entry
            for entry in entries
            if selection in (None, entry.candidate.provider) and has_capabilities(entry.candidate, wanted)
        ]
        others = [entry for entry in entries if entry not in remaining]
        winner = remaining[0] if remaining else None
        ranked = tuple(
            Ranked(entry.candidate, entry.rank, entry is winner, _reason(entry, winner, remaining, selection, wanted))
            for entry in (*remaining, *others)
        )
        return Explanation(str(domain), key, selection, wanted, ranked)

    def keys(self, domain: str | None = None) -> list[tuple[str, str]]:
        """Every (domain, key) that has a candidate, sorted."""
        with self._table.lock:
            return sorted(name for name in self._table.buckets if domain in (None, name[0]))

    def unmet(self, domain: str | None = None) -> list[tuple[str, str, str]]:
        """Every (domain, key, provider) that is selected and that no candidate meets, sorted."""
        with self._table.lock:
            selected = sorted((*name, provider) for name, provider in self._selections.items())
            return [each for each in selected if domain in (None, each[0]) and self.resolve(*each) is None]

    def candidates(self, domain: str | None = None) -> list[Candidate]:
        """Every candidate, by name, best first within a name."""
        with self._table.lock:
            return [entry.candidate for name in self.keys(domain) for entry in self._best_first(name)]

    def list_active(self, domain: str) -> list[Candidate]:
        """The winners of a domain, by key."""
        winners = (self.resolve(*name) for name in self.keys(domain))
        return [winner for winner in winners if winner is not None]

    def list_shadowed(self, domain: str) -> list[Candidate]:
        """The losers of a domain, by key, best first."""
        return [each for each in self.candidates(domain) if each is not self.resolve(each.domain, each.key)]

    # -- within --------------------------------------------------------------------------------------------------------

    def _changes(
        self,
        source: CandidateSource,
        origin: str,
        wanted: Mapping[Place, Candidate],
        places: Iterable[Place],
    ) -> list[Change]:
        """What to do at which place, so that of those places ``wanted`` is all there is from ``origin``."""
        theirs = [place for place in places if place[1][1:] == (source, origin)]
        changes: list[Change] = [(*place, None) for place in theirs if place not in wanted]
        for place, candidate in wanted.items():
            entry = self._table.entry(*place)
            if entry is None or entry.candidate != candidate:
                changes.append((*place, candidate))
        return changes

    def _best_first(self, name: Name) -> list[Entry]:
        with self._table.lock:
            bucket = self._table.buckets.get(name)
            return [] if bucket is None else bucket.best_first()

    def _set_selection(self, name: Name, provider: str | None) -> None:
        if provider is None:
            self._selections.pop(name, None)
        else:
            self._selections[name] = provider

    def _nothing(self, name: Name, provider: str | None, capabilities: tuple[str, ...]) -> ResolutionError:
        domain, key = name
        asked = provider or self._selections.get(name)
        what = f"nothing answers to {domain}/{key}" + (f"/{asked}" if asked else "")
        what += f" with {', '.join(capabilities)}" if capabilities else ""
        what += ", which is selected explicitly" if asked and provider is None else ""
        offered = sorted({entry.candidate.provider for entry in self._best_first(name)})
        if offered:
            fix = f"Ask for one of its providers ({', '.join(offered)}), or register another"
        else:
            there = self.keys()
            near = [(domain, each) for each in get_close_matches(key, [other for one, other in there if one == domain])]
            near += [known for known in there if known[1] == key]
            listed = ", ".join(map("/".join, there)) or "none"
            fix = f"Did you mean {'/'.join(near[0])}" if near else f"Register a candidate; there is {listed}"
        return ResolutionError(what, fix=fix, domain=domain, key=key, provider=asked, capabilities=capabilities)


def _reason(
    entry: Entry, winner: Entry | None, remaining: list[Entry], selection: str | None, wanted: tuple[str, ...]
) -> str:
    candidate = entry.candidate
    if selection not in (None, candidate.provider):
        return f"{selection!r} is selected explicitly"
    if not has_capabilities(candidate, wanted):
        return f"lacks {', '.join(sorted(set(wanted) - candidate.capabilities))}"
    if winner is not None and entry is not winner:
        return why_lower(entry.rank, winner.rank)
    if selection is not None:
        return f"{selection!r} is selected explicitly"
    if len(remaining) == 1:
        return "the only candidate" + (" with these capabilities" if wanted else "")
    return "ranks highest"


def _placed(source: CandidateSource, origin: str, candidates: Iterable[Candidate]) -> dict[Place, Candidate]:
    wanted: dict[Place, Candidate] = {}
    for offered in candidates:
        placed = (offered.source, offered.origin) == (source, origin)
        candidate = offered if placed else replace(offered, source=source, origin=origin)
        refuse_malformed(candidate)
        place = _name(candidate), _identity(candidate)
        if place in wanted:
            raise ResolutionError(
                f"{candidate.name} is listed twice by {origin!r}",
                fix="Keep one of the two",
                name=candidate.name,
                origin=origin,
            )
        wanted[place] = candidate
    return wanted


def _name(candidate: Candidate) -> Name:
    return str(candidate.domain), candidate.key


def _identity(candidate: Candidate) -> Identity:
    return candidate.provider, candidate.source, candidate.origin


def _names(capabilities: Iterable[str]) -> tuple[str, ...]:
    return (capabilities,) if isinstance(capabilities, str) else tuple(capabilities)


def refuse_malformed(candidate: Candidate) -> None:
    """:raises ResolutionError: the domain is none of the six, or key, provider or rank are not what they must be."""
    if candidate.domain not in _DOMAINS:
        near = get_close_matches(str(candidate.domain), list(Domain), n=1)
        fix = f"Did you mean {near[0]!s}" if near else f"Use one of {', '.join(Domain)}"
        raise ResolutionError(f"there is no domain {candidate.domain!r}", fix=fix, domain=candidate.domain)
    for part in ("key", "provider"):
        text: object = getattr(candidate, part)
        if not isinstance(text, str) or not text:
            raise ResolutionError(f"the {part} of {candidate.name} is {text!r}", fix="Give it a name", **{part: text})
    for part in ("stack_level", "priority"):
        number: object = getattr(candidate, part)
        if number is not None and type(number) is not int:
            raise ResolutionError(
                f"the {part} of {candidate.name} is {number!r}",
                fix="Give a whole number, or leave it out",
                **{part: number},
            )
