"""The runtime as the kit sees it: a protocol, so that any implementation can be judged.

Only the types of this module, bytes, strings and the component's own objects cross it. The kit looks at the disk
itself: a runtime keeps artifacts below ``workdir/cache`` and what it remembers below ``workdir/state``.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

__all__ = [
    "ComponentSpec",
    "Limits",
    "Outcome",
    "Runtime",
    "RuntimeFactory",
    "RuntimeStatus",
    "Trust",
    "Verdict",
]


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose manifests to believe.

    :param keys: raw Ed25519 public keys, 32 bytes each. They are the kit's own, hence public; a runtime that refuses
        published test keys must be told to allow them here.
    :param threshold: how many distinct keys have to sign.
    :param source: the only source accepted; None pins the first one seen.
    :param root: the signed root to begin with, as bytes of its envelope; it takes the place of the other three.
    """

    keys: tuple[bytes, ...]
    threshold: int = 1
    source: str | None = None
    root: bytes | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a component may take, in seconds."""

    init: float = 5.0
    health: float = 2.0
    cleanup: float = 5.0
    drain: float = 5.0


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """A component to be registered.

    :param factory: import path or callable, as the author declared it or wrapped by the kit.
    :param settings: the mapping from which the runtime makes the component's settings.
    """

    domain: str
    key: str
    provider: str
    factory: str | Callable[..., object]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    priority: int | None = None
    stack_level: int | None = None


class Verdict(Protocol):
    """An answer: it was done or accepted (``ok``), or refused; then ``kind`` is the error's class name."""

    @property
    def ok(self) -> bool: ...
    @property
    def kind(self) -> str: ...
    @property
    def reason(self) -> str: ...


class Outcome(Verdict, Protocol):
    """What a sync did, besides the answer: names are ``domain/key/provider``."""

    @property
    def registered(self) -> int: ...
    @property
    def swapped(self) -> tuple[str, ...]: ...
    @property
    def retired(self) -> tuple[str, ...]: ...
    @property
    def unchanged(self) -> bool: ...


class RuntimeStatus(Protocol):
    """One slot as it stands: ``provider`` is empty and ``generation`` 0 before the first activation."""

    @property
    def provider(self) -> str: ...
    @property
    def generation(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def error(self) -> str: ...


class Runtime(Protocol):
    """A runtime under judgement. A refusal is a :class:`Verdict`; an exception is a defect of the runtime."""

    async def start(self, workdir: Path, trust: Trust, limits: Limits) -> None:
        """Come up with empty state below ``workdir``, or with what an earlier run left there.

        Raises anything where a key of ``trust`` is one that nobody may trust.
        """

    async def stop(self) -> None:
        """Retire everything; idempotent."""

    async def verify(self, document: bytes, media_type: str) -> Verdict:
        """May this manifest be believed? Changes nothing."""

    async def rotate(self, root: bytes) -> Verdict:
        """Let a signed root take over from the one in force; refused where the runtime began with a list of keys."""

    async def fetch(self, uri: str, sha256: str, length: int | None) -> Verdict:
        """Bring an artifact into the cache. Files below ``workdir/offered`` may be fetched by ``file://``."""

    async def register(self, spec: ComponentSpec) -> Verdict:
        """Offer a candidate; the same domain/key/provider replaces its former self."""

    async def sync(self, document: bytes, media_type: str) -> Outcome:
        """Apply a manifest: all of it or nothing. Factories below ``oneiric_conformance`` may be imported."""

    async def follow(self, manifest: Path, every: float) -> None:
        """Keep to the manifest in a file (JSON) from now on until ``stop()``, and look at it every so many seconds.

        Returns once it was looked at; whatever is wrong with it is no reason to raise.
        """

    async def explain(self, domain: str, key: str) -> Mapping[str, Mapping[str, Any]]:
        """By provider, all there is to know about each candidate of the key, as plain data: ``factory``, ``priority``,
        ``stack_level`` and ``metadata``, which has the published names.
        """

    async def activate(self, domain: str, key: str, provider: str | None = None) -> Verdict:
        """Publish the winner (or ``provider``) unless the slot already has an instance of it."""

    async def swap(self, domain: str, key: str, provider: str | None = None) -> Verdict:
        """Build anew and publish; on refusal the former instance stays."""

    def lease(self, domain: str, key: str) -> AbstractAsyncContextManager[Any]:
        """The published instance, protected from clean-up until the block ends."""

    async def call(self, domain: str, key: str, payload: Any) -> Any:
        """Do the domain's verb under a lease: task, action and workflow take the payload; an event handler takes
        ``{"topic", "payload", "headers"}``; a service answers its status. Raises what the component raises.
        """

    async def emit(self, topic: str, payload: Mapping[str, Any], headers: Mapping[str, Any]) -> Collection[str]:
        """Hand an event to every active handler that hears it; the keys of those, whatever became of it there."""

    async def status(self, domain: str, key: str) -> RuntimeStatus:
        """How the slot stands."""


RuntimeFactory: TypeAlias = Callable[[], Runtime]
