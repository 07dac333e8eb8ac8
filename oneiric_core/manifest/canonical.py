"""The text that a flat signature covers."""

import json
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["SIGNATURE_FIELDS", "get_canonical_manifest_for_signing"]

SIGNATURE_FIELDS: Final = frozenset({"signature", "signature_algorithm", "signatures"})
"""The fields that carry signatures and are therefore not signed themselves."""


def get_canonical_manifest_for_signing(document: Mapping[str, Any]) -> str:
    """``document`` without its signatures as JSON: sorted keys, no blanks, ASCII escapes.

    Pass the document as it was parsed, never a model's dump: defaults and unknown fields would shift it. The text is,
    byte for byte, what the published ``oneiric`` signs.

    :raises ValueError: a value that is not JSON (NaN, an infinity).
    """
    signed = {name: value for name, value in document.items() if name not in SIGNATURE_FIELDS}
    return json.dumps(signed, sort_keys=True, separators=(",", ":"), allow_nan=False)
