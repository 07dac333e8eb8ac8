"""Handles, leases, and the verb of each domain with its timeout and retries."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from oneiric_core.bridges import ActionBridge, AdapterBridge, CallPolicy, ServiceBridge, TaskBridge
from oneiric_core.components import Candidate
from oneiric_core.errors import LifecycleError, ResolutionError


async def echo(payload: object) -> object:
    await asyncio.sleep(0)
    return {"echo": payload}


class Flaky:
    """Fails the first two times, counting over all instances."""

    calls = 0

    async def run(self, payload: object) -> object:
        type(self).calls += 1
        if type(self).calls < 3:
            raise OSError(f"try {type(self).calls}")
        return payload


async def test_use_activates_once_and_gives_a_snapshot(house: Any) -> None:
    adapters = house.bridge(AdapterBridge)
    house.offer("adapter", "cache", {"name": "cache"})
    first = await adapters.use("cache")
    assert await adapters.use("cache") is first
    assert (first.provider, first.generation, first.instance.name) == ("acme", 1, "cache")
    await house.manager.swap("adapter", "cache")
    assert (await adapters.use("cache")).generation == 2
    assert first.generation == 1


async def test_use_keeps_what_runs_until_something_else_is_asked_for(house: Any) -> None:
    adapters = house.bridge(AdapterBridge)
    house.offer("adapter", "cache", {}, "one", capabilities=["kv"])
    await adapters.use("cache")
    house.offer("adapter", "cache", {}, "two", capabilities=["ttl"])
    assert (await adapters.use("cache")).provider == "one"
    assert (await adapters.use("cache", capabilities=["kv"])).provider == "one"
    assert (await adapters.use("cache", capabilities="ttl")).provider == "two"
    assert (await adapters.use("cache", provider="one")).provider == "one"
    for wrong in ({"provider": "three"}, {"capabilities": ["blob"]}):
        with pytest.raises(ResolutionError):
            await adapters.use("cache", **wrong)
    assert adapters.explain("cache", ["kv"]).winner.provider == "one"


async def test_a_lease_activates_and_protects(house: Any) -> None:
    ended: list[str] = []
    adapters = house.bridge(AdapterBridge)
    house.offer("adapter", "cache", {"cleanup": lambda: ended.append("cleanup")})
    async with adapters.lease("cache") as cache:
        await house.manager.swap("adapter", "cache")
        assert ended == []
        assert (await adapters.use("cache")).instance is not cache
    await house.turns()
    assert ended == ["cleanup"]


@pytest.mark.parametrize(
    ("domain", "bridge", "act", "verb"),
    [("task", TaskBridge, "run", "run"), ("action", ActionBridge, "execute", "execute")],
)
async def test_the_verb_gets_the_payload_and_its_result_comes_back(
    house: Any, domain: str, bridge: Any, act: str, verb: str
) -> None:
    house.offer(domain, "echo", {verb: echo})
    assert await getattr(house.bridge(bridge), act)("echo", 7) == {"echo": 7}
    house.offer(domain, "sync", {verb: lambda payload: [payload]})
    assert await getattr(house.bridge(bridge), act)("sync", 7) == [7]
    house.offer(domain, "mute", {})
    with pytest.raises(LifecycleError, match=rf"{domain}/mute has no {verb}\(\)"):
        await getattr(house.bridge(bridge), act)("mute", 7)


async def test_a_service_answers_its_status_started(house: Any) -> None:
    class Service:
        state = "new"

        def start(self) -> None:
            self.state = "started"

        async def status(self) -> str:
            return self.state

    house.offer("service", "web", Service)
    assert await house.bridge(ServiceBridge).status("web") == "started"


async def test_what_a_component_raises_comes_through_as_it_is(house: Any) -> None:
    async def fail(payload: object) -> None:
        raise KeyError("mine")

    house.offer("task", "fail", {"run": fail})
    with pytest.raises(KeyError, match="mine"):
        await house.bridge(TaskBridge).run("fail", {})


async def test_a_timeout_ends_the_call_and_its_lease(house: Any) -> None:
    ended: list[str] = []

    async def hang(payload: object) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("call")

    house.offer("task", "hang", {"run": hang}, timeout_seconds=3)
    running = asyncio.create_task(house.bridge(TaskBridge).run("hang"))
    await house.clock.advance(2.9)
    assert not running.done()
    await house.clock.advance(0.1)
    with pytest.raises(TimeoutError, match="task/hang did not end within 3 s"):
        await running
    assert ended == ["call"]
    assert house.manager.status("task", "hang").leases == 0


async def test_a_timeout_of_the_components_own_is_left_as_it_is(house: Any) -> None:
    async def fail(payload: object) -> None:
        raise TimeoutError("mine")

    house.offer("task", "fail", {"run": fail}, timeout_seconds=3)
    with pytest.raises(TimeoutError, match="mine"):
        await house.bridge(TaskBridge).run("fail")


async def test_cancelling_a_run_cancels_the_component_and_releases_the_lease(house: Any) -> None:
    cancelled: list[bool] = []

    async def hang(payload: object) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    house.offer("task", "hang", {"run": hang}, retry_policy={"attempts": 5})
    running = asyncio.create_task(house.bridge(TaskBridge).run("hang"))
    await house.turns()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cancelled == [True]
    assert house.manager.status("task", "hang").leases == 0


async def test_failures_are_tried_again_with_growing_delays(house: Any) -> None:
    Flaky.calls = 0
    house.offer("task", "flaky", Flaky, retry_policy={"max_attempts": 3, "initial_delay": 2, "max_delay": 3})
    running = asyncio.create_task(house.bridge(TaskBridge).run("flaky", "done"))
    seen = []
    for _ in range(6):
        await house.clock.advance(0 if not seen else 1)
        seen.append(Flaky.calls)
    assert seen == [1, 1, 2, 2, 2, 3]
    assert await running == "done"


async def test_the_last_failure_comes_through_and_a_policy_can_be_given(house: Any) -> None:
    Flaky.calls = 0
    house.offer("task", "flaky", Flaky, retry_policy={"attempts": 2})
    with pytest.raises(OSError, match="try 2"):
        await house.bridge(TaskBridge).run("flaky")
    Flaky.calls = 0
    with pytest.raises(OSError, match="try 1"):
        await house.bridge(TaskBridge).run("flaky", policy=CallPolicy())


async def test_another_try_is_made_on_what_is_published_by_then(house: Any) -> None:
    async def fail(payload: object) -> None:
        raise OSError("old")

    house.offer("action", "act", {"execute": fail}, retry_policy={"attempts": 2, "base_delay": 5})
    running = asyncio.create_task(house.bridge(ActionBridge).execute("act", 1))
    await house.clock.advance(1)
    house.offer("action", "act", {"execute": echo})
    await house.manager.swap("action", "act")
    await house.clock.advance(5)
    assert await running == {"echo": 1}


async def test_a_blocking_component_works_in_a_thread(house: Any) -> None:
    house.offer("task", "block", {"run": lambda _: threading.current_thread().name}, blocking=True)
    assert (await house.bridge(TaskBridge).run("block")).startswith("oneiric-blocking")


async def test_an_action_says_whether_it_declares_to_be_free_of_side_effects(house: Any) -> None:
    actions = house.bridge(ActionBridge)
    house.offer("action", "slug", {"execute": echo}, side_effect_free=True)
    assert actions.side_effect_free("slug") is True
    await actions.use("slug")
    house.offer("action", "slug", {"execute": echo}, "other")
    assert actions.side_effect_free("slug") is True
    await house.manager.swap("action", "slug")
    assert actions.side_effect_free("slug") is False
    with pytest.raises(ResolutionError):
        actions.side_effect_free("nothing")


async def test_an_instance_retired_while_it_is_asked_for_is_reported(house: Any) -> None:
    async def slow() -> None:
        await house.turns(5)

    house.offer("adapter", "cache", {"cleanup": slow})
    adapters = house.bridge(AdapterBridge)
    await adapters.use("cache")
    house.offer("adapter", "cache", {"cleanup": slow}, "new")
    using = asyncio.create_task(adapters.use("cache", provider="new"))
    await house.turns(3)
    retiring = asyncio.create_task(house.manager.retire("adapter", "cache"))
    with pytest.raises(LifecycleError, match="retired as soon as"):
        await using
    await retiring


@pytest.mark.parametrize(
    ("declared", "delays"),
    [
        ({}, [0, 0, 0, 0]),
        ({"base_delay": 1, "max_delay": 5}, [1, 2, 4, 5, 5]),
        ({"base_delay": 1, "max_delay": 5, "jitter": 0.5}, [1.25, 2.5, 5, 6.25]),
        ({"initial_delay": 1, "max_backoff": 5, "backoff_jitter": True}, [1.5, 3, 6, 7.5]),
        ({"base_delay": 1, "jitter": False, "backoff_multiplier": 3}, [1, 3, 9, 27, 60]),
        ({"base_delay": 1, "backoff_multiplier": 1}, [1, 1, 1]),
    ],
    ids=str,
)
def test_delays_grow_up_to_the_limit_and_jitter_is_a_part_of_them(
    declared: dict[str, Any], delays: list[float]
) -> None:
    policy = replace(CallPolicy.parse(None, declared, "t"), draw=lambda: 0.5)
    assert [policy.delay(attempt) for attempt in range(1, len(delays) + 1)] == delays
    assert policy.delay(5000) == delays[-1]


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"timeout_seconds": 0}, "timeout_seconds of"),
        ({"timeout_seconds": "3"}, "timeout_seconds of"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds of"),
        ({"timeout_seconds": True}, "timeout_seconds of"),
        ({"retry_policy": 3}, "Give a mapping"),
        ({"retry_policy": {"attemps": 3}}, "Did you mean attempts"),
        ({"retry_policy": {"zzz": 3}}, "Use attempts, base_delay, jitter, max_delay, multiplier"),
        ({"retry_policy": {"attempts": 0}}, "at least 1"),
        ({"retry_policy": {"attempts": 1.5}}, r"retry_policy\.attempts"),
        ({"retry_policy": {"base_delay": -1}}, "at least 0"),
    ],
)
def test_policies_that_cannot_be_read_are_refused(metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(ResolutionError, match=message):
        CallPolicy.of(Candidate("task", "t", "acme", "a:b", metadata))
