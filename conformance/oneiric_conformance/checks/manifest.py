"""MAN: what becomes of a component when it is offered in a manifest."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import yaml

from oneiric_conformance.handling.believing import Question, asking_again, expect_refused
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import (
    JSON,
    SOURCE,
    YAML,
    Document,
    as_json,
    as_yaml,
    document_of,
    entry_of,
    fit_part,
    has_import_path,
    has_plain_names,
    offered,
    published,
    sign,
    unfit_for_json,
)
from oneiric_conformance.handling.plain import same
from oneiric_conformance.registry import check
from oneiric_conformance.strategies import respellings
from oneiric_conformance.subject import Subject

__all__: list[str] = []

_FORMATS: Final[tuple[tuple[str, Callable[[Document], bytes], Callable[[bytes], Any]], ...]] = (
    (JSON, as_json, json.loads),
    (YAML, as_yaml, yaml.safe_load),
)
_V1: Final[Mapping[str, type]] = {
    **dict.fromkeys(("domain", "key", "provider", "factory", "uri", "sha256", "version"), str),
    **dict.fromkeys(("stack_level", "priority"), int),
    "metadata": dict,
}
"""The fields of an entry that version 1 of the manifest has."""
_V1_LEAST: Final = {"domain": "task", "key": "key", "provider": "provider", "factory": "module:attribute"}
_UNKNOWN: Final[Mapping[str, Any]] = {
    "x-conformance": "kept",
    "x-conformance-nested": {"list": [1, 1.5, True, None, {"deep": ""}], "text": "é"},
}
_OFFERED: Final = {"owner": "conformance", "priority": 3, "stack_level": 2}
"""So that there is something to pass on, whatever the component declares."""
_BESIDE: Final = frozenset({"factory", "priority", "stack_level"})
"""What a candidate has beside its metadata."""


def _can_be_offered(subject: Subject) -> str:
    if not has_plain_names(subject):
        return "its name is not one a manifest can hold"
    return "" if has_import_path(subject) else "its factory has no import path"


@check("MAN-001", judges="component", level="must", since="2026.1", floor=2, applies=_can_be_offered)
def its_entry_round_trips(bench: Bench) -> None:
    """The manifest entry generated from the component survives being written and read as JSON and as YAML, and a
    runtime accepts it.

    Troubleshooting: a declared field of the wrong type or form (timeout_seconds as text, a retry policy without
    numbers, a filter with two conditions); the reason names the field.
    """
    bench.refuse_unrunnable()
    full = fit_part(entry_of(bench.subject))
    least: Document = {name: full[name] for name in ("domain", "key", "provider", "factory") if name in full}
    for media_type, write, read in _FORMATS:
        with bench.control(f"its name and factory alone are accepted as {media_type}"):
            _accepted(bench, write(sign(document_of([least]))), media_type)
        written = write(sign(document_of([full])))
        again = read(written)["entries"][0]
        bench.expect(
            same(again, full), seen=f"as {media_type} the entry {full!r} came back as {again!r}", expected="the same"
        )
        _accepted(bench, written, media_type)
        bench.exercised()


def _accepted(bench: Bench, document: bytes, media_type: str, told: str = "") -> None:
    async def verify() -> tuple[bool, str, str]:
        async with bench.runtime() as runtime:
            verdict = await runtime.verify(document, media_type)
            return verdict.ok, verdict.kind, verdict.reason

    with asking_again(bench, Question(document, bench.trust, media_type=media_type)):
        ok, kind, reason = bench.run(verify())
        bench.expect(ok, seen=f"the runtime refused the manifest{told} with {kind}: {reason}", expected="accepted")


@check("MAN-002", judges="runtime", level="must", since="2026.1", floor=8)
def a_signature_does_not_depend_on_spelling(bench: Bench) -> None:
    """A signed manifest is believed in JSON and YAML alike, whatever the order of its keys, its whitespace and its
    escapes.

    Troubleshooting: a signature that covers the bytes of the file, or a canonical form that keeps the order in which
    keys were read; sort the keys, and write neither blanks nor anything but ASCII.
    """
    signed = sign(document_of(offered(bench.package.subjects)))
    text = as_json(signed)
    with bench.control("as it was written, it is believed"):
        _accepted(bench, text, JSON)

    def believed(spelling: tuple[str, str]) -> None:
        _accepted(bench, spelling[1].encode("utf-8"), JSON, f" written with {spelling[0]}")

    bench.for_all(respellings(signed), believed, nasty=_spellings(signed), show=lambda spelling: spelling[0])
    for flow in (True, False, None):
        _accepted(bench, as_yaml(signed, flow=flow), YAML, " written as YAML")
        bench.exercised()


def _spellings(signed: Document) -> list[tuple[str, str]]:
    backwards = dict(reversed(signed.items()))
    return [
        ("keys sorted", json.dumps(signed, sort_keys=True)),
        ("keys reversed", json.dumps(backwards)),
        ("no blanks", json.dumps(signed, separators=(",", ":"))),
        ("many blanks", json.dumps(signed, indent=8)),
        ("no escapes", json.dumps(signed, ensure_ascii=False, indent=2)),
        ("blanks around", f" \n{json.dumps(signed)}\n "),
    ]


@check("MAN-004", judges="component", level="must", since="2026.1", floor=3, applies=_can_be_offered)
def readers_of_version_one_can_use_it(bench: Bench) -> None:
    """What version 1 of the manifest has a field for is there and of that version's type, and a runtime accepts the
    entry without anything newer.

    Troubleshooting: a priority or stack level that is no whole number, a version that is no text, or a runtime that
    asks for fields which version 1 did not have.
    """
    with bench.control("a priority in words would be noticed"):
        bench.expect(bool(_unfit_for_one({**_V1_LEAST, "priority": "high"})), seen="it was not")
    view: Document = {name: value for name, value in entry_of(bench.subject).items() if name in _V1}
    fault = _unfit_for_one(view)
    bench.expect(not fault, seen=fault, expected="what version 1 says")
    bench.exercised()
    fields = {"source": SOURCE, "entries": [fit_part(view)]}
    for told, document in (("with version 1", {"schema_version": 1, **fields}), ("that names no version", fields)):
        _accepted(bench, as_json(sign(document)), JSON, f" {told}")
        bench.exercised()


def _unfit_for_one(view: Mapping[str, Any]) -> str:
    missing = [name for name in _V1_LEAST if name not in view]
    if missing:
        return f"it has no {', '.join(missing)}"
    for name, value in view.items():
        kind = _V1[name]
        fits = isinstance(value, kind) and (kind is not int or type(value) is int)
        if not fits:
            return f"{name} is {value!r}, a {type(value).__name__}"
    return ""


@check("MAN-005", judges="component", level="must", since="2026.1", floor=6, applies=_can_be_offered)
def unknown_fields_survive_and_are_signed(bench: Bench) -> None:
    """A field that no version of the format knows is accepted, is told by ``explain`` as it was written, and is covered
    by the signature.

    Troubleshooting: a model that refuses or drops what it does not know, or a signature over the fields of a model
    instead of the document: a newer publisher must not break an older runtime, nor lose its signature there.
    """
    bench.refuse_unrunnable()
    plain = fit_part(entry_of(bench.subject))
    with bench.control("without them it is accepted, and explained"):
        bench.run(_explained(bench, plain))
    entry = {**plain, **_UNKNOWN}
    told = bench.run(_explained(bench, entry))
    for name, value in _UNKNOWN.items():
        found = [*_under(told, name)]
        seen = f"of the unknown field {name}, which is {value!r}, explain() says {found[0]!r}" if found else ""
        seen = seen or f"explain() says nothing of the unknown field {name}"
        bench.expect(any(same(each, value) for each in found), seen=seen, expected=f"{value!r}")
        bench.exercised()
    signed = sign(document_of([entry]))
    for name in _UNKNOWN:
        less = {key: value for key, value in entry.items() if key != name}
        for words, changed in (("was changed", {**entry, name: "other"}), ("is gone", less)):
            expect_refused(bench, {**signed, "entries": [changed]}, f"an unknown field that {words} after signing")
            bench.exercised()


async def _explained(bench: Bench, entry: Document) -> Mapping[str, Any]:
    """What the runtime says about the candidate, once it was offered with ``entry``."""
    async with bench.runtime() as runtime:
        outcome = await runtime.sync(as_json(sign(document_of([entry]))), JSON)
        bench.expect(outcome.ok, seen=f"it was refused with {outcome.kind}: {outcome.reason}", expected="accepted")
        told = await runtime.explain(entry["domain"], entry["key"])
    named = ", ".join(told) or "no provider at all"
    provider = entry["provider"]
    bench.expect(provider in told, seen=f"explain() names {named}, not {provider}", expected="the candidate")
    return told[provider]


def _under(value: Any, name: str) -> Iterator[Any]:
    """Everything that stands under a name, at any depth."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == name:
                yield item
            yield from _under(item, name)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _under(item, name)


@check("MAN-006", judges="component", level="must", since="2026.1", floor=2, applies=_can_be_offered)
def everything_reaches_the_candidate(bench: Bench) -> None:
    """Everything that a manifest says about the component is in the candidate's metadata, under its published name, and
    in ``explain``.

    Troubleshooting: an entry that cannot run here and is left out (see META-007), fields that are read and not passed
    on, or passed on under the manifest's name instead of the published one (``topics``, not ``event_topics``).
    """
    bench.refuse_unrunnable()
    entry = fit_part({**entry_of(bench.subject), **_OFFERED})
    with bench.control("it is accepted, and explained"):
        told = bench.run(_explained(bench, entry))
    found = told.get("metadata")
    metadata: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    for name, value in published(entry).items():
        place = told if name in _BESIDE else metadata
        seen = f"the manifest says that {name} is {value!r:.100}, and explain() says {place.get(name)!r:.100}"
        bench.expect(same(place.get(name), value), seen=seen, expected="the same")
        bench.exercised()


@check("MAN-003", judges="component", level="must", since="2026.1")
def its_metadata_is_plain_json(bench: Bench) -> None:
    """Metadata is plain JSON data: no NaN or infinity, no dates, no integer beyond 2^53 - 1, no key that is not text.

    Troubleshooting: a date, a path, a set or a class among the declared extras; write them as text or as a list.
    """
    with bench.control("a number that JSON cannot write would be noticed"):
        bench.expect(bool(unfit_for_json({**bench.subject.metadata, "nan": float("nan")})), seen="it was not")
    declared = {
        "priority": bench.subject.priority,
        "stack_level": bench.subject.stack_level,
        "metadata": dict(bench.subject.metadata),
    }
    fault = unfit_for_json(declared)
    bench.expect(not fault, seen=fault)
    bench.exercised()
