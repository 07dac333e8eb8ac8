"""Event handler ``journal``: one line of JSON in the log for each event, with the digest of what it said.

The payload itself is written only where the settings ask for it: events carry what logs should not keep.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field

from oneiric_core.builtin.base import OWNER, Component, Settings
from oneiric_core.components import EventEnvelope, EventMetadata

__all__ = ["Journal", "JournalSettings"]

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


class JournalSettings(Settings):
    """What is written, and where."""

    logger: str = Field(default="oneiric.events", min_length=1, description="the name of the logger")
    level: Literal["debug", "info", "warning"] = "info"
    with_payload: bool = Field(default=False, description="write the payload as well as its digest")


class Journal(Component[JournalSettings]):
    """Hears every topic. The digest is that of the payload as JSON with sorted keys: the same data, the same digest."""

    default_settings = JournalSettings
    metadata = EventMetadata(
        key="journal",
        provider="log",
        factory="oneiric_core.builtin.events.journal:Journal",
        description="A line in the log for each event, with a digest of its payload",
        owner=OWNER,
        settings_model=JournalSettings,
        max_concurrency=64,
        fanout_policy="broadcast",
    )

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        """``{topic, sha256, bytes}`` of the event.

        :raises ValueError: the payload is not a JSON object.
        """
        self._refuse_if_closed()
        content = _canonical(envelope.payload)
        line = {"topic": envelope.topic, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        shown = line | ({"payload": dict(envelope.payload)} if self._settings.with_payload else {})
        logger = logging.getLogger(self._settings.logger)
        logger.log(_LEVELS[self._settings.level], "%s", json.dumps(shown, sort_keys=True))
        return line


def _canonical(payload: object) -> bytes:
    if not isinstance(payload, Mapping):
        raise ValueError(  # noqa: TRY004 - whatever is wrong with a payload is one kind of error here
            f"the payload is {type(payload).__name__}, not an object. Emit a mapping of JSON data."
        )
    try:
        return json.dumps(dict(payload), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the payload is not JSON data: {error}. Emit strings, numbers, lists and objects.") from error
