"""Action ``hash.digest``: the digest of a text, of bytes, or of JSON data."""

import base64
import hashlib
import json
from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import JsonValue, TypeAdapter

from oneiric_core.builtin.base import OWNER, Action, Payload, Settings, described
from oneiric_core.builtin.encoded import DataContent, TextContent, bytes_of
from oneiric_core.components import ActionMetadata

__all__ = ["HashDigest", "HashDigestSettings"]


class HashDigestSettings(Settings):
    """What is meant where a payload does not say."""

    algorithm: Literal["sha256", "sha512", "blake2b"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"


class _Wanted(Payload):
    algorithm: Literal["sha256", "sha512", "blake2b"] | None = None
    encoding: Literal["hex", "base64"] | None = None


class HashText(_Wanted, TextContent):
    """The digest of a text."""


class HashData(_Wanted, DataContent):
    """The digest of bytes."""


class HashValue(_Wanted):
    """The digest of JSON data."""

    value: JsonValue


HashDigestPayload: TypeAlias = HashText | HashData | HashValue


class HashDigest(Action[HashDigestSettings, HashDigestPayload]):
    """JSON data is digested with sorted keys and without blanks, so that the same data has the same digest."""

    default_settings = HashDigestSettings
    payloads: ClassVar[TypeAdapter[Any]] = TypeAdapter(HashDigestPayload)
    metadata = ActionMetadata(
        key="hash.digest",
        provider="hashlib",
        factory="oneiric_core.builtin.actions.hash_digest:HashDigest",
        description="The digest of a text, of bytes or of JSON data",
        capabilities=[described("digest", TypeAdapter(HashDigestPayload)), "deterministic"],
        owner=OWNER,
        settings_model=HashDigestSettings,
        side_effect_free=True,
    )

    async def act(self, payload: HashDigestPayload) -> dict[str, Any]:
        """``{algorithm, encoding, digest, bytes}``."""
        if isinstance(payload, HashValue):
            canonical = json.dumps(payload.value, sort_keys=True, separators=(",", ":"), allow_nan=False)
            content = canonical.encode("utf-8")
        else:
            content = bytes_of(payload)
        algorithm = payload.algorithm or self._settings.algorithm
        encoding = payload.encoding or self._settings.encoding
        digest = hashlib.new(algorithm, content, usedforsecurity=False).digest()
        shown = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode("ascii")
        return {"algorithm": algorithm, "encoding": encoding, "digest": shown, "bytes": len(content)}
