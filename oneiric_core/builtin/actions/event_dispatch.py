"""Action ``event.dispatch``: makes an event and tells web hooks of it."""

import uuid
from collections import Counter
from typing import Any

from pydantic import Field, JsonValue, TypeAdapter

from oneiric_core.builtin.base import OWNER, Action, Payload, described
from oneiric_core.builtin.hooks import HookSettings, tell
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.components import ActionMetadata

__all__ = ["EventDispatch", "EventDispatchSettings"]


class EventDispatchSettings(HookSettings):
    """Who is told, and what is said where a payload does not say."""

    source: str = Field(default="oneiric", min_length=1)


class EventDispatchPayload(Payload):
    """The event, and who is told of it."""

    topic: str = Field(min_length=1, examples=["account.opened", "account.closed"])
    payload: dict[str, JsonValue] = Field(default_factory=dict)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    source: str | None = Field(default=None, min_length=1)
    event_id: str | None = Field(default=None, min_length=1, description="made anew if there is none")
    hooks: list[str] | None = Field(default=None, description="names of the settings' hooks; all if not given")


class EventDispatch(Action[EventDispatchSettings, EventDispatchPayload]):
    """An event nobody is told of is made all the same, and returned."""

    default_settings = EventDispatchSettings
    payloads = TypeAdapter(EventDispatchPayload)
    metadata = ActionMetadata(
        key="event.dispatch",
        provider="webhook",
        factory="oneiric_core.builtin.actions.event_dispatch:EventDispatch",
        description="An event, and who was told of it",
        capabilities=[described("dispatch", EventDispatchPayload)],
        owner=OWNER,
        requires_secrets=True,
        settings_model=EventDispatchSettings,
        timeout_seconds=60.0,
    )

    def __init__(self, settings: EventDispatchSettings | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(settings)
        self._clock = clock

    async def act(self, payload: EventDispatchPayload) -> dict[str, Any]:
        """``{envelope, hooks, delivered, failed, skipped}``."""
        envelope = {
            "event_id": payload.event_id or uuid.uuid4().hex,
            "topic": payload.topic,
            "source": payload.source or self._settings.source,
            "timestamp": self._clock.now().isoformat(),
            "payload": payload.payload,
            "metadata": payload.metadata,
        }
        results = await tell(envelope, self._settings, payload.hooks)
        counts = Counter(each["status"] for each in results)
        return {"envelope": envelope, "hooks": results} | {
            name: counts[name] for name in ("delivered", "failed", "skipped")
        }
