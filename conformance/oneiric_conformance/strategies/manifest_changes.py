"""A signed document, changed: any value, key, piece of structure or entry; and the same document, spelt otherwise."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy, composite

__all__ = ["Change", "changed_documents", "nasty_changes", "respellings"]

Path: TypeAlias = tuple[str | int, ...]
Document: TypeAlias = dict[str, Any]

_SIGNATURE_FIELDS: Final = frozenset({"signature", "signature_algorithm", "signatures"})
_OTHER_VALUES: Final[tuple[Any, ...]] = (0, 1, -1, 1.5, True, False, None, "", "x", [], {}, ["x"], {"x": 1})
_KEYS: Final = ("x-added", "priority", "stack_level", "sha256", "factory", "a b", "é")


@dataclass(frozen=True, slots=True)
class Change:
    """A document that differs from the one that was signed in what the signature covers.

    :param told: what was changed, as a sentence without its full stop.
    """

    told: str
    document: Document


def changed_documents(signed: Mapping[str, Any]) -> SearchStrategy[Change]:
    """``signed`` with one thing changed that is not its signature."""
    covered = _covered(signed)
    return _changes(signed).filter(lambda change: _covered(change.document) != covered)


def nasty_changes(signed: Mapping[str, Any]) -> list[Change]:
    """The changes an attacker would make first; ``signed`` has at least one entry, with a factory."""
    tries: list[tuple[str, Callable[[Document], object]]] = [
        ("the first entry's factory is another", lambda d: d["entries"][0].update(factory="os:system")),
        ("the first entry has a digest of its own", lambda d: d["entries"][0].update(sha256="0" * 64)),
        ("the first entry comes from elsewhere", lambda d: d["entries"][0].update(uri="https://example.invalid/x.whl")),
        ("the first entry has a higher priority", lambda d: d["entries"][0].update(priority=1000)),
        ("the first entry appears twice", lambda d: d["entries"].append(copy.deepcopy(d["entries"][0]))),
        ("an entry was added", lambda d: d["entries"].append({**copy.deepcopy(d["entries"][0]), "provider": "other"})),
        ("the first entry is gone", lambda d: d["entries"].pop(0)),
        ("all entries are gone", lambda d: d["entries"].clear()),
        ("the source is another", lambda d: d.update(source="somewhere-else")),
        ("an unknown field was added", lambda d: d.update({"x-added": "x"})),
        ("the unknown field was changed", lambda d: d.update({"x-note": "changed"})),
        ("an unknown field was added to the first entry", lambda d: d["entries"][0].update({"x-added": 1})),
        ("the sequence number is higher", lambda d: d.update(sequence_number=int(d["sequence_number"]) + 1)),
        ("the expiry is gone", lambda d: d.pop("expires_at")),
    ]
    return [Change(told, _after(signed, act)) for told, act in tries]


@composite
def respellings(draw: DrawFn, signed: Mapping[str, Any]) -> tuple[str, str]:
    """The same document in another order of keys, with other whitespace and other escapes: what was done, JSON text."""
    order = draw(st.sampled_from(("as it was", "reversed", "sorted", "shuffled")))
    indent = draw(st.sampled_from((None, 0, 1, 2, 4, "\t")))
    separators = draw(st.sampled_from(((",", ":"), (", ", ": "), (" , ", " : "), (",\n", ":\t"))))
    ascii_only = draw(st.booleans())
    around = draw(st.sampled_from(("", "\n", " \n\t")))
    document = _reordered(signed, lambda keys: _order(draw, order, keys))
    text = json.dumps(document, indent=indent, separators=separators, ensure_ascii=ascii_only)
    return f"keys {order}, indent {indent!r}, separators {separators!r}, ASCII {ascii_only}", around + text + around


def _order(draw: DrawFn, order: str, keys: list[str]) -> list[str]:
    if order == "shuffled":
        return draw(st.permutations(keys))
    return {"reversed": keys[::-1], "sorted": sorted(keys)}.get(order, keys)


def _reordered(value: Any, order: Callable[[list[str]], list[str]]) -> Any:
    if isinstance(value, Mapping):
        return {key: _reordered(value[key], order) for key in order(list(value))}
    if isinstance(value, list):
        return [_reordered(item, order) for item in value]
    return value


def _covered(document: Mapping[str, Any]) -> str:
    content = {key: value for key, value in document.items() if key not in _SIGNATURE_FIELDS}
    return json.dumps(content, sort_keys=True)


def _after(signed: Mapping[str, Any], act: Callable[[Document], object]) -> Document:
    document = copy.deepcopy(dict(signed))
    act(document)
    return document


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all values below ``value``, the signature's own left out."""
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        if path or key not in _SIGNATURE_FIELDS:
            yield (*path, key)
            yield from _places(item, (*path, key))


@composite
def _changes(draw: DrawFn, signed: Mapping[str, Any]) -> Change:
    places = list(_places(signed))
    path = draw(st.sampled_from(places))
    document = copy.deepcopy(dict(signed))
    holder: Any = document
    for step in path[:-1]:
        holder = holder[step]
    told = draw(_act(holder, path[-1]))
    return Change(f"{'.'.join(map(str, path))}: {told}", document)


@composite
def _act(draw: DrawFn, holder: Any, step: Any) -> str:
    """Change ``holder[step]`` in place and say how."""
    kinds = [
        "replaced",
        "altered",
        "removed",
        "wrapped",
        "repeated" if isinstance(holder, list) else "renamed",
        "joined",
    ]
    kind = draw(st.sampled_from(kinds))
    value = holder[step]
    if kind == "replaced":
        holder[step] = draw(st.sampled_from(_OTHER_VALUES))
    elif kind == "altered":
        holder[step] = _altered(value)
    elif kind == "removed":
        del holder[step]
    elif kind == "wrapped":
        holder[step] = draw(st.sampled_from(([value], {"value": value})))
    elif kind == "repeated":
        holder.insert(draw(st.integers(0, len(holder))), copy.deepcopy(value))
    elif kind == "renamed":
        holder[draw(st.sampled_from((f"{step}_", str(step).upper(), f" {step}")))] = holder.pop(step)
    elif isinstance(holder, dict):
        holder[draw(st.sampled_from(_KEYS))] = draw(st.sampled_from(_OTHER_VALUES))
        kind = "a field was added beside it"
    else:
        holder.reverse()
        kind = "the list was reversed"
    return kind


def _altered(value: Any) -> Any:
    """Something close to ``value``: the smallest change of its kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value.swapcase() if value.swapcase() != value else f"{value} "
    if isinstance(value, list):
        return [*value, None]
    if isinstance(value, dict):
        return {**value, "x-added": 1}
    return 0
