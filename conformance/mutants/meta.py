"""Packages that say something wrong about themselves, and one that acts when it is imported."""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, field_serializer

from mutants import mutant, reference
from oneiric_conformance.subject import EntryPointName, Package

_GONE = EntryPointName("oneiric.tasks", "gone", "mutants.reference:Gone.metadata")

_NEVER_RUNS = {"LIFE-002": "what cannot be imported is never healthy"}


def _changed(component: Any = reference.Slugify, **changes: Any) -> Package:
    return reference.package(reference.subject_of(component, **changes))


@mutant("META-001", expects="declared but not installed")
def declared_only() -> Package:
    """Its pyproject.toml declares an entry point that the installed metadata lacks."""
    package = _changed()
    return replace(package, declared=(*(package.declared or ()), _GONE))


@mutant("META-001", expects="no longer declared")
def installed_only() -> Package:
    """Its installed metadata still has an entry point that pyproject.toml has lost."""
    package = _changed()
    gone = replace(reference.subject_of(reference.WordCount), key="gone", entry_point=_GONE)
    return replace(package, installed=(*package.installed, _GONE), subjects=(*package.subjects, gone))


@mutant("META-001", expects="ModuleNotFoundError")
def cannot_be_loaded() -> Package:
    """One of its entry points names a module that is not there."""
    broken = reference.subject_of(
        reference.WordCount, factory=None, error="ModuleNotFoundError: No module named 'nowhere'"
    )
    return reference.package(broken, reference.subject_of(reference.Slugify))


@mutant("META-001", expects="yields no component")
def empty_entry_point() -> Package:
    """One of its entry points loads, and yields nothing."""
    package = _changed()
    return replace(package, declared=(*(package.declared or ()), _GONE), installed=(*package.installed, _GONE))


@mutant("META-001", expects="both named")
def twins() -> Package:
    """Two of its components have one name."""
    twin = reference.subject_of(reference.Slugify, entry_point=_GONE)
    return reference.package(twin, reference.subject_of(reference.Slugify))


@mutant("META-002", expects="word count/..")
def path_for_a_key() -> Package:
    """Its key is a path."""
    return _changed(key="word count/../x")


@mutant("META-002", expects="provider")
def blank_in_provider() -> Package:
    """Its provider has a blank in it."""
    return _changed(provider="Acme Ltd.")


@mutant("META-003", expects="is in mutants, which is not")
def borrowed_factory() -> Package:
    """Its factory belongs to another package."""
    return replace(_changed(), modules=frozenset({"elsewhere"}))


@mutant("META-003", expects="nowhere", also=_NEVER_RUNS)
def misspelt_factory() -> Package:
    """Its factory leads to nothing."""
    return _changed(factory="mutants.reference:nowhere")


@mutant("META-003", expects="cannot be called", also=_NEVER_RUNS)
def uncallable_factory() -> Package:
    """Its factory is a value."""
    return _changed(factory="mutants.reference:TEXT_SCHEMA")


@mutant("META-004", expects="thread")
def thread_at_import() -> Package:
    """Importing its module starts a thread."""
    return _changed(factory="mutants._thread_at_import:Slugify")


@mutant("META-004", expects="connect")
def connection_at_import() -> Package:
    """Importing its module connects to a server."""
    return _changed(factory="mutants._connection_at_import:Slugify")


@mutant("META-005", expects="nowhere", also=_NEVER_RUNS)
def misspelt_settings_model() -> Package:
    """Its settings model leads to nothing."""
    return _changed(settings_model="mutants.reference:nowhere")


@mutant("META-005", expects="settings")
def no_model() -> Package:
    """Its settings model is no pydantic model."""
    return _changed(settings_model="mutants.reference:Slugify")


class Opaque:
    """Something without a JSON form."""


class OpaqueSettings(BaseModel, arbitrary_types_allowed=True):
    """Settings that have no JSON schema."""

    handle: Opaque | None = None


@mutant("META-005", expects="JSON schema")
def settings_without_schema() -> Package:
    """Its settings have a field that no JSON schema can describe."""
    return _changed(settings_model="mutants.meta:OpaqueSettings")


class ForgetfulSettings(BaseModel):
    """Settings that are written as something else."""

    retries: int = 3

    @field_serializer("retries")
    def _less(self, value: int) -> int:
        return value - 1


@mutant("META-005", expects="came back as")
def forgetful_settings() -> Package:
    """Its settings are not the same after they were written and read."""
    return _changed(settings_model="mutants.meta:ForgetfulSettings")


@mutant("META-006", expects="v1-final")
def version_in_words() -> Package:
    """Its version cannot be compared."""
    return _changed(metadata={**reference.subject_of(reference.Slugify).metadata, "version": "v1-final"})


@mutant(
    "META-006",
    expects="not text",
    also=dict.fromkeys(("MAN-001", "MAN-004", "MAN-005", "MAN-006"), "no manifest can hold such a version either"),
)
def version_as_number() -> Package:
    """Its version is a number."""
    return _changed(metadata={**reference.subject_of(reference.Slugify).metadata, "version": 1.0})
