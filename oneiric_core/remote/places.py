"""What a resolver has had synced into it, place by place. It lives as long as the resolver."""

import asyncio
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from oneiric_core.remote.sources import Kept
from oneiric_core.remote.standing import Standing
from oneiric_core.resolver import Resolver

__all__ = ["Places", "places_of"]


@dataclass(slots=True)
class Places:
    """:param applying: held while a manifest is applied: two at once must not interleave, whoever began them.
    :param looking: by location, held from looking for a manifest until it stands: two who look at once at one place
        would otherwise ask twice, and the later one's answer could be the older.
    :param standing: by location, what was applied last.
    :param serving: by location, the bytes of what was applied last, where they came from a file or a server.
    """

    applying: asyncio.Lock = field(default_factory=asyncio.Lock)
    looking: dict[str, asyncio.Lock] = field(default_factory=dict)
    standing: dict[str, Standing] = field(default_factory=dict)
    serving: dict[str, Kept] = field(default_factory=dict)


_places: "Final[WeakKeyDictionary[Resolver, Places]]" = WeakKeyDictionary()


def places_of(resolver: Resolver) -> Places:
    return _places.setdefault(resolver, Places())
