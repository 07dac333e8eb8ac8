"""From bytes to a document: plain JSON values, by the reader of the declared media type and never by another."""

from typing import Any, Final

from oneiric_core.errors import ManifestError
from oneiric_core.manifest.json_reader import read_json
from oneiric_core.manifest.limits import Limits
from oneiric_core.manifest.text import decode, shown
from oneiric_core.manifest.yaml_reader import read_yaml

__all__ = ["ENVELOPE", "JSON", "YAML", "media_type_of", "parse_document"]

JSON: Final = "application/json"
YAML: Final = "application/yaml"
ENVELOPE: Final = "application/vnd.dsse.envelope.v1+json"
"""A DSSE envelope around a manifest; read by :mod:`oneiric_core.trust`."""

MEDIA_TYPES: Final = (JSON, YAML, ENVELOPE)
_ALIASES: Final = {"application/x-yaml": YAML, "text/yaml": YAML, "text/x-yaml": YAML}
_EXTENSIONS: Final = {".dsse.json": ENVELOPE, ".json": JSON, ".yaml": YAML, ".yml": YAML}
_DEFAULT_LIMITS: Final = Limits()


def media_type_of(name: str) -> str:
    """The media type that the extension of a file name or a URL path declares.

    :raises ManifestError: an extension that declares none.
    """
    for extension, media_type in _EXTENSIONS.items():
        if name.lower().endswith(extension):
            return media_type
    raise ManifestError(
        f"the name {shown(name)} does not say what the document is",
        fix=f"End it in {', '.join(_EXTENSIONS)}",
        name=name,
    )


def base_type(media_type: str) -> str:
    """``media_type`` without parameters, by its one name here."""
    base = media_type.partition(";")[0].strip().lower()
    return _ALIASES.get(base, base)


def parse_document(data: bytes, media_type: str, limits: Limits = _DEFAULT_LIMITS) -> dict[str, Any]:
    """The mapping that ``data`` holds, made of dict, list, str, int, float, bool and None.

    :param media_type: ``application/json`` or ``application/yaml``; parameters are ignored.
    :raises ManifestError: anything else in the bytes; with ``line`` and ``column`` where known.
    """
    readers = {JSON: read_json, YAML: read_yaml, ENVELOPE: read_json}
    reader = readers.get(base_type(media_type))
    if reader is None:
        raise ManifestError(
            f"the media type {shown(media_type)} is not one of a manifest",
            fix=f"Declare one of {', '.join(readers)}",
            media_type=media_type,
        )
    document = reader(decode(data, limits), limits)
    if not isinstance(document, dict):
        raise ManifestError(
            f"the document is a {type(document).__name__}, not a mapping",
            fix="Begin it with a mapping",
            line=1,
            column=1,
        )
    return document
