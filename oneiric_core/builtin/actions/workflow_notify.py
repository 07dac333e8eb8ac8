"""Action ``workflow.notify``: says how a workflow stands, in the log and to web hooks."""

import json
import logging
from collections import Counter
from typing import Any, Final, Literal

from pydantic import Field, JsonValue, TypeAdapter

from oneiric_core.builtin.base import OWNER, Action, Payload, described
from oneiric_core.builtin.hooks import HookSettings, tell
from oneiric_core.components import ActionMetadata

__all__ = ["WorkflowNotify", "WorkflowNotifySettings"]

_LEVELS: Final = {"started": logging.INFO, "succeeded": logging.INFO, "failed": logging.ERROR}


class WorkflowNotifySettings(HookSettings):
    """Who is told, and where it is logged."""

    logger: str = Field(default="oneiric.workflows", min_length=1, description="the name of the logger")


class WorkflowNotifyPayload(Payload):
    """What is said, and to whom."""

    name: str = Field(min_length=1, description="of the workflow", examples=["release"])
    status: Literal["started", "succeeded", "failed"]
    message: str = ""
    context: dict[str, JsonValue] = Field(default_factory=dict)
    hooks: list[str] | None = Field(default=None, description="names of the settings' hooks; all if not given")


class WorkflowNotify(Action[WorkflowNotifySettings, WorkflowNotifyPayload]):
    """A failure is logged as an error."""

    default_settings = WorkflowNotifySettings
    payloads = TypeAdapter(WorkflowNotifyPayload)
    metadata = ActionMetadata(
        key="workflow.notify",
        provider="webhook",
        factory="oneiric_core.builtin.actions.workflow_notify:WorkflowNotify",
        description="How a workflow stands, for people and for web hooks",
        capabilities=[described("notify", WorkflowNotifyPayload)],
        owner=OWNER,
        requires_secrets=True,
        settings_model=WorkflowNotifySettings,
        timeout_seconds=60.0,
    )

    async def act(self, payload: WorkflowNotifyPayload) -> dict[str, Any]:
        """``{notification, hooks, delivered, failed, skipped}``."""
        title = f"{payload.name} has {payload.status}"
        notification = {
            "title": f"{title}: {payload.message}" if payload.message else title,
            "name": payload.name,
            "status": payload.status,
            "context": payload.context,
        }
        results = await tell(notification, self._settings, payload.hooks)
        logger = logging.getLogger(self._settings.logger)
        logger.log(_LEVELS[payload.status], "%s", json.dumps(notification, sort_keys=True))
        counts = Counter(each["status"] for each in results)
        return {"notification": notification, "hooks": results} | {
            name: counts[name] for name in ("delivered", "failed", "skipped")
        }
