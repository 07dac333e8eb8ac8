"""Handling the component under judgement the way a runtime would: settings, factory, hooks, verb, payloads."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from hypothesis.strategies import SearchStrategy

from oneiric_conformance.handling.graphs import unrunnable
from oneiric_conformance.handling.payloads import payloads_of
from oneiric_conformance.handling.settings import declared, filled, mentions_sandbox
from oneiric_conformance.judging.findings import Finding, Untried, asking, within
from oneiric_conformance.runtime import ComponentSpec, Limits
from oneiric_conformance.subject import Subject
from oneiric_core import DOMAINS, ConformanceError, Domain
from oneiric_core.testing import (
    CLEANUP_HOOKS,
    HEALTH_HOOKS,
    INIT_HOOKS,
    call_hook,
    construct,
    find_hook,
    import_object,
    make_settings,
)

if TYPE_CHECKING:
    from oneiric_conformance.observing.sandbox import Sandbox

__all__ = ["Handling"]


class Handling:
    """One subject in the hands of a check. What it raises becomes a finding that names the step."""

    def __init__(self, subject: Subject | None, limits: Limits) -> None:
        self._subject = subject
        self._limits = limits
        self._started: set[int] = set()
        self._declared: Mapping[str, Any] | None = None

    @property
    def subject(self) -> Subject:
        """The component in hand."""
        if self._subject is None:
            raise ConformanceError(
                "this check judges no single component",
                fix="Use bench.of(subject) for each of bench.package.subjects",
            )
        return self._subject

    def settings(self, box: "Sandbox") -> dict[str, Any]:
        """The author's settings for this run, or guessed ones; ``{sandbox}`` stands for the box's directory."""
        if self._declared is None:
            with asking("settings_model"):
                self._declared = declared(self.subject)
        return filled(self._declared, box)

    @property
    def may_be_told(self) -> bool:
        """Whether ``{sandbox}`` may stand in the settings of the component in hand: True until they were asked for."""
        return self._subject is not None and (self._declared is None or mentions_sandbox(self._declared))

    async def build(self, box: "Sandbox") -> Any:
        """One call of the factory as a runtime would make it; settings are passed if it names them."""
        raw = self.settings(box)
        with asking("settings"):
            settings = make_settings(self.subject.settings_model, raw)
        with asking("factory"):
            factory = self.subject.factory
            made = import_object(factory, None) if isinstance(factory, str) else factory
            if not callable(made):
                raise Finding(f"the factory {factory!r} cannot be called", "a callable, or an import path of one")
        instance = await within(self._limits.init, "factory", construct(made, settings))
        self._started.discard(id(instance))
        return instance

    async def init(self, instance: object) -> None:
        """Its ``init`` hook, if it has one."""
        await self._hook(instance, INIT_HOOKS, self._limits.init)

    async def health(self, instance: object) -> object:
        """What its health hook answers; True if it has none."""
        return await self._hook(instance, HEALTH_HOOKS, self._limits.health, absent=True)

    async def start(self, instance: object) -> None:
        """What its domain does after ``init``; nothing in most domains."""
        name = self._row.after_init if self._row else ""
        if name:
            await self._hook(instance, (name,), self._limits.init)
            self._started.add(id(instance))

    async def activated(self, box: "Sandbox") -> Any:
        """An instance ready for work: factory, ``init``, and what its domain does after that."""
        instance = await self.build(box)
        await self.init(instance)
        await self.start(instance)
        return instance

    async def cleanup(self, instance: object) -> None:
        """Its clean-up hook, if it has one; a service that was started is stopped first."""
        if id(instance) in self._started and self._row:
            self._started.discard(id(instance))
            await self._hook(instance, (self._row.before_cleanup,), self._limits.cleanup)
        await self._hook(instance, CLEANUP_HOOKS, self._limits.cleanup)

    @asynccontextmanager
    async def live(self, box: "Sandbox") -> AsyncIterator[Any]:
        """An activated instance, cleaned up at the end of the block."""
        instance = await self.activated(box)
        try:
            yield instance
        finally:
            await self.cleanup(instance)

    def verb(self, instance: object) -> Callable[..., Any] | None:
        """The method that does its domain's work; None for adapters, and where it is missing."""
        return find_hook(instance, (self._row.verb,)) if self._row and self._row.verb else None

    def payloads(self) -> tuple[SearchStrategy[Any], list[Any]]:
        """What its verb can be given, and the examples to begin with: from its schema, else small JSON objects."""
        with asking("payload_schema"):
            return payloads_of(self.subject)

    def refuse_unrunnable(self) -> None:
        """No runtime registers a graph that cannot be run, and no manifest holds one: WF-001 says what is wrong.

        :raises Untried: if the subject declares such a graph.
        """
        dag = self.subject.metadata.get("dag") if self.subject.domain == Domain.WORKFLOW else None
        if dag is not None and (seen := unrunnable(dag)):
            raise Untried(f"WF-001: {seen}", "a graph that can be run")

    def spec(
        self,
        box: "Sandbox",
        *,
        provider: str | None = None,
        factory: str | Callable[..., object] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> ComponentSpec:
        """The subject as a registration, changed as asked.

        :raises Untried: see :meth:`refuse_unrunnable`.
        """
        self.refuse_unrunnable()
        subject = self.subject
        declared = dict(subject.metadata if metadata is None else metadata)
        if subject.settings_model is not None:
            declared.setdefault("settings_model", subject.settings_model)
        return ComponentSpec(
            domain=subject.domain,
            key=subject.key,
            provider=subject.provider if provider is None else provider,
            factory=subject.factory if factory is None else factory,
            metadata=declared,
            settings=self.settings(box),
            priority=subject.priority if isinstance(subject.priority, int) else None,
            stack_level=subject.stack_level if isinstance(subject.stack_level, int) else None,
        )

    @property
    def _row(self) -> Any:
        return next((row for row in DOMAINS.values() if row.domain == self.subject.domain), None)

    async def _hook(self, instance: object, names: Iterable[str], seconds: float, *, absent: object = None) -> object:
        for name in names:
            hook = find_hook(instance, (name,))
            if hook is not None:
                return await within(seconds, f"{name}()", call_hook(hook))
        return absent
