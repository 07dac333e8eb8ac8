"""Making one instance ready, and letting one go.

An :class:`Attempt` is one call of a factory and all that follows from it. Whatever happens to it (failure, timeout,
cancellation at any await), its instance is published or cleaned up, exactly once.

Async hooks run in tasks of their own: one that ignores its cancellation holds up nobody for longer than the clean-up
timeout. A factory that does so and delivers after all is waited for in the background, and what it delivers is cleaned
up.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import CoroutineType
from typing import Any, TypeAlias, TypeVar

from oneiric_core.clock import Clock
from oneiric_core.components import CLEANUP_HOOKS, HEALTH_HOOKS, INIT_HOOKS, Candidate, CodeReference
from oneiric_core.domains import DOMAINS, Domain
from oneiric_core.errors import ActivationError, HealthError, LifecycleError, told
from oneiric_core.lifecycle.construct import deliver, is_instance, make_settings, refuse_no_instance, wants_settings
from oneiric_core.lifecycle.crew import Crew
from oneiric_core.lifecycle.hooks import find_hook, is_awaitable
from oneiric_core.lifecycle.states import Timeouts

__all__ = ["MISSING", "Attempt", "Maker", "Wait"]

Wait: TypeAlias = Callable[[], Awaitable[None]]

MISSING = object()
"""Stands for "no instance yet", because an instance may be anything else."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One instance in the making.

    :param instance: what the factory gave, or :data:`MISSING`.
    :param begun: the domain's ``after_init`` hook was called, so ``before_cleanup`` is due.
    :param task: the component's call under way, if it is an async one.
    :param let_go: clean-up has begun.
    :param code: keeps the modules loaded that an artifact brought.
    """

    candidate: Candidate
    instance: object = MISSING
    begun: bool = False
    task: asyncio.Future[object] | None = None
    let_go: bool = False
    code: object = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def blocking(self) -> bool:
        return self.candidate.metadata.get("blocking") is True


@dataclass(frozen=True, slots=True)
class _Call:
    """One call into a component that has been begun: its result, or the task that will have it."""

    attempt: Attempt
    stage: str
    kind: type[LifecycleError]
    began: float
    result: object
    task: asyncio.Future[object] | None


class Maker:
    """Takes attempts through their stages.

    :param settings: gives a candidate's raw settings.
    :param importer: turns an import path into what it names.
    """

    def __init__(
        self,
        crew: Crew,
        clock: Clock,
        timeouts: Timeouts,
        settings: Callable[[Candidate], Mapping[str, Any]],
        importer: Callable[[str], object],
    ) -> None:
        self._crew = crew
        self._clock = clock
        self._timeouts = timeouts
        self._settings = settings
        self._importer = importer
        self._holders: Counter[int] = Counter()
        self._under_way: set[Attempt] = set()
        self.closed = False

    # -- making --------------------------------------------------------------------------------------------------------

    async def make(self, candidate: Candidate) -> Attempt:
        """An attempt whose instance is built, initialised and healthy.

        :raises ActivationError: settings, factory, ``init`` or ``start`` raised, took too long, or gave no instance.
        :raises HealthError: a probe gave anything but True.
        """
        attempt = Attempt(candidate)
        self._under_way.add(attempt)
        try:
            await self._build(attempt)
            await self._probe(attempt)
        except BaseException:
            await self.give_up(attempt)
            raise
        finally:
            self._under_way.discard(attempt)
        return attempt

    async def _build(self, attempt: Attempt) -> None:
        candidate = attempt.candidate
        deadline = self._clock.monotonic() + self._timeouts.activation
        call = self._factory_call(attempt)
        result = await self._perform(attempt, "factory", call, deadline, ActivationError)
        refuse_no_instance(result)
        self._adopt(attempt, result)
        init = self._hook(attempt, "init", INIT_HOOKS, ActivationError)
        if init is not None:
            await self._perform(attempt, "init", init, deadline, ActivationError)
        name = DOMAINS[Domain(candidate.domain)].after_init
        after = self._hook(attempt, name, (name,), ActivationError) if name else None
        if after is not None:
            attempt.begun = True
            await self._perform(attempt, name, after, deadline, ActivationError)
        if self._clock.monotonic() > deadline:
            raise _failed(attempt, "activation", "took too long", ActivationError)

    async def _probe(self, attempt: Attempt) -> None:
        hook = self._hook(attempt, "health", HEALTH_HOOKS, HealthError)
        for probe in (attempt.candidate.health, hook):
            if probe is None:
                continue
            deadline = self._clock.monotonic() + self._timeouts.health
            answer = await self._perform(attempt, "health", probe, deadline, HealthError)
            if answer is not True:
                raise _failed(attempt, "health", f"answered {_shown(answer)}", HealthError)
            if self._clock.monotonic() > deadline:
                raise _failed(attempt, "health", "took too long", HealthError)

    def _factory_call(self, attempt: Attempt) -> Callable[[], object]:
        try:
            return self._with_settings(attempt)
        except LifecycleError:
            raise
        except Exception as error:  # the application's functions; the component cannot be made without them
            raise _failed(attempt, "settings", _raised(error), ActivationError) from error

    def _with_settings(self, attempt: Attempt) -> Callable[[], object]:
        candidate = attempt.candidate
        factory = self._named(attempt, candidate.factory)
        if not callable(factory):
            raise ActivationError(
                f"the factory of {candidate.name} is {factory!r}", fix="Name a class or function", factory=factory
            )
        if not wants_settings(factory):
            return factory
        model = self._named(attempt, candidate.metadata.get("settings_model"))
        return partial(factory, settings=make_settings(model, self._settings(candidate)))

    def _named(self, attempt: Attempt, value: object) -> object:
        """What an import path stands for: here, or in the artifact the candidate brings, which is then held on to."""
        if isinstance(value, CodeReference):
            attempt.code = value.code.pin()
            return value.load()
        return self._importer(value) if isinstance(value, str) else value

    # -- letting go ----------------------------------------------------------------------------------------------------

    async def give_up(self, attempt: Attempt) -> None:
        """End what is under way and clean up what was made, now or when it is delivered.

        All of it runs in a task of its own, started before the first suspension: cancelling the caller again stops
        only the waiting.
        """
        reaper = self._crew.start(self._reap(attempt))
        await self._crew.see_off(reaper, 2 * self._timeouts.cleanup)

    def let_go(self, attempt: Attempt, problems: list[str]) -> Iterator[Wait]:
        """Stop and clean up. Gives what has to be waited for before it goes on, which is nothing for sync hooks.

        An instance somebody else still holds is left to them.

        :param problems: to which is added what went wrong.
        """
        attempt.let_go = True
        self._holders[id(attempt.instance)] -= 1
        if self._holders[id(attempt.instance)] > 0:
            return
        del self._holders[id(attempt.instance)]
        name = DOMAINS[Domain(attempt.candidate.domain)].before_cleanup
        stages = [(name, (name,))] if attempt.begun and name else []
        for stage, names in [*stages, ("cleanup", CLEANUP_HOOKS)]:
            try:
                hook = self._hook(attempt, stage, names, LifecycleError)
                call = None if hook is None else self._begin(attempt, stage, hook, LifecycleError)
            except LifecycleError as error:
                problems.append(error.what)
                continue
            if call is not None and call.task is not None:
                yield partial(self._end_of, call, call.task, problems)

    async def _end_of(self, call: "_Call", task: asyncio.Future[object], problems: list[str]) -> None:
        try:
            await self._end(call, task, call.began + self._timeouts.cleanup)
        except LifecycleError as error:
            problems.append(error.what)

    def close(self) -> None:
        """Let no further stage begin, and cancel those under way."""
        self.closed = True
        for attempt in self._under_way:
            if attempt.task is not None:
                attempt.task.cancel()

    async def _reap(self, attempt: Attempt) -> None:
        task = attempt.task
        if task is not None:
            task.cancel()
            if attempt.instance is not MISSING:
                await self._crew.see_off(task, self._timeouts.cleanup)
            else:
                await asyncio.wait({task})
                if not task.cancelled() and task.exception() is None and is_instance(task.result()):
                    self._adopt(attempt, task.result())
        if attempt.instance is not MISSING:
            for wait in self.let_go(attempt, []):
                await wait()

    def _adopt(self, attempt: Attempt, instance: object) -> None:
        attempt.instance = instance
        self._holders[id(instance)] += 1

    # -- one call into the component -----------------------------------------------------------------------------------

    def _hook(
        self, attempt: Attempt, stage: str, names: tuple[str, ...], kind: type["F"]
    ) -> Callable[..., object] | None:
        try:
            return find_hook(attempt.instance, names)
        except Exception as error:  # the class defines the hook, and reading it raises
            raise _failed(attempt, stage, _raised(error), kind) from error

    async def _perform(
        self, attempt: Attempt, stage: str, call: Callable[[], object], deadline: float, kind: type["F"]
    ) -> object:
        """What ``call`` gives; if that can be awaited, what comes of it until ``deadline``.

        A call that gives nothing to await ends before this suspends, and needs no task.
        """
        begun = self._begin(attempt, stage, call, kind)
        return begun.result if begun.task is None else await self._end(begun, begun.task, deadline)

    def _begin(self, attempt: Attempt, stage: str, call: Callable[[], object], kind: type["F"]) -> "_Call":
        if self.closed and not attempt.let_go:
            raise _failed(attempt, stage, "was not begun, because the manager was stopped", kind)
        began = self._clock.monotonic()
        try:
            result = self._in_thread(call) if attempt.blocking else call()
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            raise _failed(attempt, stage, _raised(error), kind) from error
        if not is_awaitable(result):
            attempt.seconds[stage] = self._clock.monotonic() - began
            return _Call(attempt, stage, kind, began, result, None)
        attempt.task = self._waited_for(result)
        return _Call(attempt, stage, kind, began, None, attempt.task)

    async def _end(self, call: "_Call", task: asyncio.Future[object], deadline: float) -> object:
        attempt, stage, kind = call.attempt, call.stage, call.kind
        try:
            if not task.done():
                async with self._clock.timeout(max(0.0, deadline - call.began)):
                    await asyncio.wait({task})
        except TimeoutError as error:
            task.cancel()
            raise _failed(attempt, stage, f"did not end within {deadline - call.began:g} s", kind) from error
        attempt.task = None
        if task.cancelled():
            why = "was cancelled, because the manager was stopped" if self.closed else "was cancelled from within"
            raise _failed(attempt, stage, why, kind)
        error_in_task = task.exception()
        if error_in_task is not None:
            raise _failed(attempt, stage, _raised(error_in_task), kind) from error_in_task
        attempt.seconds[stage] = self._clock.monotonic() - call.began
        return task.result()

    def _waited_for(self, awaitable: Awaitable[object]) -> asyncio.Future[object]:
        if isinstance(awaitable, asyncio.Future):  # a task around it, cancelled before its first step, would lose it
            self._crew.adopt(awaitable)
            return awaitable
        task = self._crew.call(_awaited(awaitable))
        if isinstance(awaitable, CoroutineType) and not task.done():  # for the same reason it may never be awaited
            task.add_done_callback(partial(_close, awaitable))
        return task

    async def _in_thread(self, call: Callable[[], object]) -> object:
        result = await self._crew.in_thread(call, deliver=True)
        return await deliver(result) if is_awaitable(result) else result


F = TypeVar("F", bound=LifecycleError)


async def _awaited(awaitable: Any) -> object:
    try:
        return await deliver(awaitable)
    except SystemExit as error:  # in a task of ours it would end the application's loop
        raise LifecycleError("called exit", fix="Raise an error instead", code=error.code) from error


def _close(coroutine: Coroutine[Any, Any, Any], _done: asyncio.Future[Any]) -> None:
    coroutine.close()


def _failed(attempt: Attempt, stage: str, what: str, kind: type[F]) -> F:
    candidate = attempt.candidate
    return kind(
        f"{stage} of {candidate.name} {what}",
        fix="Mend the component; what ran before still runs",
        name=candidate.name,
        stage=stage,
    )


def _raised(error: BaseException) -> str:
    return f"raised {told(error)}"


def _shown(answer: object) -> str:
    try:
        return repr(answer)[:80]
    except Exception:  # noqa: BLE001 - the answer is the component's own object; its type says enough
        return f"a {type(answer).__name__}"
