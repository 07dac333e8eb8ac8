"""One small correct component per domain; all checks pass on them, and mutants are made from them."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mutants.released import released
from mutants.stores import Cache, CacheSettings, Folder, FolderSettings, TimedCache, Vault
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

__all__ = [
    "COMPONENTS",
    "TEXT_SCHEMA",
    "Audit",
    "Cache",
    "CacheSettings",
    "Folder",
    "FolderSettings",
    "Meter",
    "Review",
    "Slugify",
    "Ticker",
    "TimedCache",
    "Vault",
    "WordCount",
    "adds_up",
    "package",
    "subject_of",
]

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
    """Counts a draft and then the final text, and beside them the cover and what is on its back."""

    metadata = WorkflowMetadata(
        key="review",
        provider="reference",
        factory="mutants.reference:Review",
        version="1.0.0",
        dag={
            "nodes": [
                {"id": "draft", "task": "word-count", "payload": {"text": "a first draft"}},
                {"id": "final", "task": "word-count", "depends_on": ["draft"], "payload": {"text": "final"}},
                {"id": "cover", "task": "word-count", "payload": {"text": "what it looks like"}},
                {"id": "back", "task": "word-count", "depends_on": ["cover"], "payload": {"text": "a blurb"}},
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
        text = json.dumps(context, sort_keys=True, default=str)
        return {"reviewed": text[:80], "characters": len(text), "steps": ["draft", "final"]}


class Slugify:
    """Makes a name for an address out of a text; touches nothing."""

    metadata = ActionMetadata(
        key="slugify",
        provider="reference",
        factory="mutants.reference:Slugify",
        version="1.0.0",
        capabilities=[{"name": "slug", "description": "makes slugs", "payload_schema": dict(TEXT_SCHEMA)}],
        side_effect_free=True,
        extras={
            "license": "BSD-3-Clause OR MIT",
            "documentation_url": "https://reference.invalid/slugify",
            "python_version": ">=3.11",
            "requires": ["pydantic>=2"],
            "conflicts_with": ["pydantic<2"],
            "os_platform": ["linux", "macos", "win32"],
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

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        text = _text(payload)
        if others := sorted(payload.keys() - {"text"}):
            raise ValueError(f"the payload has {', '.join(others)} beside its text. Leave that out.")
        return {"slug": "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split()), "text": text}


class Meter:
    """Adds up; an adapter without a contract, so that an exercise has to show what it is for."""

    metadata = AdapterMetadata(
        category="meter", provider="reference", factory="mutants.reference:Meter", version="1.0.0", owner="reference"
    )
    exercise = "mutants.reference:adds_up"

    def __init__(self) -> None:
        self._open = False
        self._total = 0

    async def init(self) -> None:
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False

    async def add(self, amount: int) -> int:
        self._total += amount
        return self._total


async def adds_up(meter: Meter) -> None:
    """The meter's exercise."""
    first, second = await meter.add(2), await meter.add(3)
    if second != first + 3:
        raise AssertionError(f"after {first} and 3 more the total is {second}")


COMPONENTS = (Cache, TimedCache, Folder, Vault, Ticker, WordCount, Audit, Review, Slugify, Meter)


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
        exercise=getattr(component, "exercise", ""),
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
        wheel=changes["wheel"] if "wheel" in changes else released(),
    )
    return replace(made, **changes)
