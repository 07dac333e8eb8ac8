"""What people and programs are told of a failure, to the letter: it is what they act on."""

import asyncio
import contextvars
from typing import Any

import pytest
from pydantic import BaseModel, RootModel

from oneiric_core.errors import ActivationError, HealthError, LifecycleError, OneiricError, ResolutionError, SwapError
from oneiric_core.lifecycle import make_settings
from oneiric_core.lifecycle.construct import refuse_no_instance

CACHE = ("adapter", "cache")
MEND = "Mend the component; what ran before still runs."


class Unspeakable:
    def __repr__(self) -> str:
        raise ValueError("not a word")


class Settings(BaseModel):
    size: int = 0


class Picky:
    def __init__(self, size: int) -> None:
        raise ValueError(f"{size} is too much")


def told(error: BaseException) -> tuple[str, dict[str, object]]:
    assert isinstance(error, OneiricError)
    return str(error), dict(error.evidence)


@pytest.mark.parametrize(
    ("act", "message", "evidence"),
    [
        (
            lambda: make_settings(7, {}),
            'settings_model is 7. Give a class, or its path as "module:Class".',
            {"settings_model": 7},
        ),
        (
            lambda: make_settings(Picky, {"size": 3}),
            "the settings do not fit Picky: ValueError: 3 is too much. Correct the settings of this provider.",
            {"settings_model": f"{__name__}:Picky"},
        ),
        (
            lambda: refuse_no_instance(None),
            "the factory returned None. Return an instance, or an awaitable of one.",
            {"returned": None},
        ),
        (
            lambda: refuse_no_instance(int),
            "the factory returned the class <class 'int'>. Return an instance, or an awaitable of one.",
            {"returned": int},
        ),
    ],
)
def test_what_cannot_be_made(act: Any, message: str, evidence: dict[str, object]) -> None:
    with pytest.raises(ActivationError) as caught:
        act()
    assert told(caught.value) == (message, evidence)


def test_a_pydantic_model_validates() -> None:
    assert make_settings(Settings, {"size": "3"}) == Settings(size=3)
    with pytest.raises(ActivationError, match="the settings do not fit Settings: ValidationError: "):
        make_settings(Settings, {"size": "many"})
    table = RootModel[dict[str, int]]
    assert make_settings(table, {"root": 1}) == table({"root": 1})
    assert make_settings(table, {}) == table({})


async def test_a_failed_stage(kit: Any) -> None:
    kit.offer(kit.ledger.factory(init=kit.explode))
    with pytest.raises(ActivationError) as caught:
        await kit.manager.activate(*CACHE)
    message = f"init of adapter/cache/one raised ValueError: no such host. {MEND}"
    assert told(caught.value) == (message, {"name": "adapter/cache/one", "stage": "init"})
    assert kit.manager.status(*CACHE).error == message


async def test_no_factory(kit: Any) -> None:
    kit.offer(7)
    with pytest.raises(ActivationError) as caught:
        await kit.manager.activate(*CACHE)
    assert told(caught.value) == ("the factory of adapter/cache/one is 7. Name a class or function.", {"factory": 7})


@pytest.mark.parametrize(
    ("answer", "shown"), [(None, "None"), ("x" * 100, "'" + "x" * 79), (Unspeakable(), "a Unspeakable")]
)
async def test_an_unhealthy_answer(kit: Any, answer: object, shown: str) -> None:
    kit.offer(kit.ledger.factory(), health=lambda: answer)
    with pytest.raises(HealthError) as caught:
        await kit.manager.activate(*CACHE)
    assert told(caught.value)[0] == f"health of adapter/cache/one answered {shown}. {MEND}"


def slow(kit: Any, seconds: float) -> Any:
    """A sync hook that takes so long."""

    def hook(*_: object) -> bool:
        kit.clock._elapsed += seconds
        return True

    return hook


@pytest.mark.parametrize(
    ("hook", "just", "stage"), [("init", 30, "activation"), ("health", 5, "health")], ids=["init", "health"]
)
async def test_a_sync_hook_that_takes_too_long(kit: Any, hook: str, just: float, stage: str) -> None:
    kit.offer(type("InTime", (), {hook: slow(kit, just)}))
    await kit.manager.activate(*CACHE)
    kit.offer(type("Late", (), {hook: slow(kit, just + 0.5)}))
    with pytest.raises(LifecycleError) as caught:
        await kit.manager.swap(*CACHE)
    evidence = {"name": "adapter/cache/one", "stage": stage}
    assert told(caught.value) == (f"{stage} of adapter/cache/one took too long. {MEND}", evidence)


async def test_a_hook_that_does_not_end(kit: Any) -> None:
    await kit.clock.advance(7)

    async def doze() -> None:
        await kit.clock.sleep(29.5)

    kit.offer(kit.ledger.factory(init=doze, start=kit.hang), domain="service", key="web")
    activating = asyncio.create_task(kit.manager.activate("service", "web"))
    await kit.clock.advance(30)
    with pytest.raises(ActivationError) as caught:
        await activating
    assert told(caught.value)[0] == f"start of service/web/one did not end within 0.5 s. {MEND}"


async def cancel_oneself() -> None:
    raise asyncio.CancelledError


async def call_exit() -> None:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("hook", "what"),
    [
        (cancel_oneself, "was cancelled from within."),
        (call_exit, "raised LifecycleError: called exit. Raise an error instead."),
    ],
)
async def test_a_hook_that_would_end_more_than_itself(kit: Any, hook: Any, what: str) -> None:
    kit.offer(kit.ledger.factory(init=hook))
    with pytest.raises(ActivationError) as caught:
        await kit.manager.activate(*CACHE)
    assert told(caught.value)[0] == f"init of adapter/cache/one {what} {MEND}"
    if hook is call_exit:
        assert isinstance(caught.value.__cause__, LifecycleError)
        assert caught.value.__cause__.evidence == {"code": 3}


async def test_how_long_each_stage_took(kit: Any) -> None:
    await kit.clock.advance(7)

    class Timed:
        init = slow(kit, 2)

        async def health(self) -> bool:
            await kit.clock.sleep(3)
            return True

    kit.offer(Timed)
    activating = asyncio.create_task(kit.manager.activate(*CACHE))
    await kit.clock.advance(2 + 3)
    await activating
    assert kit.manager.status(*CACHE).seconds == {"factory": 0, "init": 2, "health": 3}


async def test_hooks_that_cannot_be_read_when_an_instance_has_to_go(kit: Any) -> None:
    class Broken:
        cleaned = False

        def start(self) -> None: ...

        @property
        def stop(self) -> object:
            raise OSError("disk gone")

        def cleanup(self) -> None:
            self.cleaned = True

    kit.offer(Broken, domain="service", key="web")
    instance = await kit.manager.activate("service", "web")
    await kit.manager.retire("service", "web")
    assert kit.manager.status("service", "web").warning == "stop of service/web/one raised OSError: disk gone"
    assert instance.cleaned


async def test_nothing_of_what_goes_without_hooks(kit: Any) -> None:
    kit.offer(object)
    await kit.manager.activate(*CACHE)
    await kit.manager.retire(*CACHE)
    assert (kit.manager.status(*CACHE).warning, kit.manager.status(*CACHE).error) == ("", "")


async def test_calls_that_outlast_the_end(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    async with kit.manager.lease(*CACHE):
        stopping = asyncio.create_task(kit.manager.stop())
        await kit.clock.advance(60)
        await stopping
    assert kit.manager.status(*CACHE).warning == "1 calls still ran after 60 s"


async def test_an_attempt_that_was_cancelled(kit: Any) -> None:
    kit.offer(kit.ledger.factory(init=asyncio.Event().wait))
    attempt = asyncio.ensure_future(kit.manager.activate(*CACHE))
    await kit.clock.advance(0)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    assert kit.manager.status(*CACHE).error == "it was cancelled"


async def test_a_provider_that_nobody_is_leaves_no_slot(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    for act in (kit.manager.activate, kit.manager.swap):
        with pytest.raises(ResolutionError, match="nobody"):
            await act(*CACHE, "nobody")
    assert kit.manager.all_statuses() == []


async def test_nothing_active(kit: Any) -> None:
    with pytest.raises(LifecycleError) as caught:
        await kit.manager.lease(*CACHE).__aenter__()
    assert told(caught.value) == ("nothing is active under adapter/cache. Activate it first.", {"name": CACHE})


async def test_a_lease_that_is_held(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.activate(*CACHE)
    async with kit.manager.lease(*CACHE) as _, (lease := kit.manager.lease(*CACHE)):
        with pytest.raises(RuntimeError) as caught:
            await lease.__aenter__()
    assert str(caught.value) == "this lease is held already. Ask for another one."


async def test_several_keys_that_could_not_be_swapped(kit: Any) -> None:
    for key in ("a", "b"):
        kit.offer(kit.ledger.factory(init=kit.explode), key=key)
    with pytest.raises(SwapError) as caught:
        await kit.manager.swap_many([("adapter", "a", None), ("adapter", "b", None)])
    each = [f"init of adapter/{key}/one raised ValueError: no such host. {MEND}" for key in ("a", "b")]
    assert told(caught.value) == (
        f"2 keys could not be swapped as one: {each[0]}; {each[1]} Mend those named; none of them was swapped.",
        {"failures": {"adapter/a/one": each[0], "adapter/b/one": each[1]}},
    )


async def test_each_of_several_is_named_whatever_it_failed_of(kit: Any) -> None:
    for key in ("a", "b"):
        kit.offer(lambda: None, key=key)
    with pytest.raises(SwapError) as caught:
        await kit.manager.swap_many([("adapter", "a", None), ("adapter", "b", None)])
    nothing = "the factory returned None. Return an instance, or an awaitable of one."
    assert caught.value.evidence["failures"] == {"adapter/a/one": nothing, "adapter/b/one": nothing}


async def test_warnings_are_added_to_each_other(kit: Any) -> None:
    kit.offer(kit.ledger.factory(stop=kit.explode, cleanup=kit.explode), domain="service", key="web")
    await kit.manager.activate("service", "web")
    await kit.manager.retire("service", "web")
    assert kit.manager.status("service", "web").warning == (
        "stop of service/web/one raised ValueError: no such host; "
        "cleanup of service/web/one raised ValueError: no such host"
    )


async def test_after_stop(kit: Any) -> None:
    kit.offer(kit.ledger.factory())
    await kit.manager.stop()
    with pytest.raises(LifecycleError) as caught:
        await kit.manager.activate(*CACHE)
    assert told(caught.value) == ("the lifecycle manager was stopped. Make a new one.", {})


async def test_a_call_in_a_thread_sees_the_context_and_may_give_an_awaitable(kit: Any) -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    variable.set(7)

    async def later() -> int:
        await asyncio.sleep(0)
        return variable.get() + 1

    assert await kit.manager.in_thread(variable.get) == 7
    assert await kit.manager.in_thread(later) == 8


async def test_activating_what_runs_does_not_even_ask_for_the_lock(kit: Any) -> None:
    gate = asyncio.Event()
    kit.offer(kit.ledger.factory())
    live = await kit.manager.activate(*CACHE)
    kit.offer(kit.ledger.factory(init=gate.wait), "slow")
    swapping = asyncio.ensure_future(kit.manager.swap(*CACHE, "slow"))
    await kit.steps(5)
    activating = asyncio.ensure_future(kit.manager.activate(*CACHE, "one"))
    await kit.steps(1)
    assert activating.done()
    assert activating.result() is live
    gate.set()
    await swapping
