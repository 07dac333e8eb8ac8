"""Action ``redact``: takes e-mail addresses and long numbers out of a text. It touches nothing else."""

import re
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from oneiric_core import ActionMetadata

# A match starts only where a word starts, so that the time stays proportional to the length of the text.
_PERSONAL: Final = {
    "email": re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
    "number": re.compile(r"(?<!\w)\d(?:[ -]?\d){8,18}(?!\w)"),
}


class RedactSettings(BaseModel):
    """What stands in place of what was taken out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mask: str = Field(default="[{kind}]", max_length=64, description="{kind} becomes email or number")
    max_characters: int = Field(default=100_000, ge=1, description="longer texts are refused")


class RedactPayload(BaseModel):
    """What the action is given."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    text: str


class Redact:
    """The same text always gives the same result."""

    metadata = ActionMetadata(
        key="redact",
        provider="acme",
        factory="acme_oneiric.redact:Redact",
        version="1.4.0",
        description="A text without e-mail addresses and long numbers",
        capabilities=[{"name": "redact", "payload_schema": RedactPayload.model_json_schema()}],
        owner="Acme",
        settings_model=RedactSettings,
        domains=["task", "event"],
        side_effect_free=True,
    )

    def __init__(self, settings: RedactSettings | None = None) -> None:
        self._settings = settings or RedactSettings()
        self._open = False

    async def init(self) -> None:
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False

    async def execute(self, payload: dict[str, Any]) -> dict[str, Any]:
        """``{text}`` in; ``{text, redacted: {email, number}}`` out, the counts being of what was taken out.

        :raises ValueError: the payload is not of that form, or the text is too long.
        """
        if not self._open:
            raise RuntimeError("redact is closed. Await init() first.")
        text = RedactPayload.model_validate(payload).text
        if len(text) > self._settings.max_characters:
            raise ValueError(f"the text has {len(text)} characters, over {self._settings.max_characters}. Split it.")
        redacted = {}
        for kind, pattern in _PERSONAL.items():
            mask = self._settings.mask.replace("{kind}", kind)
            pieces = pattern.split(text)
            text, redacted[kind] = mask.join(pieces), len(pieces) - 1
        return {"text": text, "redacted": redacted}
