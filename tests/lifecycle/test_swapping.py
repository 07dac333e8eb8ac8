"""One key: activate, swap, retire, and what failures leave behind."""

import asyncio
from typing import Any

import pytest

from oneiric_core.errors import ActivationError, HealthError, LifecycleError, ResolutionError
from oneiric_core.lifecycle import SlotStatus, State

CACHE = ("adapter", "cache")


async def test_activation_builds_initialises_and_asks_for_health_in_this_order(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory())
    instance = await kit.manager.activate(*CACHE)
    assert kit.ledger.log == [("made", 1), ("init", 1), ("health", 1)]
    assert kit.manager.get_instance(*CACHE) is instance
    assert kit.manager.status(*CACHE).generation == 1
    assert kit.manager.status(*CACHE).state is State.ACTIVE


async def test_activating_what_runs_already_makes_nothing(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    first = await kit.manager.activate(*CACHE)
    assert await kit.manager.activate(*CACHE) is first
    kit.offer(kit.resolver.require(*CACHE).factory)  # the same candidate, registered anew
    assert await kit.manager.activate(*CACHE) is first
    assert kit.ledger.made == 1


async def test_activating_makes_the_new_winner_when_there_is_one(kit: Any) -> None:
    kit.offer(kit.ledger.factory(), "one")
    await kit.manager.activate(*CACHE)
    kit.offer(kit.ledger.factory(), "two")
    await kit.manager.activate(*CACHE)
    assert kit.manager.status(*CACHE).provider == "two"
    assert kit.ledger.cleaned == [1]


async def test_a_swap_always_builds_and_cleans_up_the_former_one_after_publication(kit: Any) -> None:
    kit.offer(kit.ledger.factory(pace=1))
    await kit.manager.activate(*CACHE)
    published_when_cleaned: list[object] = []

    async def look() -> None:
        published_when_cleaned.append(kit.manager.get_instance(*CACHE).number)

    kit.offer(kit.ledger.factory(cleanup=look))
    await kit.manager.swap(*CACHE)
    await kit.manager.swap(*CACHE)
    assert kit.ledger.cleaned == [1, 2]
    assert published_when_cleaned == [3]
    assert kit.manager.handle(*CACHE).generation == 3


async def test_a_named_provider_is_published_and_swapping_back_works(kit: Any) -> None:
    kit.offer(kit.ledger.factory(), "one")
    kit.offer(kit.ledger.factory(), "two")
    for provider in ("one", "two", "one"):
        await kit.manager.swap(*CACHE, provider)
        assert kit.manager.handle(*CACHE).provider == provider


async def test_readers_always_find_an_instance_that_was_not_cleaned_up(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory(pace=2))
    await kit.manager.activate(*CACHE)
    swapping = asyncio.create_task(swap_often(kit, 5))
    reads = 0
    while not swapping.done():
        instance = kit.manager.get_instance(*CACHE)
        assert not kit.ledger.cleanups[instance.number]
        reads += 1
        await asyncio.sleep(0)
    await swapping
    assert reads > 50


async def swap_often(kit: Any, times: int) -> None:
    for _ in range(times):
        await kit.manager.swap(*CACHE)


@pytest.mark.parametrize("stage", ["init", "health"])
@pytest.mark.parametrize("how", ["error", "cancel", "exit", "timeout", "false"])
async def test_a_failure_before_publication_changes_nothing_but_the_status(kit: Any, stage: str, how: str) -> None:
    kit.offer(kit.ledger.factory(), "good")
    live = await kit.manager.activate(*CACHE)

    async def fail() -> Any:
        if how == "error":
            raise ValueError("no such host")
        if how == "cancel":
            raise asyncio.CancelledError
        if how == "exit":
            raise SystemExit(3)
        if how == "timeout":
            await kit.hang()
        return False

    if how == "false" and stage == "init":
        return  # what init returns does not matter
    kit.offer(kit.ledger.factory(**{stage: fail}), "bad")
    swapping = asyncio.create_task(kit.manager.swap(*CACHE))
    await kit.clock.advance(40)
    with pytest.raises(HealthError if stage == "health" else ActivationError, match=f"{stage} of adapter/cache/bad"):
        await swapping
    status = kit.manager.status(*CACHE)
    assert kit.manager.get_instance(*CACHE) is live
    assert (status.provider, status.generation, status.state) == ("good", 1, State.ACTIVE)
    assert stage in status.error
    assert kit.ledger.cleaned == [2]


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError(), ValueError("no")], ids=repr)
async def test_whatever_a_sync_call_raises_is_a_failure(kit: Any, error: BaseException) -> None:
    class Component:
        def init(self) -> None:
            raise error

    def factory() -> Any:
        raise error

    for made_by, stage in ((factory, "factory"), (Component, "init")):
        kit.offer(made_by)
        with pytest.raises(ActivationError, match=f"{stage} of adapter/cache/one raised {type(error).__name__}"):
            await kit.manager.activate(*CACHE)


@pytest.mark.parametrize("returned", [None, int], ids=["None", "a class"])
@pytest.mark.parametrize("late", [False, True])
async def test_none_and_classes_are_no_instances(kit: Any, returned: object, late: bool) -> None:
    async def later() -> object:
        await asyncio.sleep(0)
        return returned

    kit.offer(later if late else lambda: returned)
    with pytest.raises(ActivationError, match="returned"):
        await kit.manager.activate(*CACHE)
    assert kit.manager.status(*CACHE).state is State.FAILED


@pytest.mark.parametrize("answer", [None, 0, 1, "healthy", "unhealthy", [True], {}], ids=repr)
async def test_only_true_is_healthy(kit: Any, answer: object) -> None:
    async def health() -> object:
        return answer

    kit.offer(kit.ledger.factory(health=health))
    with pytest.raises(HealthError, match="answered"):
        await kit.manager.activate(*CACHE)
    assert kit.ledger.cleaned == [1]


async def test_the_candidates_own_probe_counts_too(kit: Any) -> None:
    kit.offer(kit.ledger.factory(), health=lambda: False)
    with pytest.raises(HealthError):
        await kit.manager.activate(*CACHE)
    kit.offer(kit.ledger.factory(), health=lambda: True)
    await kit.manager.activate(*CACHE)


async def test_a_sync_hook_that_takes_too_long_fails_as_well(kit: Any) -> None:
    class Slow:
        def init(self) -> None:
            kit.clock._elapsed += 31

    class SlowProbe:
        def health(self) -> bool:
            kit.clock._elapsed += 6
            return True

    kit.offer(Slow)
    with pytest.raises(ActivationError, match="too long"):
        await kit.manager.activate(*CACHE)
    kit.offer(SlowProbe)
    with pytest.raises(HealthError, match="too long"):
        await kit.manager.activate(*CACHE)


async def test_factory_init_and_start_share_one_deadline(kit: Any) -> None:
    async def doze() -> None:
        await kit.clock.sleep(20)

    kit.offer(kit.ledger.factory(init=doze, start=doze), domain="service", key="web")
    activating = asyncio.create_task(kit.manager.activate("service", "web"))
    await kit.clock.advance(29)
    assert not activating.done()
    await kit.clock.advance(1)
    with pytest.raises(ActivationError, match="start of service/web/one did not end within"):
        await activating
    assert kit.ledger.stages(1)[-2:] == ["stop", "cleanup"]


async def test_a_service_is_started_after_init_and_stopped_before_cleanup(kit: Any) -> None:
    kit.offer(kit.ledger.factory(), domain="service", key="web")
    await kit.manager.activate("service", "web")
    await kit.manager.retire("service", "web")
    assert kit.ledger.stages(1) == ["made", "init", "start", "health", "stop", "cleanup"]


async def test_a_service_that_was_never_started_is_not_stopped(kit: Any) -> None:
    kit.offer(kit.ledger.factory(init=kit.explode), domain="service", key="web")
    with pytest.raises(ActivationError):
        await kit.manager.activate("service", "web")
    assert kit.ledger.stages(1) == ["made", "init", "cleanup"]


async def test_a_failure_after_publication_is_reported_and_does_not_unpublish(kit: Any) -> None:
    kit.offer(kit.ledger.factory(stop=kit.explode, cleanup=kit.explode), domain="service", key="web")
    await kit.manager.activate("service", "web")
    second = await kit.manager.swap("service", "web")
    status = kit.manager.status("service", "web")
    assert kit.manager.get_instance("service", "web") is second
    assert status.error == ""
    assert "stop of service/web/one raised ValueError" in status.warning
    assert "cleanup of service/web/one raised ValueError" in status.warning
    assert kit.ledger.cleaned == [1]


async def test_a_cleanup_that_hangs_is_given_up_after_its_timeout(kit: Any) -> None:
    kit.offer(kit.ledger.factory(cleanup=kit.hang))
    await kit.manager.activate(*CACHE)
    retiring = asyncio.create_task(kit.manager.retire(*CACHE))
    await kit.clock.advance(9)
    assert not retiring.done()
    await kit.clock.advance(1)
    await retiring
    assert "did not end within 10 s" in kit.manager.status(*CACHE).warning


async def test_what_nobody_answers_to_leaves_no_slot(kit: Any) -> None:
    with pytest.raises(ResolutionError):
        await kit.manager.activate(*CACHE)
    assert kit.manager.all_statuses() == []
    assert kit.manager.status(*CACHE) == SlotStatus(*CACHE)


async def test_after_retirement_nothing_is_published_and_generations_go_on(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.retire(*CACHE)
    await kit.manager.activate(*CACHE)
    await kit.manager.retire(*CACHE)
    await kit.manager.retire(*CACHE)
    assert kit.manager.get_instance(*CACHE) is None
    assert kit.manager.handle(*CACHE) is None
    assert kit.manager.status(*CACHE).state is State.RETIRED
    with pytest.raises(LifecycleError, match="nothing is active"):
        async with kit.manager.lease(*CACHE):
            pass
    await kit.manager.activate(*CACHE)
    assert kit.manager.status(*CACHE).generation == 2
    assert kit.ledger.cleaned == [1]


async def test_the_status_says_what_is_under_way(kit: Any) -> None:
    seen: list[SlotStatus] = []

    async def look() -> None:
        seen.append(kit.manager.status(*CACHE))

    kit.offer(kit.ledger.factory(init=look))
    await kit.manager.activate(*CACHE)
    await kit.manager.swap(*CACHE)
    assert [(status.domain, status.key, status.state) for status in seen] == [
        (*CACHE, State.ACTIVATING),
        (*CACHE, State.SWAPPING),
    ]
    assert set(kit.manager.status(*CACHE).seconds) == {"factory", "init", "health"}


async def test_observers_hear_of_publications_failures_and_retirements(kit: Any) -> None:
    heard: list[tuple[State, int, bool]] = []
    forget = kit.manager.observe(lambda status: heard.append((status.state, status.generation, bool(status.error))))
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    kit.offer(kit.ledger.factory(init=kit.explode))
    with pytest.raises(ActivationError):
        await kit.manager.swap(*CACHE)
    await kit.manager.retire(*CACHE)
    forget()
    forget()
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    assert heard == [(State.ACTIVE, 1, False), (State.ACTIVE, 1, True), (State.RETIRED, 1, False)]


@pytest.mark.parametrize("error", [ValueError("down"), SystemExit("down"), asyncio.CancelledError("down")], ids=repr)
async def test_an_observer_that_raises_stops_nothing(kit: Any, error: BaseException) -> None:
    def broken(status: SlotStatus) -> None:
        raise error

    kit.manager.observe(broken)
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    await kit.manager.swap(*CACHE)
    assert kit.manager.status(*CACHE).generation == 2
    assert f"an observer raised {type(error).__name__}: down" in kit.manager.status(*CACHE).warning
    assert kit.ledger.cleaned == [1]


async def test_swaps_of_one_key_serialise(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory(pace=2))
    await asyncio.gather(*(kit.manager.swap(*CACHE) for _ in range(4)))
    making = [number for stage, number in kit.ledger.log if stage in {"made", "init", "health"}]
    assert making == sorted(making)
    assert kit.manager.status(*CACHE).generation == 4
    assert kit.ledger.cleaned == [1, 2, 3]


async def test_swaps_of_different_keys_run_side_by_side(kit: Any) -> None:
    gate = asyncio.Event()
    kit.offer(kit.ledger.factory(init=gate.wait), key="a")
    kit.offer(kit.ledger.factory(), key="b")
    waiting = asyncio.create_task(kit.manager.activate("adapter", "a"))
    await kit.steps(5)
    await kit.manager.activate("adapter", "b")
    assert not waiting.done()
    gate.set()
    await waiting


async def test_concurrent_activations_make_one_instance(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory())
    instances = await asyncio.gather(*(kit.manager.activate(*CACHE) for _ in range(5)))
    assert len(set(map(id, instances))) == 1
    assert kit.ledger.made == 1


async def test_a_factory_may_be_an_import_path_of_an_allowed_package(kit: Any) -> None:
    manager = kit.another(importer={"acme.cache:Cache": kit.ledger.factory()}.__getitem__)
    kit.offer("acme.cache:Cache")
    await manager.activate(*CACHE)
    await manager.stop()
    kit.offer("os:getcwd")
    with pytest.raises(ActivationError, match="not allowed"):
        await kit.manager.activate(*CACHE)
    kit.offer("acme.cache:Cache")
    broken = kit.another(importer={}.__getitem__)
    with pytest.raises(ActivationError, match=r"settings of adapter/cache/one raised KeyError"):
        await broken.activate(*CACHE)


async def test_something_that_cannot_be_called_is_no_factory(kit: Any) -> None:
    manager = kit.another(importer=lambda _path: 7)
    kit.offer("acme:seven")
    with pytest.raises(ActivationError, match="is 7"):
        await manager.activate(*CACHE)
