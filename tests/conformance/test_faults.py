"""Components that fail on purpose."""

import asyncio
from typing import Any

import pytest

from oneiric_conformance.handling.faults import FAULTS, FaultInjected, faulty
from oneiric_core import ConformanceError
from oneiric_core.testing import construct


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
