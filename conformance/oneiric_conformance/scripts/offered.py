"""A component as a manifest offers it, and what a runtime makes of the manifest."""

from dataclasses import dataclass, field
from typing import Any

from oneiric_conformance.checks.manifest import (
    _BESIDE,
    _FORMATS,
    _OFFERED,
    _UNKNOWN,
    _V1,
    _V1_LEAST,
    _under,
    _unfit_for_one,
)
from oneiric_conformance.handling.offer import JSON, SOURCE, Document, as_json, document_of, fit_part, published, sign
from oneiric_conformance.handling.plain import same
from oneiric_conformance.scripts.base import expect
from oneiric_conformance.scripts.hosting import CORE_RUNTIME, hosted

__all__ = ["Offered", "man_001", "man_004", "man_005", "man_006"]


@dataclass
class Offered:
    """The entry of a manifest that offers the component, and what makes the runtime that reads it."""

    entry: dict[str, Any]
    limits: dict[str, float] = field(default_factory=dict)
    runtime: str = CORE_RUNTIME

    async def believed(self, document: bytes, media_type: str, told: str) -> None:
        async with hosted(self.runtime, self.limits) as runtime:
            answer = await runtime.verify(document, media_type)
        expect(answer.ok, f"the manifest {told} was refused with {answer.kind}: {answer.reason}", "accepted")

    async def refused(self, document: Document, told: str) -> None:
        async with hosted(self.runtime, self.limits) as runtime:
            for way in (runtime.verify, runtime.sync):
                answer = await way(as_json(document), JSON)
                seen = f"refused with {answer.kind}" if answer.kind else "accepted"
                expect(answer.kind == "SignatureError", f"a manifest {told} was {seen}", "refused with SignatureError")

    async def explained(self, entry: Document) -> Any:
        async with hosted(self.runtime, self.limits) as runtime:
            answer = await runtime.sync(as_json(sign(document_of([entry]))), JSON)
            expect(answer.ok, f"the manifest was refused with {answer.kind}: {answer.reason}", "accepted")
            told = await runtime.explain(entry["domain"], entry["key"])
        expect(entry["provider"] in told, f"explain() names {', '.join(told) or 'nobody'}", "the component's provider")
        return told[entry["provider"]]


async def man_001(offered: Offered, example: Any, payloads: Any) -> None:
    """The entry survives being written and read as JSON and as YAML, and a runtime accepts it."""
    del example, payloads
    full = fit_part(offered.entry)
    least = {name: full[name] for name in ("domain", "key", "provider", "factory")}
    for media_type, write, read in _FORMATS:
        await offered.believed(write(sign(document_of([least]))), media_type, "with name and factory alone")
        written = write(sign(document_of([full])))
        again = read(written)["entries"][0]
        expect(same(again, full), f"as {media_type} the entry came back as {again!r}", f"{full!r}")
        await offered.believed(written, media_type, f"as {media_type}")


async def man_004(offered: Offered, example: Any, payloads: Any) -> None:
    """What version 1 has a field for is there, of its type, and accepted without anything newer."""
    del example, payloads
    view = {name: value for name, value in offered.entry.items() if name in _V1}
    expect(not _unfit_for_one(view), _unfit_for_one(view), f"{', '.join(_V1_LEAST)}, and whole numbers for ranks")
    fields = {"source": SOURCE, "entries": [fit_part(view)]}
    for told, document in (("of version 1", {"schema_version": 1, **fields}), ("that names no version", fields)):
        await offered.believed(as_json(sign(document)), JSON, told)


async def man_005(offered: Offered, example: Any, payloads: Any) -> None:
    """A field that nobody knows is accepted, told by explain() as it was written, and covered by the signature."""
    del example, payloads
    entry = {**fit_part(offered.entry), **_UNKNOWN}
    told = await offered.explained(entry)
    for name, value in _UNKNOWN.items():
        found = [*_under(told, name)]
        expect(any(same(each, value) for each in found), f"of {name} explain() says {found}", f"{value!r}")
    signed = sign(document_of([entry]))
    for name in _UNKNOWN:
        less = {key: value for key, value in entry.items() if key != name}
        await offered.refused({**signed, "entries": [{**entry, name: "other"}]}, f"whose {name} was changed")
        await offered.refused({**signed, "entries": [less]}, f"whose {name} is gone")


async def man_006(offered: Offered, example: Any, payloads: Any) -> None:
    """Everything that the entry says is in the candidate's metadata, under its published name."""
    del example, payloads
    entry = fit_part({**offered.entry, **_OFFERED})
    told = await offered.explained(entry)
    for name, value in published(entry).items():
        found = (told if name in _BESIDE else told["metadata"]).get(name)
        expect(same(found, value), f"the entry says that {name} is {value!r}, and explain() says {found!r}", "the same")
