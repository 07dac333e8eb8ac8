"""MAN: what becomes of a component when it is offered in a manifest."""

import json
from collections.abc import Callable
from typing import Any, Final

import yaml

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import (
    JSON,
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


def _can_be_offered(subject: Subject) -> str:
    if not has_plain_names(subject):
        return "its name is not one a manifest can hold"
    return "" if has_import_path(subject) else "its factory has no import path"


@check("MAN-001", judges="component", level="must", since="2026.1", floor=2, applies=_can_be_offered)
def its_entry_round_trips(bench: Bench) -> None:
    """The manifest entry generated from the component survives being written and read as JSON and as YAML, and a
    runtime accepts it.

    Troubleshooting: a declared field of the wrong type or form (timeout_seconds as text, a retry policy without
    numbers, a filter with two conditions, a graph with a circle); the reason names the field.
    """
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
        ("no escapes", json.dumps(signed, ensure_ascii=False)),
        ("blanks around", f" \n{json.dumps(signed)}\n "),
    ]


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
