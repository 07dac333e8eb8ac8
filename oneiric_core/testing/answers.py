"""What :class:`~oneiric_core.testing.core_runtime.CoreRuntime` is given and what it answers, as plain values.

The kit has protocols and values of its own for these; they fit each other by their attributes, and neither imports the
other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from oneiric_core.errors import OneiricError
from oneiric_core.remote.sync import SyncReport

__all__ = ["Answer", "LimitsLike", "SpecLike", "Standing", "SyncAnswer", "TrustLike"]


class TrustLike(Protocol):
    """Whose manifests to believe: raw public keys, how many of them, and from which source (None: the first seen); or
    the signed root that says all of it.
    """

    @property
    def keys(self) -> tuple[bytes, ...]: ...
    @property
    def threshold(self) -> int: ...
    @property
    def source(self) -> str | None: ...
    @property
    def root(self) -> bytes | None: ...


class LimitsLike(Protocol):
    """How long a component may take, in seconds."""

    @property
    def init(self) -> float: ...
    @property
    def health(self) -> float: ...
    @property
    def cleanup(self) -> float: ...
    @property
    def drain(self) -> float: ...


class SpecLike(Protocol):
    """A component to be registered, with the mapping its settings are made of."""

    @property
    def domain(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def factory(self) -> str | Callable[..., object]: ...
    @property
    def metadata(self) -> Mapping[str, Any]: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def priority(self) -> int | None: ...
    @property
    def stack_level(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """Done or accepted (``ok``), or refused; then ``kind`` is the error's class name."""

    ok: bool = True
    kind: str = ""
    reason: str = ""

    @classmethod
    def refused(cls, error: OneiricError) -> "Answer":
        return cls(ok=False, kind=type(error).__name__, reason=str(error))


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    """What a sync did, besides the answer; names are ``domain/key/provider``."""

    ok: bool = True
    kind: str = ""
    reason: str = ""
    registered: int = 0
    swapped: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    unchanged: bool = False

    @classmethod
    def refused(cls, error: OneiricError) -> "SyncAnswer":
        return cls(ok=False, kind=type(error).__name__, reason=str(error))

    @classmethod
    def of(cls, report: SyncReport) -> "SyncAnswer":
        return cls(
            registered=report.registered,
            swapped=tuple(report.swapped),
            retired=tuple(report.retired),
            unchanged=report.unchanged,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """One slot as it stands: no provider and generation 0 before the first activation."""

    provider: str = ""
    generation: int = 0
    state: str = ""
    error: str = ""
