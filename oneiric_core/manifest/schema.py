"""The JSON Schema of manifests, made from the models: for editors, and for publishers in other languages.

It says less than the models, never more: what they accept it accepts. What a schema cannot say is left to them: that no
two entries have one name, that a graph has no circle, the grammars of PEP 440, PEP 508 and SPDX.
"""

from collections.abc import Iterator
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from oneiric_core.manifest.models import RemoteManifest
from oneiric_core.manifest.shapes import RetryPolicy

__all__ = ["SCHEMA_ID", "VERSION_1_FIELDS", "manifest_schema"]

SCHEMA_ID: Final = "urn:oneiric:manifest:2"
"""What the schema is called; it says nothing about where it is."""

VERSION_1_FIELDS: Final = frozenset(
    {
        "domain", "key", "provider", "factory", "uri", "sha256", "stack_level", "priority", "version", "metadata",
        "source", "entries", "signed_at", "expires_at", "signature", "signature_algorithm", "signatures",
    }
)  # fmt: skip
"""Of an entry and of a manifest; the others came with version 2."""


def manifest_schema() -> dict[str, Any]:
    """The schema (JSON Schema 2020-12) of a flat manifest, of version 1 and 2 alike.

    An envelope has a manifest as its payload, which it fits, too.
    """
    schema = RemoteManifest.model_json_schema(schema_generator=_Generator)
    _former_names(schema["$defs"]["RetryPolicy"]["properties"])
    for owner in (schema, schema["$defs"]["RemoteManifestEntry"]):
        for name, field in owner["properties"].items():
            if name not in VERSION_1_FIELDS:
                field["description"] += " Since version 2."
    for shape in (schema, *schema["$defs"].values()):
        shape["description"] = shape["description"].partition("\n\n")[0].replace("``", "'")
    return {"$schema": _Generator.schema_dialect, "$id": SCHEMA_ID} | schema | {"title": "Oneiric manifest"}


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        """Its own name is what a field is called; a second one would only be longer."""
        del schema
        return False


def _former_names(properties: dict[str, Any]) -> None:
    """The names that are still read, which the models' own schema leaves out."""
    for name, former in _aliases():
        properties[former] = properties[name] | {"description": f"Former name of '{name}'.", "deprecated": True}


def _aliases() -> Iterator[tuple[str, str]]:
    for name, field in RetryPolicy.model_fields.items():
        for alias in getattr(field.validation_alias, "choices", ()):
            if alias != name:
                yield name, alias
