"""Actions ``serialization.encode`` and ``serialization.decode``: JSON data as a text, and back again.

Text is read by the strict readers of manifests: no duplicate keys, no NaN, no tags or aliases, nothing nested without
end. There is no pickle: reading one runs whatever its author wanted to be run.
"""

import json
from typing import Any, Final, Literal

import yaml
from pydantic import Field, JsonValue, TypeAdapter

from oneiric_core.builtin.base import OWNER, Action, Payload, Settings, described
from oneiric_core.components import ActionMetadata
from oneiric_core.manifest.documents import JSON, YAML, parse_document
from oneiric_core.manifest.limits import Limits

__all__ = ["SerializationDecode", "SerializationDecodeSettings", "SerializationEncode", "SerializationEncodeSettings"]

_MEDIA_TYPES: Final = {"json": JSON, "yaml": YAML}


class SerializationEncodeSettings(Settings):
    """How it is written where a payload does not say."""

    format: Literal["json", "yaml"] = "json"
    sort_keys: bool = False
    ensure_ascii: bool = False


class SerializationEncodePayload(Payload):
    """What is to be written."""

    value: JsonValue
    format: Literal["json", "yaml"] | None = None
    sort_keys: bool | None = None


class SerializationEncode(Action[SerializationEncodeSettings, SerializationEncodePayload]):
    """Data to text."""

    default_settings = SerializationEncodeSettings
    payloads = TypeAdapter(SerializationEncodePayload)
    metadata = ActionMetadata(
        key="serialization.encode",
        provider="builtin",
        factory="oneiric_core.builtin.actions.serialization:SerializationEncode",
        description="JSON data as a text in JSON or YAML",
        capabilities=[described("encode", SerializationEncodePayload), "deterministic"],
        owner=OWNER,
        settings_model=SerializationEncodeSettings,
        side_effect_free=True,
    )

    async def act(self, payload: SerializationEncodePayload) -> dict[str, Any]:
        """``{format, text}``.

        :raises ValueError: the value holds NaN or an infinity.
        """
        chosen = payload.format or self._settings.format
        in_order = self._settings.sort_keys if payload.sort_keys is None else payload.sort_keys
        text = json.dumps(payload.value, allow_nan=False, sort_keys=in_order, ensure_ascii=self._settings.ensure_ascii)
        if chosen == "yaml":
            text = yaml.safe_dump(payload.value, sort_keys=in_order, allow_unicode=not self._settings.ensure_ascii)
        return {"format": chosen, "text": text}


class SerializationDecodeSettings(Settings):
    """What is meant where a payload does not say, and how much is read."""

    format: Literal["json", "yaml"] = "json"
    max_bytes: int = Field(default=16 << 20, ge=1, description="the longest text, in bytes of UTF-8")


class SerializationDecodePayload(Payload):
    """What is to be read: a text that holds one object."""

    text: str = Field(examples=['{"a": [1, "b", null]}'])
    format: Literal["json", "yaml"] | None = None


class SerializationDecode(Action[SerializationDecodeSettings, SerializationDecodePayload]):
    """Text to data."""

    default_settings = SerializationDecodeSettings
    payloads = TypeAdapter(SerializationDecodePayload)
    metadata = ActionMetadata(
        key="serialization.decode",
        provider="builtin",
        factory="oneiric_core.builtin.actions.serialization:SerializationDecode",
        description="An object from a text in JSON or YAML, read strictly",
        capabilities=[described("decode", SerializationDecodePayload), "deterministic"],
        owner=OWNER,
        settings_model=SerializationDecodeSettings,
        side_effect_free=True,
    )

    async def act(self, payload: SerializationDecodePayload) -> dict[str, Any]:
        """``{format, data}``.

        :raises ManifestError: (a ValueError) the text is not what its format allows, with line and column.
        """
        chosen = payload.format or self._settings.format
        limits = Limits(max_bytes=self._settings.max_bytes)
        return {"format": chosen, "data": parse_document(payload.text.encode(), _MEDIA_TYPES[chosen], limits)}
