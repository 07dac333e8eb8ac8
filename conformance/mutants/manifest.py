"""Components that no manifest can carry, and runtimes that verify something other than the document."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mutants import mutant, reference
from mutants.laundering import Laundering
from oneiric_conformance.handling.offer import YAML
from oneiric_conformance.subject import Package
from oneiric_core import OneiricError


def _declaring(**metadata: Any) -> Package:
    """A component that declares ``metadata`` besides what it should."""
    subject = reference.subject_of(reference.Slugify)
    return reference.package(reference.subject_of(reference.Slugify, metadata={**subject.metadata, **metadata}))


@mutant("MAN-001", expects="os_platform")
def platform_as_text() -> Package:
    """Its platforms are one text instead of a list."""
    return _declaring(os_platform="linux")


@mutant("MAN-001", expects="requires")
def unreadable_dependency() -> Package:
    """It requires something in a form that nobody reads."""
    return _declaring(requires=["acme, the newest"])


@mutant("MAN-001", expects="python_version")
def unreadable_requirement() -> Package:
    """It says for which Python it is in a form that nobody reads."""
    return _declaring(python_version="three or so")


_YAML_TOO = {"MAN-001": "the component's own entry is offered as YAML too"}


@mutant("MAN-002", expects="written with", also=_YAML_TOO)
class SignsTheBytes(Laundering):
    """Verifies the bytes of the file, blanks and all."""

    def believes(self, document: dict[str, Any], data: bytes) -> bool:
        layout = json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8")
        return super().believes(document, data) and data == layout


@mutant("MAN-002", expects="written with keys sorted")
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
