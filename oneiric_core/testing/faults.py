"""Components that fail on purpose, at one stage and in one way, made out of the subject itself."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from oneiric_core.components import HEALTH_HOOKS, INIT_HOOKS
from oneiric_core.discovery.importing import import_object
from oneiric_core.errors import ConformanceError, MisuseError, ViolationError
from oneiric_core.lifecycle import call_hook, construct, find_hook
from oneiric_core.testing.choosing import did_you_mean, refuse_unless

__all__ = ["FAULTS", "FaultInjected", "FaultPlan", "FaultPlans", "FaultyFactory", "faulty"]

Stage: TypeAlias = Literal["factory", "init", "health"]
Mode: TypeAlias = Literal["error", "timeout", "cancel", "false", "none"]

_SAID: Final = {
    "error": "raises an error",
    "timeout": "never ends",
    "cancel": "raises CancelledError",
    "false": "returns False",
    "none": "returns None",
}


class FaultInjected(Exception):  # noqa: N818 - the error a component would raise
    """What a component fails with when it is told to."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Where and how a candidate fails. ``str()`` says it in words."""

    stage: Stage
    mode: Mode

    def __str__(self) -> str:
        return f"{self.stage} {_SAID[self.mode]}"


_MODES: Final[dict[Stage, tuple[Mode, ...]]] = {
    "factory": ("error", "timeout", "cancel", "none"),
    "init": ("error", "timeout", "cancel"),
    "health": ("error", "timeout", "cancel", "false", "none"),
}
FAULTS: Final = tuple(FaultPlan(stage, mode) for stage, modes in _MODES.items() for mode in modes)
"""Every way a candidate can fail before it is published. A timeout needs limits that somebody can wait for."""


class FaultyFactory:
    """The subject's factory with one fault in it.

    ``init`` and ``health`` are done for real before they fail, so that there is something to clean up. Everything else
    is the component's own.
    """

    def __init__(self, factory: str | Callable[..., object], plan: FaultPlan) -> None:
        self.plan = plan
        self.struck = 0
        self._factory = factory

    async def __call__(self, settings: object = None) -> object:
        if self.plan.stage == "factory":
            return await self.strike()
        factory = import_object(self._factory, None) if isinstance(self._factory, str) else self._factory
        if not callable(factory):
            raise TypeError(f"the factory {factory!r} cannot be called")
        return _Faulty(await construct(factory, settings), self)

    async def strike(self) -> object:
        """Fail as planned, and count it: a fault that was never reached proves nothing."""
        self.struck += 1
        match self.plan.mode:
            case "error":
                raise FaultInjected(f"injected: {self.plan}")
            case "cancel":
                raise asyncio.CancelledError(f"injected: {self.plan}")
            case "timeout":
                await asyncio.get_running_loop().create_future()
            case "false":
                return False
            case "none":
                pass
        return None


class _Faulty:
    """The component, but for the one hook that fails."""

    def __init__(self, inner: object, factory: FaultyFactory) -> None:
        self._inner = inner
        self._faults = factory

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def init(self) -> None:
        await _do(self._inner, INIT_HOOKS)
        if self._faults.plan.stage == "init":
            await self._faults.strike()

    async def health(self) -> object:
        healthy = await _do(self._inner, HEALTH_HOOKS)
        if self._faults.plan.stage == "health":
            return await self._faults.strike()
        return healthy


def faulty(factory: str | Callable[..., object], stage: Stage, mode: Mode) -> FaultyFactory:
    """``factory`` with a fault at ``stage``.

    :raises ConformanceError: if that stage cannot fail in that way (a factory that returns False, say).
    """
    plan = FaultPlan(stage, mode)
    if plan not in FAULTS:
        raise ConformanceError(
            f"there is no fault {stage}/{mode}",
            fix=f"Choose one of {', '.join(f'{known.stage}/{known.mode}' for known in FAULTS)}",
            stage=stage,
            mode=mode,
        )
    return FaultyFactory(factory, plan)


class FaultPlans:
    """Makes factories that fail, and knows whether each fault was reached."""

    all: Final = FAULTS

    def __init__(self) -> None:
        self._made: list[FaultyFactory] = []
        self._told: set[int] = set()
        self._over = False

    def close(self) -> None:
        """Plan no more: a fault that is planned now would be looked after by nobody."""
        self._over = True

    def __call__(self, factory: str | Callable[..., object], stage: str, mode: str = "error") -> FaultyFactory:
        """``factory`` with a fault at ``stage``: ``factory``, ``init`` or ``health``.

        :param factory: a class, a function, or an import path.
        :param mode: ``error``, ``timeout`` or ``cancel``; a health may also be ``false`` or ``none``.
        :raises MisuseError: a stage or mode that does not exist, or not together; or after :meth:`close`.
        """
        if self._over:
            raise MisuseError("the fault plans are no more", fix="Plan faults in the test they belong to")
        fix = "Pass a class, a function, or an import path such as 'acme.cache:Cache'"
        refuse_unless(callable(factory) or isinstance(factory, str), "the factory", factory, fix=fix)
        modes = {plan.stage: [each.mode for each in FAULTS if each.stage == plan.stage] for plan in FAULTS}
        known = next((name for name in modes if name == stage), None)
        if known is None:
            raise MisuseError(f"there is no stage {stage!r}", fix=did_you_mean(stage, modes), stage=stage)
        way = next((name for name in modes[known] if name == mode), None)
        if way is None:
            raise MisuseError(f"{stage} cannot fail by {mode!r}", fix=did_you_mean(mode, modes[known]), mode=mode)
        made = FaultyFactory(factory, FaultPlan(known, way))
        self._made.append(made)
        return made

    def check(self) -> None:
        """Look whether every fault was reached: one that was not proves nothing.

        :raises ViolationError: with those that were not, once.
        """
        idle = [made for made in self._made if not made.struck and id(made) not in self._told]
        self._told.update(map(id, idle))
        if idle:
            raise ViolationError(
                f"never reached: {', '.join(str(made.plan) for made in idle)}",
                fix="Activate the component that has the fault, or leave the fault out",
                plans=tuple(made.plan for made in idle),
            )


async def _do(instance: object, names: tuple[str, ...]) -> object:
    hook = find_hook(instance, names)
    return True if hook is None else await call_hook(hook)
