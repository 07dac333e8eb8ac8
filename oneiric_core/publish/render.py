"""A document as bytes: JSON for programs, YAML for people. What does not read back as the same is not written."""

import json
from collections.abc import Mapping
from typing import Any, Final

import yaml

from oneiric_core.errors import ManifestError
from oneiric_core.manifest import YAML, Limits, parse_document
from oneiric_core.manifest.plain_scalars import meaning_of

__all__ = ["render_document", "to_yaml"]

_NEVER_FOLD: Final = 1_000_000


def render_document(document: Mapping[str, Any], media_type: str) -> bytes:
    """``document`` in UTF-8, as ``media_type`` asks for.

    :param media_type: as :func:`~oneiric_core.manifest.media_type_of` says it.
    :raises ManifestError: it does not read back as the same.
    """
    text = to_yaml(document) if media_type == YAML else json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    data = text.encode("utf-8", "surrogatepass")
    if parse_document(data, media_type, Limits(max_bytes=len(data), max_nodes=len(data))) != document:
        raise ManifestError(
            "the document does not read back as the same",
            fix="Use plain JSON values only: text for keys, and lists instead of tuples",
        )
    return data


def to_yaml(value: Any) -> str:
    """YAML without anchors, in which every text that a reader might take for something else is quoted."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=_NEVER_FOLD
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Quotes what :mod:`~oneiric_core.manifest.plain_scalars` refuses, and repeats what stands in two places."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    try:
        plain = text.isprintable() and meaning_of(text) == text  # what cannot be seen is written as an escape
    except ValueError:
        plain = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _text)
