"""Components that fail on purpose."""

import asyncio
from typing import Any

import pytest

from oneiric_core import ConformanceError, MisuseError, ViolationError
from oneiric_core.testing import FAULTS, FaultInjected, FaultPlans, construct, faulty


@pytest.mark.parametrize("plan", FAULTS, ids=str)
async def test_a_faulty_factory_fails_where_and_how_it_was_told(plan: Any) -> None:
    class Component:
        def __init__(self, settings: object) -> None:
            self.log = [settings]

        async def init(self) -> None:
            self.log.append("init")

        async def health(self) -> bool:
            return True

    factory = faulty(Component, plan.stage, plan.mode)

    async def come_up() -> object:
        instance: Any = await factory(settings="s") if plan.stage == "factory" else await construct(factory, "s")
        if plan.stage == "factory":
            return instance
        await instance.init()
        assert instance.log == ["s", "init"]
        return await instance.health()

    expected = {"error": FaultInjected, "cancel": asyncio.CancelledError, "timeout": TimeoutError}
    if plan.mode in expected:
        with pytest.raises(expected[plan.mode]):
            async with asyncio.timeout(0.01):
                await come_up()
    else:
        assert await come_up() is {"false": False, "none": None}[plan.mode]
    assert factory.struck == 1


def test_a_fault_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConformanceError, match="factory/false"):
        faulty(list, "factory", "false")


def test_fault_plans_know_which_fault_was_never_reached() -> None:
    plans = FaultPlans()
    plans(dict, "health", "false")
    with pytest.raises(ViolationError, match=r"never reached: health returns False\. Activate the component"):
        plans.check()
    plans.check()


async def test_a_fault_that_was_reached_is_fine() -> None:
    plans = FaultPlans()
    with pytest.raises(FaultInjected):
        await plans(dict, "factory")()
    plans.check()


@pytest.mark.parametrize("plan", FAULTS, ids=str)
def test_every_fault_can_be_planned(plan: Any) -> None:
    assert FaultPlans()(dict, plan.stage, plan.mode).plan == plan


@pytest.mark.parametrize(
    ("stage", "mode", "told"),
    [
        ("inti", "error", "there is no stage 'inti'. Did you mean init?"),
        ("init", "eror", "init cannot fail by 'eror'. Did you mean error?"),
        ("init", "false", "init cannot fail by 'false'. There are error, timeout, cancel"),
    ],
)
def test_a_plan_that_does_not_exist_is_answered_with_what_was_meant(stage: str, mode: str, told: str) -> None:
    with pytest.raises(MisuseError) as caught:
        FaultPlans()(dict, stage, mode)
    assert told in str(caught.value)
