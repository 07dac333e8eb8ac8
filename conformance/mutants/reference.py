"""One small correct component per domain; all checks pass on them, and mutants are made from them."""

import asyncio
import json
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from oneiric_conformance.subject import EntryPointName, Package, Subject
from oneiric_core.components import (
    ActionMetadata,
    AdapterMetadata,
    EventEnvelope,
    EventMetadata,
    ServiceMetadata,
    TaskMetadata,
    WorkflowMetadata,
)
from oneiric_core.domains import DOMAINS, Domain

TEXT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


def _text(payload: object) -> str:
    text = payload.get("text") if isinstance(payload, Mapping) else None
    if isinstance(text, str):
        return text
    raise ValueError(f"the payload {payload!r} has no text. Pass an object with a string named text.")


class CacheSettings(BaseModel):
    """How the cache is set up."""

    namespace: str = "reference"


class Cache:
    """Values under keys, in memory."""

    metadata = AdapterMetadata(
        category="cache",
        provider="reference",
        factory="mutants.reference:Cache",
        version="1.0.0",
        capabilities=["kv"],
        settings_model="mutants.reference:CacheSettings",
    )

    def __init__(self, settings: CacheSettings) -> None:
        self._settings = settings
        self._values: dict[str, Any] = {}
        self._open = False

    async def init(self) -> None:
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False
        self._values.clear()

    async def get(self, key: str) -> Any:
        return self._values.get(key)

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        del ttl
        self._values[key] = value

    async def delete(self, key: str) -> bool:
        return self._values.pop(key, None) is not None

    async def clear(self) -> None:
        self._values.clear()


class TimedCache(Cache):
    """Values under keys, in memory, for a time."""

    metadata = AdapterMetadata(
        category="timed-cache",
        provider="reference",
        factory="mutants.reference:TimedCache",
        version="1.0.0",
        capabilities=["kv", "ttl"],
        settings_model="mutants.reference:CacheSettings",
    )

    async def get(self, key: str) -> Any:
        value, ends = self._values.get(key, (None, math.inf))
        return value if time.monotonic() < ends else None

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self._values[key] = value, math.inf if ttl is None else time.monotonic() + ttl


class FolderSettings(BaseModel):
    """Where the folder is."""

    base_path: Path


class Folder:
    """Bytes under keys, in a directory; a key becomes its hexadecimal form, so that no key can leave it."""

    metadata = AdapterMetadata(
        category="storage",
        provider="reference",
        factory="mutants.reference:Folder",
        version="1.0.0",
        capabilities=["blob"],
        settings_model="mutants.reference:FolderSettings",
    )

    def __init__(self, settings: FolderSettings) -> None:
        self._root = settings.base_path / "blobs"
        self._open = False

    async def init(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False

    def path(self, key: str) -> Path:
        name = key.encode("utf-8", "surrogatepass").hex()
        if not 0 < len(name) <= 200:
            raise ValueError(f"the key {key!r} is empty or too long. Use 1 to 100 bytes.")
        return self._root / name

    async def save(self, key: str, data: bytes) -> None:
        self.path(key).write_bytes(data)

    async def read(self, key: str) -> bytes | None:
        path = self.path(key)
        return path.read_bytes() if path.is_file() else None

    async def delete(self, key: str) -> bool:
        path = self.path(key)
        found = path.is_file()
        path.unlink(missing_ok=True)
        return found

    async def list(self, prefix: str = "") -> list[str]:
        names = sorted(path.name for path in self._root.iterdir())
        keys = [bytes.fromhex(name).decode("utf-8", "surrogatepass") for name in names]
        return [key for key in keys if key.startswith(prefix)]


class Ticker:
    """Counts while it is started."""

    metadata = ServiceMetadata(
        key="ticker", provider="reference", factory="mutants.reference:Ticker", version="1.0.0", owner="reference"
    )

    def __init__(self) -> None:
        self._ticks = 0
        self._task: asyncio.Task[None] | None = None
        self._ready = False

    async def init(self) -> None:
        self._ready = True

    async def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def status(self) -> dict[str, Any]:
        return {"running": self._task is not None, "ticks": self._ticks}

    async def health(self) -> bool:
        return self._ready

    async def cleanup(self) -> None:
        await self.stop()
        self._ready = False

    async def _run(self) -> None:
        while True:
            self._ticks += 1
            await asyncio.sleep(0.05)


class WordCount:
    """Counts the words of a text."""

    metadata = TaskMetadata(
        key="word-count",
        provider="reference",
        factory="mutants.reference:WordCount",
        version="1.0.0",
        capabilities=[{"name": "count", "description": "counts words", "payload_schema": dict(TEXT_SCHEMA)}],
        timeout_seconds=5.0,
        retry_policy={"attempts": 2, "base_delay": 0.1},
    )

    def __init__(self) -> None:
        self._ready = False

    async def init(self) -> None:
        self._ready = True

    async def health(self) -> bool:
        return self._ready

    async def cleanup(self) -> None:
        self._ready = False

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        text = _text(payload)
        await asyncio.sleep(0)
        return {"words": len(text.split()), "characters": len(text), "text": text}


class Audit:
    """Says what an event carried."""

    metadata = EventMetadata(
        key="audit",
        provider="reference",
        factory="mutants.reference:Audit",
        version="1.0.0",
        topics=["order.created", "order.paid"],
        filters=[{"path": "payload.region", "any_of": ["eu", "us"]}],
        max_concurrency=2,
    )

    def __init__(self) -> None:
        self._ready = False

    async def init(self) -> None:
        self._ready = True

    async def health(self) -> bool:
        return self._ready

    async def cleanup(self) -> None:
        self._ready = False

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        await asyncio.sleep(0)
        body = json.dumps(envelope.payload, sort_keys=True, default=str)
        return {"topic": envelope.topic, "bytes": len(body), "summary": body[:80]}


class Review:
    """Counts a draft and then the final text, one after the other."""

    metadata = WorkflowMetadata(
        key="review",
        provider="reference",
        factory="mutants.reference:Review",
        version="1.0.0",
        dag={
            "nodes": [
                {"id": "draft", "task": "word-count", "payload": {"text": "a first draft"}},
                {"id": "final", "task": "word-count", "depends_on": ["draft"], "payload": {"text": "final"}},
            ]
        },
    )

    def __init__(self) -> None:
        self._ready = False

    async def init(self) -> None:
        self._ready = True

    async def health(self) -> bool:
        return self._ready

    async def cleanup(self) -> None:
        self._ready = False

    async def execute(self, context: Any) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"reviewed": json.loads(json.dumps(context, default=str)), "steps": ["draft", "final"]}


class Slugify:
    """Makes a name for an address out of a text; touches nothing."""

    metadata = ActionMetadata(
        key="slugify",
        provider="reference",
        factory="mutants.reference:Slugify",
        version="1.0.0",
        capabilities=[{"name": "slug", "description": "makes slugs", "payload_schema": dict(TEXT_SCHEMA)}],
        side_effect_free=True,
    )

    def __init__(self) -> None:
        self._ready = False

    async def init(self) -> None:
        self._ready = True

    async def health(self) -> bool:
        return self._ready

    async def cleanup(self) -> None:
        self._ready = False

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        text = _text(payload)
        return {"slug": "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split()), "text": text}


COMPONENTS = (Cache, TimedCache, Folder, Ticker, WordCount, Audit, Review, Slugify)


def subject_of(component: Any, **changes: Any) -> Subject:
    """The subject that a component class declares, with the class itself as factory and ``changes`` on top."""
    declared = component.metadata.to_candidate()
    subject = Subject(
        domain=declared.domain,
        key=declared.key,
        provider=declared.provider,
        factory=f"{component.__module__}:{component.__qualname__}",
        metadata=dict(declared.metadata),
        settings_model=component.metadata.settings_model,
        priority=declared.priority,
        stack_level=declared.stack_level,
        entry_point=EntryPointName(
            DOMAINS[Domain(declared.domain)].group,
            declared.key,
            f"{component.__module__}:{component.__qualname__}.metadata",
        ),
    )
    return replace(subject, **changes)


def package(*subjects: Subject, **changes: Any) -> Package:
    """A package of the given subjects, by default of all reference components; ``changes`` go on top."""
    chosen = subjects or tuple(subject_of(component) for component in COMPONENTS)
    points = tuple(sorted({subject.entry_point for subject in chosen if subject.entry_point is not None}))
    made = Package(
        name="reference",
        version="1.0.0",
        subjects=tuple(sorted(chosen, key=lambda subject: subject.id)),
        modules=frozenset({"mutants"}),
        declared=points,
        installed=points,
    )
    return replace(made, **changes)
