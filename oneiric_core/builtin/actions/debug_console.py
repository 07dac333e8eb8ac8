"""Action ``debug.console``: shows a value to whoever looks at the log."""

import json
import logging
from typing import Any, Final, Literal

from pydantic import Field, JsonValue, TypeAdapter

from oneiric_core.builtin.base import OWNER, Action, Payload, Settings, described
from oneiric_core.components import ActionMetadata

__all__ = ["DebugConsole", "DebugConsoleSettings"]

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class DebugConsoleSettings(Settings):
    """Where it is shown, and how much of it."""

    logger: str = Field(default="oneiric.debug", min_length=1, description="the name of the logger")
    prefix: str = ""
    max_characters: int = Field(default=2_000, ge=1, description="longer texts are cut")


class DebugConsolePayload(Payload):
    """What is shown."""

    message: str = Field(examples=["here", "there"])
    level: Literal["debug", "info", "warning", "error"] = "info"
    details: dict[str, JsonValue] = Field(default_factory=dict)


class DebugConsole(Action[DebugConsoleSettings, DebugConsolePayload]):
    """One line for each call, whatever the message holds: line breaks and control characters are escaped."""

    default_settings = DebugConsoleSettings
    payloads = TypeAdapter(DebugConsolePayload)
    metadata = ActionMetadata(
        key="debug.console",
        provider="log",
        factory="oneiric_core.builtin.actions.debug_console:DebugConsole",
        description="A message and details in the log",
        capabilities=[described("show", DebugConsolePayload)],
        owner=OWNER,
        settings_model=DebugConsoleSettings,
    )

    async def act(self, payload: DebugConsolePayload) -> dict[str, Any]:
        """``{level, text}``: the line that was handed to the log."""
        message = (
            payload.message.encode("unicode_escape").decode("ascii")
            if _unprintable(payload.message)
            else payload.message
        )
        details = json.dumps(payload.details, sort_keys=True) if payload.details else ""
        text = " ".join(part for part in (self._settings.prefix, message, details) if part)
        if len(text) > self._settings.max_characters:
            text = text[: self._settings.max_characters] + "…"
        logging.getLogger(self._settings.logger).log(_LEVELS[payload.level], "%s", text)
        return {"level": payload.level, "text": text}


def _unprintable(message: str) -> bool:
    return not message.isprintable()
