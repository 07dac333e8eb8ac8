"""Components that promise what they have not got, have what they do not say, or cannot run where they are."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from mutants import mutant, reference
from oneiric_conformance.subject import Package

_SKIPPED = dict.fromkeys(("MAN-005", "MAN-006"), "a runtime leaves out what cannot run where it is")
_UNREADABLE = dict.fromkeys(("MAN-001", "MAN-005", "MAN-006"), "a manifest with it cannot be read either")


def _declaring(component: Any = reference.Slugify, **metadata: Any) -> Package:
    subject = reference.subject_of(component)
    return reference.package(reference.subject_of(component, metadata={**subject.metadata, **metadata}))


@mutant("META-007", expects="python_version '>=4'", also=_SKIPPED)
def another_python() -> Package:
    """It is for a Python that does not exist yet."""
    return _declaring(python_version=">=4")


@mutant("META-007", expects="python_version is 3.11: Input should be a valid string", also=_UNREADABLE)
def python_as_number() -> Package:
    """It names its Python by a number."""
    return _declaring(python_version=3.11)


@mutant("META-007", expects="here is no nobody-offers-this", also=_SKIPPED)
def requires_what_nobody_has() -> Package:
    """It requires a distribution that is not installed."""
    return _declaring(requires=["nobody-offers-this>=1"])


@mutant("META-007", expects="the marker has no meaning here", also=_SKIPPED)
def requires_nobody_knows_where() -> Package:
    """It requires something where the name of a system is compatible with another one."""
    return _declaring(requires=["pydantic; sys_platform ~= 'linux'"])


@mutant("META-007", expects="it conflicts with pydantic>=2", also=_SKIPPED)
def conflicts_with_what_is_here() -> Package:
    """It conflicts with something that it cannot do without."""
    return _declaring(conflicts_with=["pydantic>=2"])


@mutant("META-007", expects="requires [['acme, the newest']]", also=_UNREADABLE)
def nested_requirements() -> Package:
    """Its requirements are a list in a list."""
    return _declaring(requires=[["acme, the newest"]])


@mutant("META-007", expects="it runs on plan9", also=_SKIPPED)
def another_system() -> Package:
    """It is for a system that it is not judged on."""
    return _declaring(os_platform=["plan9"])


@mutant("META-008", expects="the licence is 'BSD'", also=_UNREADABLE)
def licence_by_hearsay() -> Package:
    """It names its licence as people do."""
    return _declaring(license="BSD")


@mutant("META-008", expects="documentation_url is 'http://")
def documentation_in_the_clear() -> Package:
    """Its documentation has an address without encryption."""
    return _declaring(documentation_url="http://example.org/slugify")


@mutant(
    "META-009",
    expects="it claims blob and has no save()",
    also=dict.fromkeys(("BLOB-001", "LIFE-009", "PATH-006"), "it has nothing to keep files with"),
)
class ClaimsMore(reference.Cache):
    """Claims to keep files, and keeps values only."""

    metadata = reference.Cache.metadata.model_copy(update={"capabilities": ["kv", "blob"]})


@mutant("META-009", expects="it has the methods of kv and does not claim that")
class ClaimsNothing(reference.Cache):
    """Keeps values, and does not say so."""

    metadata = reference.Cache.metadata.model_copy(update={"capabilities": []})


@mutant("META-009", expects="has no set(…, ttl=seconds)", also={"TTL-001": "it takes no ttl"})
class ClaimsTime(reference.Cache):
    """Claims to forget values after a time, and takes no time."""

    metadata = reference.Cache.metadata.model_copy(update={"capabilities": ["kv", "ttl"]})


class TokenSettings(BaseModel):
    """Settings with a secret in them."""

    token: SecretStr = SecretStr("")
    servers: Mapping[str, str] = {}


class NestedSettings(BaseModel):
    """Settings with a secret deep in them."""

    accounts: list[TokenSettings] | None = None


@mutant("META-010", expects="hold a secret in token")
def unannounced_secret() -> Package:
    """Its settings hold a token, and it does not say that it needs one."""
    return reference.package(reference.subject_of(reference.Slugify, settings_model="mutants.claims:TokenSettings"))


@mutant("META-010", expects="hold a secret in accounts.token")
def nested_secret() -> Package:
    """Deep in its settings is a token, and it does not say that it needs one."""
    return reference.package(reference.subject_of(reference.Slugify, settings_model="mutants.claims:NestedSettings"))
