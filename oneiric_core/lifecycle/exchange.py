"""What shall be published under some names: asked when nobody else can change them, and once more when all is ready."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from oneiric_core.components import Candidate
from oneiric_core.resolver import Resolver

__all__ = ["Asked", "Exchange"]

_Name: TypeAlias = tuple[str, str]


class Exchange(ABC):
    """A choice of candidates by (domain, key), always of the same names.

    While instances are made others may register, select and publish. So that nothing is published which nobody wants
    any more, the choice is confirmed at the moment of publication: nothing suspends between the two.
    """

    @property
    def retire(self) -> AbstractSet[_Name]:
        """Names under which nothing is published any more, from the same moment on."""
        return frozenset()

    @abstractmethod
    def choose(self) -> Mapping[_Name, Candidate]:
        """What to make."""

    @abstractmethod
    def commit(self, chosen: Mapping[_Name, Candidate]) -> bool:
        """Whether what was made of ``chosen`` may be published at once; if not, it is given up, and chosen anew.

        What this raises gives it up for good.
        """


class Asked(Exchange):
    """What a resolver says to somebody who asks by name, and by provider or None.

    :raises ResolutionError: of both methods: there is no such candidate.
    """

    def __init__(self, resolver: Resolver, wanted: Mapping[_Name, str | None]) -> None:
        self._resolver = resolver
        self._wanted = wanted

    def choose(self) -> Mapping[_Name, Candidate]:
        return {name: self._resolver.require(*name, provider) for name, provider in self._wanted.items()}

    def commit(self, chosen: Mapping[_Name, Candidate]) -> bool:
        return self.choose() == chosen
