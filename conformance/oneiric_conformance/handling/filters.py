"""What a handler's topics and filters mean, read from the specification and not from the code under judgement."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import lcm
from typing import Any, Final

from oneiric_conformance.handling.plain import same

__all__ = ["fulfilled", "hears", "known_at", "missed", "rules_of", "turns"]

Event = dict[str, Any]
"""``topic``, ``payload`` and ``headers``."""

_NAMES: Final[Mapping[str, str]] = {"field": "path", "value": "equals", "one_of": "any_of", "in": "any_of"}
"""Other names that published declarations have for the same."""
_ABSENT: Final = object()
_NO_VALUE: Final = "conformance: no such value"


def rules_of(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The declared filters, each with ``path`` and ``equals``, ``any_of`` or ``exists``."""
    declared = [rule for rule in metadata.get("filters") or () if isinstance(rule, Mapping)]
    return [{_NAMES.get(name, name): value for name, value in rule.items()} for rule in declared]


def hears(metadata: Mapping[str, Any], event: Event) -> bool:
    """Whether an event is for the handler: one of its topics (any, if it has none), and all filters hold."""
    topics = metadata.get("topics") or [event["topic"]]
    return event["topic"] in topics and all(_holds(rule, event) for rule in rules_of(metadata))


def turns(metadata: Mapping[str, Any]) -> int:
    """How many events it takes until each value that a filter allows has been in one."""
    return max((len(rule.get("any_of") or ()) for rule in rules_of(metadata)), default=0)


def known_at(payloads: Iterable[Any], rule: Mapping[str, Any]) -> list[Any]:
    """What payloads have at the rule's path, if they differ in that."""
    found: list[Any] = []
    for payload in payloads:
        holder, last = _holder({"topic": "", "payload": copy.deepcopy(payload), "headers": {}}, rule)
        if last in holder and not any(same(holder[last], known) for known in found):
            found.append(holder[last])
    return found if len(found) > 1 else []


def fulfilled(
    event: Event, rule: Mapping[str, Any], number: int = 0, topics: int = 1, known: Sequence[Any] = ()
) -> None:
    """Change the event so that ``rule`` lets it through.

    :param number: which event it is: what a rule leaves open is something else in each. Of several values that are
        allowed each has its turn, with each of so many ``topics`` that have theirs.
    :param known: what can stand where something has to be; else it is a text.
    """
    holder, last = _holder(event, rule)
    if holder is event:  # the topic is chosen from those declared
        return
    if rule.get("exists") is False:
        holder.pop(last, None)
    elif "equals" in rule:
        holder[last] = copy.deepcopy(rule["equals"])
    elif rule.get("any_of"):
        turn = number + number // lcm(topics, len(rule["any_of"]))
        holder[last] = copy.deepcopy(rule["any_of"][turn % len(rule["any_of"])])
    else:
        holder.setdefault(last, copy.deepcopy(known[number % len(known)]) if known else f"present {number}")


def missed(metadata: Mapping[str, Any], event: Event) -> Iterator[tuple[str, Event]]:
    """The event changed in one way each so that the handler must not hear it, and what was changed."""
    if metadata.get("topics"):
        yield "another topic", {**copy.deepcopy(event), "topic": "conformance.undeclared"}
        yield "a topic that begins like one of its own", {**copy.deepcopy(event), "topic": f"{event['topic']}.more"}
    for rule in rules_of(metadata):
        for value in (_ABSENT, _NO_VALUE, None, True):
            changed = copy.deepcopy(event)
            holder, last = _holder(changed, rule)
            if holder is changed:
                continue
            holder.pop(last, None)
            if value is not _ABSENT:
                holder[last] = value
            if not hears(metadata, changed):
                told = "nothing" if value is _ABSENT else repr(value)
                yield f"{told} at {rule['path']}", changed


def _holds(rule: Mapping[str, Any], event: Event) -> bool:
    holder, last = _holder(copy.deepcopy(event), rule)
    found = holder.get(last, _ABSENT)
    if isinstance(rule.get("exists"), bool) and rule["exists"] is (found is _ABSENT):
        return False
    if "equals" in rule and not _equal(found, rule["equals"]):
        return False
    return rule.get("any_of") is None or any(_equal(found, allowed) for allowed in rule["any_of"])


def _equal(found: object, wanted: object) -> bool:
    numbers = isinstance(found, int | float) and isinstance(wanted, int | float)
    if numbers and bool not in {type(found), type(wanted)}:
        return bool(found == wanted)
    return same(found, wanted)


def _holder(event: Event, rule: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Where the value at the rule's path is or would be, and its name there; objects on the way are made."""
    *way, last = str(rule.get("path", "")).split(".")
    if not way and last == "topic":
        return event, last
    holder: Any = event["payload"]
    if way and way[0] in {"payload", "headers"}:
        holder, way = event[way[0]], way[1:]
    for step in way:
        if not isinstance(holder.get(step), dict):
            holder[step] = {}
        holder = holder[step]
    return holder, last
