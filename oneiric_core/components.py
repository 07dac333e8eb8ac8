"""What an author implements and declares, and the candidate the runtime makes of it.

Declarations (``AdapterMetadata`` and its five siblings) are documents people write: pydantic models, checked when they
are made. A :class:`Candidate` is what travels inside: frozen, and equal only to itself in content.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Final, Protocol, TypeAlias, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from oneiric_core.domains import Domain

__all__ = [
    "CLEANUP_HOOKS",
    "HEALTH_HOOKS",
    "INIT_HOOKS",
    "ActionMetadata",
    "AdapterMetadata",
    "BroughtCode",
    "Candidate",
    "CandidateSource",
    "CodeReference",
    "ComponentMetadata",
    "EventEnvelope",
    "EventMetadata",
    "Factory",
    "ServiceMetadata",
    "SupportsCleanup",
    "SupportsHealth",
    "SupportsInit",
    "TaskMetadata",
    "WorkflowMetadata",
]

Factory: TypeAlias = str | Callable[..., Any]
"""``"package.module:attribute"``, or a callable; it returns an instance or an awaitable of one."""


INIT_HOOKS: Final = ("init",)
HEALTH_HOOKS: Final = ("health", "check_health", "ready", "is_healthy")
CLEANUP_HOOKS: Final = ("cleanup", "close", "shutdown")
"""Names under which a hook is looked for, in this order; the first one present is used. All hooks are optional."""


@runtime_checkable
class SupportsInit(Protocol):
    """A component that prepares itself; awaited if it returns an awaitable."""

    def init(self) -> Awaitable[None] | None: ...


@runtime_checkable
class SupportsHealth(Protocol):
    """A component that can say how it is; only ``True`` is healthy."""

    def health(self) -> Awaitable[bool] | bool: ...


@runtime_checkable
class SupportsCleanup(Protocol):
    """A component that lets go of what it holds; may be called more than once, and without ``init``."""

    def cleanup(self) -> Awaitable[None] | None: ...


@dataclass(frozen=True, slots=True)
class EventEnvelope:
    """What an event handler is given.

    :param topic: the name under which the event was emitted.
    :param payload: plain JSON data; not to be changed by the handler.
    :param headers: data about the event (id, time, correlation).
    """

    topic: str
    payload: Mapping[str, Any]
    headers: Mapping[str, Any] = field(default_factory=dict)


class BroughtCode(Protocol):
    """Code that an artifact brought; it is imported when it is asked for."""

    def load(self, path: str) -> object:
        """What an import path names in it."""

    def pin(self) -> object:
        """Keep what is loaded of it until the pin is gone."""


@dataclass(frozen=True, slots=True, repr=False)
class CodeReference:
    """An import path in an artifact. Two are equal if path and digest are: the same bytes are the same code.

    :param sha256: of the artifact.
    """

    path: str
    sha256: str
    code: BroughtCode = field(compare=False)

    def load(self) -> object:
        """:raises ActivationError: there is no such thing, or importing it raised."""
        return self.code.load(self.path)

    def __call__(self, **options: Any) -> Any:
        """Load it and call it, as one would any other factory."""
        loaded: Any = self.load()
        return loaded(**options)

    def __repr__(self) -> str:
        return self.path


class CandidateSource(StrEnum):
    """What kind of place a candidate came from. ``remote`` is read as ``remote_manifest``."""

    LOCAL_PKG = "local_pkg"
    REMOTE_MANIFEST = "remote_manifest"
    ENTRY_POINT = "entry_point"
    MANUAL = "manual"

    @classmethod
    def _missing_(cls, value: object) -> "CandidateSource | None":
        return cls.REMOTE_MANIFEST if value == "remote" else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One component that could be chosen for ``domain``/``key``.

    :param factory: import path or callable.
    :param metadata: plain data, read-only from here on; the published names (``capabilities``, ``settings_model``,
        ``topics``, ``filters``, ``max_concurrency``, ``dag``, ``timeout_seconds``, ``retry_policy``,
        ``side_effect_free``, …).
    :param source: the kind of place it came from.
    :param origin: which place of that kind: a manifest's source, a distribution's name.
    :param health: an extra probe of the instance's surroundings; None, or a callable without arguments.
    """

    domain: str
    key: str
    provider: str
    factory: Factory
    metadata: Mapping[str, Any] = field(default_factory=dict)
    priority: int | None = None
    stack_level: int | None = None
    source: CandidateSource = CandidateSource.LOCAL_PKG
    origin: str = ""
    health: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    @property
    def name(self) -> str:
        """``domain/key/provider``: how people and reports name it."""
        return f"{self.domain}/{self.key}/{self.provider}"

    @property
    def capabilities(self) -> frozenset[str]:
        """Names it claims, from ``capabilities`` and ``capability_descriptors`` alike; what is no list claims none."""
        claimed = self.metadata.get("capabilities")
        described = self.metadata.get("capability_descriptors")
        lists = [[claimed]] if isinstance(claimed, str) else [claimed, described]
        items = [item for each in lists if isinstance(each, Iterable) for item in each]
        return frozenset(str(item.get("name", "")) if isinstance(item, Mapping) else str(item) for item in items) - {""}


class ComponentMetadata(BaseModel):
    """What every declaration has in common; use the one of your domain.

    :param settings_model: a pydantic model class, or its path as ``"module:Class"`` or ``"module.Class"``.
    :param extras: anything else; it reaches ``Candidate.metadata`` as it is.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True, extra="forbid")

    domain_: ClassVar[Domain]

    provider: str
    factory: Factory
    version: str | None = None
    description: str | None = None
    capabilities: list[str | dict[str, Any]] = Field(default_factory=list)
    stack_level: int | None = None
    priority: int | None = None
    source: CandidateSource = CandidateSource.LOCAL_PKG
    health: Callable[[], object] | None = None
    owner: str | None = None
    requires_secrets: bool = False
    settings_model: str | type[BaseModel] | None = None
    timeout_seconds: float | None = None
    retry_policy: dict[str, Any] | None = None
    extras: dict[str, Any] = Field(default_factory=dict)

    def _key(self) -> str:
        return str(getattr(self, "key", ""))

    def _metadata(self) -> dict[str, Any]:
        model = self.settings_model
        path = f"{model.__module__}:{model.__qualname__}" if isinstance(model, type) else model
        names = [item if isinstance(item, str) else item["name"] for item in self.capabilities]
        described = [item for item in self.capabilities if not isinstance(item, str)]
        return {
            "version": self.version,
            "description": self.description,
            "capabilities": names,
            "capability_descriptors": described,
            "owner": self.owner,
            "requires_secrets": self.requires_secrets,
            "settings_model": path,
            "timeout_seconds": self.timeout_seconds,
            "retry_policy": self.retry_policy,
        }

    def to_candidate(self) -> Candidate:
        """The candidate this declares; empty fields are left out of its metadata."""
        metadata = {**self._metadata(), **self.extras}
        return Candidate(
            domain=self.domain_.value,
            key=self._key(),
            provider=self.provider,
            factory=self.factory,
            metadata={name: value for name, value in metadata.items() if value not in (None, [], {})},
            priority=self.priority,
            stack_level=self.stack_level,
            source=self.source,
            health=self.health,
        )


class AdapterMetadata(ComponentMetadata):
    """Declares an adapter; its ``category`` is the key applications ask for."""

    domain_ = Domain.ADAPTER
    category: str

    def _key(self) -> str:
        return self.category


class ServiceMetadata(ComponentMetadata):
    """Declares a service: ``start``, ``stop``, ``status``."""

    domain_ = Domain.SERVICE
    key: str


class TaskMetadata(ComponentMetadata):
    """Declares a task: ``run(payload)``."""

    domain_ = Domain.TASK
    key: str


class EventMetadata(ComponentMetadata):
    """Declares an event handler: ``handle(envelope)``.

    :param topics: the topics it hears; empty means all.
    :param filters: each ``{path, equals | any_of | exists}``; all must hold.
    :param fanout_policy: ``broadcast`` (every handler) or ``exclusive`` (the first by priority that matches).
    """

    domain_ = Domain.EVENT
    key: str
    topics: list[str] = Field(default_factory=list)
    filters: list[dict[str, Any]] = Field(default_factory=list)
    max_concurrency: int = Field(default=1, ge=1)
    event_priority: int | None = None
    fanout_policy: str | None = None

    def _metadata(self) -> dict[str, Any]:
        return super()._metadata() | {
            "topics": self.topics,
            "filters": self.filters,
            "max_concurrency": self.max_concurrency,
            "event_priority": self.event_priority,
            "fanout_policy": self.fanout_policy,
        }


class WorkflowMetadata(ComponentMetadata):
    """Declares a workflow: ``execute(context)``, or a ``dag`` of ``nodes: [{id, task, depends_on, payload}]``."""

    domain_ = Domain.WORKFLOW
    key: str
    dag: dict[str, Any] | None = None

    def _metadata(self) -> dict[str, Any]:
        return super()._metadata() | {"dag": self.dag}


class ActionMetadata(ComponentMetadata):
    """Declares an action: ``execute(payload)``.

    :param domains: the domains it is meant for, as information.
    :param side_effect_free: it writes nothing, connects nowhere, starts nothing.
    """

    domain_ = Domain.ACTION
    key: str
    domains: list[str] = Field(default_factory=list)
    side_effect_free: bool = False

    def _metadata(self) -> dict[str, Any]:
        return super()._metadata() | {"domains": self.domains, "side_effect_free": self.side_effect_free}
