"""Objects that are awkward, and components all the same."""

import asyncio
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oneiric_core.errors import ActivationError, HealthError
from oneiric_core.lifecycle import call_hook, construct, find_hook, make_settings

CACHE = ("adapter", "cache")
ended: list[object] = []


class Falsy:
    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def cleanup(self) -> None:
        ended.append("Falsy")


class NoTruth:
    def __bool__(self) -> bool:
        raise ValueError("neither true nor false")

    def __eq__(self, other: object) -> bool:
        raise ValueError("not comparable")

    __hash__ = None  # type: ignore[assignment]  # that is the point

    def cleanup(self) -> None:
        ended.append("NoTruth")


class Slotted:
    __slots__ = ()

    def cleanup(self) -> None:
        ended.append("Slotted")


class RaisingGetattr:
    def __getattr__(self, name: str) -> object:
        raise RuntimeError(f"no {name} for you")

    def cleanup(self) -> None:
        ended.append("RaisingGetattr")


class RaisingGetattribute:
    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(f"no {name} for you")

    async def cleanup(self) -> None:
        ended.append("RaisingGetattribute")


def generator() -> Iterator[int]:
    try:
        yield 1
    finally:
        ended.append("generator")


def started_generator() -> Callable[[], Iterator[int]]:
    def factory() -> Iterator[int]:
        made = generator()
        next(made)
        return made

    return factory


@pytest.mark.parametrize(
    ("factory", "name"),
    [
        (Falsy, "Falsy"),
        (NoTruth, "NoTruth"),
        (Slotted, "Slotted"),
        (RaisingGetattr, "RaisingGetattr"),
        (RaisingGetattribute, "RaisingGetattribute"),
        (started_generator(), "generator"),
        (functools.partial(Falsy), "Falsy"),
    ],
)
async def test_they_are_handled_like_any_other(kit: Any, factory: Any, name: str) -> None:
    ended.clear()
    kit.offer(factory)
    first = await kit.manager.activate(*CACHE)
    assert await kit.manager.activate(*CACHE) is first
    async with kit.manager.lease(*CACHE) as leased:
        second = await kit.manager.swap(*CACHE)
        assert leased is first
        assert second is not first
        assert ended == []
    await kit.steps(5)
    assert ended == [name]
    await kit.manager.stop()
    assert ended == [name, name]


@pytest.mark.parametrize("instance", [0, "", (), {}, 7, object(), b"", 1.5])
async def test_anything_but_none_and_classes_can_be_an_instance(kit: Any, instance: object) -> None:
    kit.offer(lambda: instance)
    assert await kit.manager.activate(*CACHE) is instance
    assert await kit.manager.swap(*CACHE) is instance
    assert kit.manager.handle(*CACHE).generation == 2


async def test_an_instance_handed_out_twice_is_cleaned_up_when_its_last_holder_lets_go(kit: Any) -> None:
    only = kit.ledger.make()
    kit.offer(lambda: only, key="a")
    kit.offer(lambda: only, key="b")
    await kit.manager.activate("adapter", "a")
    await kit.manager.activate("adapter", "b")
    await kit.manager.swap("adapter", "a")
    await kit.manager.retire("adapter", "a")
    assert kit.ledger.cleaned == []
    await kit.manager.retire("adapter", "b")
    assert kit.ledger.cleaned == [1]


@pytest.mark.parametrize(
    ("name", "kind"), [("init", ActivationError), ("start", ActivationError), ("health", HealthError)]
)
async def test_a_hook_the_class_defines_but_that_cannot_be_read_fails(kit: Any, name: str, kind: Any) -> None:
    def unreadable(_self: object) -> object:
        raise OSError("disk gone")

    kit.offer(type("Broken", (), {name: property(unreadable)}), domain="service", key="web")
    with pytest.raises(kind, match=f"^{name} of service/web/one raised OSError: disk gone"):
        await kit.manager.activate("service", "web")


async def test_an_answer_that_cannot_be_shown_is_named_by_its_type(kit: Any) -> None:
    class Unprintable:
        def __repr__(self) -> str:
            raise ValueError("no")

    class Odd:
        def health(self) -> object:
            return Unprintable()

    kit.offer(Odd)
    with pytest.raises(HealthError, match="answered a Unprintable"):
        await kit.manager.activate(*CACHE)


@pytest.mark.parametrize("name", ["health", "check_health", "ready", "is_healthy"])
async def test_the_first_health_hook_there_is_decides(kit: Any, name: str) -> None:
    kit.offer(type("Probed", (), {name: lambda _self: False}))
    with pytest.raises(HealthError):
        await kit.manager.activate(*CACHE)


def test_hooks_are_found_by_order_and_must_be_callable() -> None:
    class Two:
        close = 7

        def shutdown(self) -> str:
            return "shut"

    hook = find_hook(Two(), ("cleanup", "close", "shutdown"))
    assert hook is not None
    assert hook() == "shut"
    assert find_hook(Two(), ("cleanup", "close")) is None
    assert find_hook(RaisingGetattribute(), ("init",)) is None


def by_keyword(*, settings: object) -> object:
    return [settings]


def by_position_only(settings: object = "default", /) -> object:
    return [settings]


def by_anything(**anything: object) -> object:
    return [anything]


class Unreadable:
    @property
    def __signature__(self) -> object:
        raise RuntimeError("secret")

    def __call__(self, *arguments: object, **named: object) -> object:
        return [arguments, named]


@pytest.mark.parametrize(
    ("factory", "given"),
    [
        (by_keyword, ["mine"]),
        (by_position_only, ["default"]),
        (by_anything, [{}]),
        (Unreadable(), [(), {}]),
        (functools.partial(by_keyword), ["mine"]),
        (list, []),
    ],
)
async def test_settings_are_passed_if_and_only_if_the_signature_names_them(factory: Any, given: object) -> None:
    assert await construct(factory, "mine") == given


async def test_awaitables_of_all_kinds_are_awaited() -> None:
    class Awaitable:
        def __await__(self) -> Iterator[Any]:
            yield from asyncio.sleep(0).__await__()
            return ["awaited"]

    def future() -> object:
        made: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        made.set_result(["awaited"])
        return made

    async def coroutine() -> object:
        return ["awaited"]

    @types.coroutine
    def generator() -> Iterator[Any]:
        """A coroutine as they were before ``async def``: to its type it is a generator like any other."""
        yield from asyncio.sleep(0).__await__()
        return ["awaited"]

    for factory in (Awaitable, future, coroutine, generator, lambda: ["awaited"]):
        assert await construct(factory, {}) == ["awaited"]
        assert await call_hook(factory) == ["awaited"]


async def test_an_awaitable_of_any_type_may_be_what_a_factory_gives(kit: Any) -> None:
    class Awaitable:
        def __await__(self) -> Iterator[Any]:
            yield from asyncio.sleep(0).__await__()
            return kit.ledger.make()

    kit.offer(Awaitable)
    assert (await kit.manager.activate(*CACHE)).number == 1


async def test_a_future_that_is_there_already_may_be_what_a_factory_gives(kit: Any) -> None:
    def factory() -> asyncio.Future[Any]:
        made: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        made.set_result(kit.ledger.make())
        return made

    kit.offer(factory)
    await kit.manager.activate(*CACHE)
    await kit.manager.retire(*CACHE)
    assert kit.ledger.cleaned == [1]


async def test_without_configuration_settings_are_an_empty_mapping(kit: Any) -> None:
    kit.offer(by_keyword)
    assert await kit.manager.activate(*CACHE) == [{}]


async def test_a_service_without_start_and_stop_is_a_service(kit: Any) -> None:
    kit.offer(Slotted, domain="service", key="web")
    await kit.manager.activate("service", "web")
    await kit.manager.retire("service", "web")
    assert kit.manager.status("service", "web").warning == ""


async def test_a_future_that_was_there_already_is_not_lost_to_a_cancellation() -> None:
    made: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    constructing = asyncio.create_task(construct(lambda: made, {}))
    await asyncio.sleep(0)
    made.set_result(["there"])
    constructing.cancel()
    assert await constructing == ["there"]
    pending: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    constructing = asyncio.create_task(construct(lambda: pending, {}))
    await asyncio.sleep(0)
    constructing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await constructing


class Settings:
    def __init__(self, size: int) -> None:
        self.size = size


async def test_settings_are_validated_by_their_model() -> None:
    from oneiric_core.components import AdapterMetadata  # noqa: PLC0415 - any pydantic model does

    raw = {"category": "cache", "provider": "redis", "factory": "a:b"}
    assert make_settings(None, {"size": 1}) == {"size": 1}
    assert make_settings(Settings, {"size": 1}).size == 1  # type: ignore[attr-defined]  # that is what is asked
    for model in (
        AdapterMetadata,
        "oneiric_core.components:AdapterMetadata",
        "oneiric_core.components.AdapterMetadata",
    ):
        assert make_settings(model, raw) == AdapterMetadata(**raw)
    for model, values in ((Settings, {}), (AdapterMetadata, {"category": 7}), (7, {}), ("no.such:Model", {})):
        with pytest.raises(ActivationError):
            make_settings(model, values)


async def test_settings_reach_the_factory_of_their_candidate(kit: Any) -> None:
    class Sized:
        def __init__(self, settings: Settings) -> None:
            self.settings = settings

    manager = kit.another(settings=lambda candidate: {"size": len(candidate.provider)}, importer=lambda _: Settings)
    kit.offer(Sized, settings_model="acme:Settings")
    instance = await manager.activate(*CACHE)
    assert instance.settings.size == 3
    kit.offer(Sized)
    instance = await manager.swap(*CACHE)
    assert instance.settings == {"size": 3}
    await manager.stop()
