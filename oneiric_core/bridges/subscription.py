"""Which events a handler hears: topics, filters, priority, concurrency and fan-out, as declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from oneiric_core.bridges.unreadable import unreadable
from oneiric_core.components import Candidate, EventEnvelope

__all__ = ["FanOut", "Filter", "Subscription"]

_ABSENT: Final = object()
_PATHS: Final = ("path", "field")
_CONDITIONS: Final = {
    "equals": "equals",
    "value": "equals",
    "any_of": "any_of",
    "one_of": "any_of",
    "in": "any_of",
    "exists": "exists",
}


class FanOut(StrEnum):
    """Who else hears an event that this handler hears."""

    BROADCAST = "broadcast"
    EXCLUSIVE = "exclusive"


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on an event; all that are given must hold.

    :param path: ``topic``, ``payload.a.b``, ``headers.a``, or ``a.b`` for a path in the payload.
    :param equals: a list of one value, or empty. A missing value equals nothing, and true is not 1.
    :param any_of: the allowed values; None allows all.
    :param exists: whether there must be a value (null is one); None for either.
    """

    path: str
    equals: tuple[Any, ...] = ()
    any_of: tuple[Any, ...] | None = None
    exists: bool | None = None

    def matches(self, envelope: EventEnvelope) -> bool:
        value = _look_up(envelope, self.path)
        if self.exists is not None and self.exists is (value is _ABSENT):
            return False
        if self.equals and not _same(value, self.equals[0]):
            return False
        return self.any_of is None or any(_same(value, allowed) for allowed in self.any_of)


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one event handler declares.

    :param topics: the topics it hears; empty for all.
    :param priority: handlers are asked in descending order.
    :param max_concurrency: how many events it handles at a time.
    """

    topics: frozenset[str] = frozenset()
    filters: tuple[Filter, ...] = ()
    priority: int = 0
    max_concurrency: int = 1
    fan_out: FanOut = FanOut.BROADCAST

    @classmethod
    def of(cls, candidate: Candidate) -> "Subscription":
        """What a candidate declares.

        :raises ResolutionError: it cannot be read.
        """
        metadata, name = candidate.metadata, candidate.name
        topics = _list(name, "topics", metadata.get("topics"), str)
        filters = _list(name, "filters", metadata.get("filters"), Mapping)
        limit = metadata.get("max_concurrency", 1)
        if type(limit) is not int or limit < 1:
            raise unreadable(name, "max_concurrency", limit, "Give a whole number of at least 1")
        priority = metadata.get("event_priority")
        if priority is not None and type(priority) is not int:
            raise unreadable(name, "event_priority", priority, "Give a whole number, or leave it out")
        policy = metadata.get("fanout_policy") or FanOut.BROADCAST
        if policy not in set(FanOut):
            raise unreadable(name, "fanout_policy", policy, f"Use {' or '.join(FanOut)}")
        return cls(
            frozenset(topics),
            tuple(_parse_filter(name, f"filters[{index}]", entry) for index, entry in enumerate(filters)),
            (candidate.priority or 0) if priority is None else priority,
            limit,
            FanOut(policy),
        )

    def hears(self, envelope: EventEnvelope) -> bool:
        return (not self.topics or envelope.topic in self.topics) and all(
            each.matches(envelope) for each in self.filters
        )


def _parse_filter(name: str, where: str, entry: Mapping[str, Any]) -> Filter:
    path: object = None
    conditions: dict[str, Any] = {}
    for written, value in entry.items():
        if written in _PATHS:
            path = value
        elif written in _CONDITIONS:
            conditions[_CONDITIONS[written]] = value
        else:
            raise unreadable(name, where, written, "Use path, and equals, any_of or exists")
    if not isinstance(path, str) or not all(path.split(".")):
        raise unreadable(name, f"{where}.path", path, 'Give a path, for example "payload.region"')
    if not conditions:
        raise unreadable(name, where, dict(entry), "Add equals, any_of or exists")
    any_of = conditions.get("any_of")
    if "any_of" in conditions and not isinstance(any_of, list | tuple):
        raise unreadable(name, f"{where}.any_of", any_of, "Give a list of values")
    exists = conditions.get("exists")
    if exists is not None and not isinstance(exists, bool):
        raise unreadable(name, f"{where}.exists", exists, "Give true or false")
    equals = (conditions["equals"],) if "equals" in conditions else ()
    return Filter(path, equals, None if any_of is None else tuple(any_of), exists)


def _look_up(envelope: EventEnvelope, path: str) -> object:
    first, *rest = path.split(".")
    if first == "topic" and not rest:
        return envelope.topic
    if first not in {"payload", "headers"}:
        first, rest = "payload", path.split(".")
    found: object = envelope.payload if first == "payload" else envelope.headers
    for segment in rest:
        if not isinstance(found, Mapping) or segment not in found:
            return _ABSENT
        found = found[segment]
    return found


def _same(value: object, wanted: object) -> bool:
    """Equality of JSON values, in which true is not 1."""
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _list(name: str, where: str, value: object, kind: type[Any]) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple) or not all(isinstance(item, kind) for item in value):
        raise unreadable(name, where, value, "Give a list of texts" if kind is str else "Give a list of mappings")
    return list(value)
