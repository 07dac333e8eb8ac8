"""Components that no manifest can carry, and runtimes that verify something other than the document."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mutants import mutant, reference
from mutants.laundering import Laundering
from oneiric_conformance.handling.offer import JSON, YAML, as_json
from oneiric_conformance.subject import Package
from oneiric_core import ManifestError, OneiricError
from oneiric_core.manifest import parse_document
from oneiric_core.testing import CoreRuntime


def _declaring(**metadata: Any) -> Package:
    """A component that declares ``metadata`` besides what it should."""
    subject = reference.subject_of(reference.Slugify)
    return reference.package(reference.subject_of(reference.Slugify, metadata={**subject.metadata, **metadata}))


_NEVER_WRITTEN = dict.fromkeys(("MAN-005", "MAN-006", "META-007"), "its entry is no better there")


@mutant("MAN-001", expects="os_platform", also=_NEVER_WRITTEN)
def platform_as_text() -> Package:
    """Its platforms are one text instead of a list."""
    return _declaring(os_platform="linux")


@mutant("MAN-001", expects="requires", also=_NEVER_WRITTEN)
def unreadable_dependency() -> Package:
    """It requires something in a form that nobody reads."""
    return _declaring(requires=["acme, the newest"])


@mutant("MAN-001", expects="python_version", also=_NEVER_WRITTEN)
def unreadable_requirement() -> Package:
    """It says for which Python it is in a form that nobody reads."""
    return _declaring(python_version="three or so")


_NEVER_HELD = dict.fromkeys(("MAN-001", "MAN-005"), "nor can any version of the manifest hold it")
_AS_SIGNED = {
    "x-conformance": "kept",
    "x-conformance-nested": {"list": [1, 1.5, True, None, {"deep": ""}], "text": "é"},
}
_YAML_TOO = {"MAN-001": "the component's own entry is offered as YAML too"}


@mutant("MAN-002", expects="written with", also=_YAML_TOO)
class SignsTheBytes(Laundering):
    """Verifies the bytes of the file, blanks and all."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        return super().believes(document, data) and data == as_json(document)


@mutant(
    "MAN-002",
    expects="written with keys sorted",
    also=dict.fromkeys(("MAN-004", "SIG-009", "SIG-010"), "what is signed there has its keys in other orders, too"),
)
class KeepsTheOrder(Laundering):
    """Its canonical form keeps the order in which the keys stood."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        names = [name for name in document if not name.startswith("signature")]
        written = ["schema_version", "source", "sequence_number", "signed_at", "expires_at", "x-note", "entries"]
        return super().believes(document, data) and names == written


@mutant("MAN-002", expects="written as YAML", also=_YAML_TOO)
class NoYaml(Laundering):
    """Reads JSON only."""

    def read(self, data: bytes, media_type: str) -> dict[str, Any]:
        if media_type == YAML:
            raise OneiricError(f"{media_type} is not read here", fix="Write JSON")
        return super().read(data, media_type)


@mutant("MAN-003", expects="nan")
def not_a_number() -> Package:
    """Its metadata holds NaN."""
    return _declaring(ratio=float("nan"))


@mutant("MAN-003", expects="datetime")
def date_in_metadata() -> Package:
    """Its metadata holds a date."""
    return _declaring(released=datetime(2026, 1, 1, tzinfo=UTC))


@mutant("MAN-003", expects="2^53")
def large_integer() -> Package:
    """Its metadata holds an integer that JSON readers round."""
    return _declaring(build=2**53)


@mutant("MAN-003", expects="not a string")
def numbers_for_keys() -> Package:
    """Its metadata has keys that are numbers."""
    return _declaring(names={1: "one"})


@mutant("MAN-003", expects="Path")
def path_in_metadata() -> Package:
    """Its metadata holds a path object."""
    return _declaring(home=Path("data"))


@mutant("MAN-004", expects="stack_level is 'top'", also=_NEVER_HELD)
def level_in_words() -> Package:
    """It says in words how high it stands."""
    return reference.package(reference.subject_of(reference.Slugify, stack_level="top"))


@mutant("MAN-004", expects="the manifest with version 1 with ManifestError")
class AsksForVersionTwo(CoreRuntime):
    """Refuses what was written for version 1 of the manifest."""

    def _verify(self, document: bytes, media_type: str) -> Any:
        if media_type == JSON and json.loads(document).get("schema_version", 1) == 1:
            raise ManifestError("this is an old manifest", fix="Write version 2")
        return super()._verify(document, media_type)


@mutant(
    "MAN-005",
    expects="it was refused with ManifestError",
    also={"SIG-009": "it verifies before it remembers, so that one that has expired is never seen"},
)
class RefusesTheUnknown(CoreRuntime):
    """Refuses an entry with a field that it does not know."""

    async def _sync(self, document: bytes, media_type: str) -> Any:
        self._verify(document, media_type)
        for entry in parse_document(document, media_type)["entries"]:
            if any(name.startswith("x-") for name in entry):
                raise ManifestError("the entry has an unknown field", fix="Leave it out")
        return await super()._sync(document, media_type)


@mutant("MAN-005", expects="explain() says nothing of the unknown field x-conformance")
class DropsTheUnknown(CoreRuntime):
    """Forgets the fields that it does not know."""

    async def explain(self, domain: str, key: str) -> Any:
        told = await super().explain(domain, key)
        for each in told.values():
            each["metadata"].pop("unknown_fields", None)
        return told


@mutant("MAN-005", expects="x-conformance-nested, which is")
class ShowsTheUnknownAsText(CoreRuntime):
    """Shows the fields that it does not know as text."""

    async def explain(self, domain: str, key: str) -> Any:
        told = await super().explain(domain, key)
        for each in told.values():
            unknown = each["metadata"].get("unknown_fields", {})
            each["metadata"]["unknown_fields"] = {name: str(value) for name, value in unknown.items()}
        return told


@mutant("MAN-005", expects="an unknown field that was changed")
class CoversWhatItKnowsOfEntries(Laundering):
    """Its signature does not cover the fields of an entry that it does not know."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        entries = document.get("entries")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return False
        signed = [{**entry, **_AS_SIGNED} if "x-conformance-nested" in entry else entry for entry in entries]
        return super().believes(document, data) or super().believes({**document, "entries": signed}, data)


@mutant("MAN-006", expects="says that topics is")
class KeepsManifestNames(CoreRuntime):
    """Passes the topics of an event handler on under the manifest's name for them."""

    async def explain(self, domain: str, key: str) -> Any:
        told = await super().explain(domain, key)
        for each in told.values():
            if "topics" in (metadata := each["metadata"]):
                metadata["event_topics"] = metadata.pop("topics")
        return told


@mutant("MAN-006", expects="says that owner is")
class ForgetsTheOwner(CoreRuntime):
    """Does not pass on who answers for a component."""

    async def explain(self, domain: str, key: str) -> Any:
        told = await super().explain(domain, key)
        for each in told.values():
            each["metadata"].pop("owner", None)
        return told


@mutant("MAN-006", expects="says that priority is 3")
class RanksAllAlike(CoreRuntime):
    """Gives every component the same priority."""

    async def explain(self, domain: str, key: str) -> Any:
        return {provider: {**each, "priority": 0} for provider, each in (await super().explain(domain, key)).items()}
