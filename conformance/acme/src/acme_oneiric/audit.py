"""Event handler ``audit``: what happened to accounts, in order, with proof of what each event said.

A record keeps the payload in its canonical form: JSON with sorted keys and no blanks. Its digest is therefore the same
for the same data, whoever emitted it.
"""

import hashlib
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from oneiric_core import EventEnvelope, EventMetadata


class AuditSettings(BaseModel):
    """How much is remembered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    capacity: int = Field(default=1_000, ge=1, description="how many records are kept; then the oldest gives way")


@dataclass(frozen=True, slots=True)
class Record:
    """One event. ``payload`` is canonical JSON; ``digest`` the SHA-256 of it, in hexadecimal."""

    sequence: int
    topic: str
    actor: str
    payload: str
    digest: str


class AuditLog:
    """A journal in memory. Sequence numbers start at 1 and have no gaps, also when events arrive at the same time."""

    metadata = EventMetadata(
        key="audit",
        provider="acme",
        factory="acme_oneiric.audit:AuditLog",
        version="1.4.0",
        description="Numbered records of what happened to accounts",
        owner="Acme",
        settings_model=AuditSettings,
        topics=["account.opened", "account.changed", "account.closed"],
        filters=[{"path": "payload.actor", "exists": True}],
        max_concurrency=8,
        fanout_policy="broadcast",
    )

    def __init__(self, settings: AuditSettings | None = None) -> None:
        self._settings = settings or AuditSettings()
        self._journal: deque[Record] = deque(maxlen=self._settings.capacity)
        self._sequence = 0
        self._open = False

    @property
    def records(self) -> tuple[Record, ...]:
        """What is remembered, oldest first."""
        return tuple(self._journal)

    async def init(self) -> None:
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False
        self._journal.clear()

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        """Record the event; its sequence number, its topic and the digest of its payload.

        :raises ValueError: the payload is not a JSON object.
        """
        if not self._open:
            raise RuntimeError("the audit log is closed. Await init() first.")
        payload = _canonical(envelope.payload)
        digest = hashlib.sha256(payload.encode()).hexdigest()
        self._sequence += 1
        record = Record(self._sequence, envelope.topic, str(envelope.payload.get("actor", "")), payload, digest)
        self._journal.append(record)
        return {"sequence": record.sequence, "topic": record.topic, "digest": record.digest}


def _canonical(payload: Mapping[str, Any]) -> str:
    if not isinstance(payload, Mapping):
        raise ValueError(  # noqa: TRY004 - whatever is wrong with a payload is one kind of error here
            f"the payload is {type(payload).__name__}, not an object. Emit a mapping of JSON data."
        )
    try:
        return json.dumps(dict(payload), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the payload is not JSON data: {error}. Emit strings, numbers, lists and objects.") from error
