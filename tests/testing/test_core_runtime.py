"""Our runtime answers the protocol by which the kit judges any runtime; the protocol is told by its own values here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance.runtime import ComponentSpec, Limits, Runtime, RuntimeFactory, Trust
from oneiric_core.clock import FrozenClock
from oneiric_core.errors import LifecycleError, OneiricError, ResolutionError
from oneiric_core.testing import PUBLISHER, CoreRuntime

TRUST = Trust(keys=(PUBLISHER.public,))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
JSON = "application/json"

# A runtime by the kit's own type: mypy decides whether ours is one.
AS_RUNTIME: Runtime = CoreRuntime()
AS_FACTORY: RuntimeFactory = CoreRuntime


class Component:
    """Remembers what is done to it, and does a little of everything."""

    def __init__(self, settings: Any = None) -> None:
        self.settings = settings
        self.calls: list[str] = []

    def init(self) -> None:
        self.calls.append("init")

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def status(self) -> list[str]:
        return self.calls

    def health(self) -> bool:
        self.calls.append("health")
        return True

    def cleanup(self) -> None:
        self.calls.append("cleanup")

    def run(self, payload: Any) -> Any:
        return {"ran": payload}

    def execute(self, payload: Any) -> Any:
        return {"executed": payload}

    def handle(self, envelope: Any) -> Any:
        return [envelope.topic, envelope.payload, envelope.headers]


class Sick(Component):
    def health(self) -> bool:
        return False


class Failing(Component):
    def run(self, payload: Any) -> Any:
        raise ZeroDivisionError(payload)


def spec(domain: str = "adapter", **more: Any) -> ComponentSpec:
    return replace(ComponentSpec(domain, "key", "acme", Component), **more)


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[CoreRuntime]:
    made = CoreRuntime(clock=FrozenClock(NOW))
    await made.start(tmp_path, TRUST, Limits())
    yield made
    await made.stop()


async def instance_of(runtime: CoreRuntime, domain: str = "task") -> Any:
    async with runtime.lease(domain, "key") as instance:
        return instance


# --- coming and going


async def test_before_the_start_everything_is_refused_and_stopping_is_fine() -> None:
    runtime = CoreRuntime()
    await runtime.stop()
    assert (await runtime.activate("task", "key")).kind == "LifecycleError"
    assert (await runtime.register(spec())).kind == "LifecycleError"
    assert (await runtime.verify(b"{}", JSON)).kind == "LifecycleError"
    assert (await runtime.fetch("x", "0" * 64, None)).kind == "LifecycleError"
    with pytest.raises(LifecycleError, match="not started"):
        runtime.lease("task", "key")


async def test_stopping_cleans_up_once_and_ends_all_service(runtime: CoreRuntime) -> None:
    await runtime.register(spec("task"))
    await runtime.activate("task", "key")
    instance = await instance_of(runtime)
    await runtime.stop()
    await runtime.stop()
    assert instance.calls.count("cleanup") == 1
    assert (await runtime.activate("task", "key")).kind == "LifecycleError"
    assert (await runtime.status("task", "key")).provider == ""


async def test_a_new_start_retires_what_ran_and_begins_anew(runtime: CoreRuntime, tmp_path: Path) -> None:
    await runtime.register(spec("task"))
    await runtime.activate("task", "key")
    instance = await instance_of(runtime)
    await runtime.start(tmp_path, TRUST, Limits())
    assert instance.calls.count("cleanup") == 1
    assert (await runtime.activate("task", "key")).kind == "ResolutionError"


async def test_an_impossible_trust_is_a_defect_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(OneiricError, match="threshold of 2"):
        await CoreRuntime().start(tmp_path, Trust(keys=(PUBLISHER.public,), threshold=2), Limits())


# --- components


async def test_the_winner_is_activated_once_and_swapped_as_often_as_asked(runtime: CoreRuntime) -> None:
    assert (await runtime.status("task", "key")).generation == 0
    await runtime.register(spec("task", priority=1))
    await runtime.register(spec("task", provider="other"))
    assert (await runtime.activate("task", "key")).ok
    first = await instance_of(runtime)
    assert (await runtime.activate("task", "key")).ok
    assert await instance_of(runtime) is first
    standing = await runtime.status("task", "key")
    assert (standing.provider, standing.generation, standing.state, standing.error) == ("acme", 1, "active", "")
    assert (await runtime.swap("task", "key", "other")).ok
    assert await instance_of(runtime) is not first
    standing = await runtime.status("task", "key")
    assert (standing.provider, standing.generation) == ("other", 2)
    assert first.calls == ["init", "health", "cleanup"]


async def test_a_refused_swap_changes_nothing_but_the_error(runtime: CoreRuntime) -> None:
    await runtime.register(spec("task"))
    await runtime.activate("task", "key")
    first = await instance_of(runtime)
    await runtime.register(spec("task", provider="sick", factory=Sick))
    answer = await runtime.swap("task", "key", "sick")
    assert (answer.ok, answer.kind) == (False, "HealthError")
    assert "sick" in answer.reason
    standing = await runtime.status("task", "key")
    assert (standing.provider, standing.generation, standing.state) == ("acme", 1, "active")
    assert standing.error
    assert await instance_of(runtime) is first


async def test_registering_again_replaces_the_former_self(runtime: CoreRuntime) -> None:
    await runtime.register(spec("task", settings={"n": 1}))
    await runtime.activate("task", "key")
    await runtime.register(spec("task", settings={"n": 2}))
    await runtime.swap("task", "key")
    assert (await instance_of(runtime)).settings == {"n": 2}
    assert len(runtime.parts.resolver.candidates()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        spec("tusk"),
        spec("task", key=""),
        spec("event", metadata={"filters": [{"path": "x", "like": 1}]}),
        spec("workflow", metadata={"dag": {"nodes": [{"id": "a", "task": "t", "depends_on": ["a"]}]}}),
    ],
)
async def test_a_candidate_that_could_never_work_is_refused_when_it_is_offered(
    runtime: CoreRuntime, wrong: ComponentSpec
) -> None:
    answer = await runtime.register(wrong)
    assert (answer.ok, answer.kind) == (False, "ResolutionError")
    assert runtime.parts.resolver.candidates() == []


async def test_factories_outside_the_allowed_modules_are_not_imported(tmp_path: Path) -> None:
    runtime = CoreRuntime(allow={"acme"})
    await runtime.start(tmp_path, TRUST, Limits())
    await runtime.register(spec("task", factory="acmeevil.module:make"))
    answer = await runtime.activate("task", "key")
    assert answer.kind == "ActivationError"
    assert "not allowed" in answer.reason
    await runtime.stop()


class SlowInit:
    async def init(self) -> None:
        await asyncio.Event().wait()


class SlowHealth:
    async def health(self) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize(("factory", "kind"), [(SlowInit, "ActivationError"), (SlowHealth, "HealthError")])
async def test_limits_bound_the_components_hooks(tmp_path: Path, factory: type, kind: str) -> None:
    clock = FrozenClock(NOW)
    runtime = CoreRuntime(clock=clock)
    limits = Limits(init=3.0) if factory is SlowInit else Limits(health=3.0)
    await runtime.start(tmp_path, TRUST, limits)
    await runtime.register(spec("task", factory=factory))
    activation = asyncio.create_task(runtime.activate("task", "key"))
    await clock.advance(2.9)
    assert not activation.done()
    await clock.advance(0.2)
    assert (await activation).kind == kind
    await runtime.stop()


async def test_a_call_in_flight_holds_back_the_clean_up_until_the_drain_deadline(tmp_path: Path) -> None:
    clock = FrozenClock(NOW)
    runtime = CoreRuntime(clock=clock)
    await runtime.start(tmp_path, TRUST, Limits(drain=3.0))
    await runtime.register(spec("task"))
    await runtime.activate("task", "key")
    async with runtime.lease("task", "key") as instance:
        await runtime.swap("task", "key")
        await clock.advance(2.9)
        assert "cleanup" not in instance.calls
        await clock.advance(0.2)
        assert "cleanup" in instance.calls
    await runtime.stop()


async def test_a_lease_holds_back_the_clean_up(runtime: CoreRuntime) -> None:
    await runtime.register(spec("task"))
    await runtime.activate("task", "key")
    async with runtime.lease("task", "key") as instance:
        await runtime.swap("task", "key")
        assert "cleanup" not in instance.calls
    for _ in range(20):
        await asyncio.sleep(0)
    assert "cleanup" in instance.calls


EVENT = {"topic": "t", "payload": {"n": 1}, "headers": {"id": "x"}}


@pytest.mark.parametrize(
    ("domain", "payload", "answer"),
    [
        ("task", 1, {"ran": 1}),
        ("action", {"a": 2}, {"executed": {"a": 2}}),
        ("workflow", [3], {"executed": [3]}),
        ("event", EVENT, ["t", {"n": 1}, {"id": "x"}]),
        ("service", None, ["init", "start", "health"]),
    ],
)
async def test_a_call_does_the_domains_verb(runtime: CoreRuntime, domain: str, payload: Any, answer: Any) -> None:
    await runtime.register(spec(domain))
    await runtime.activate(domain, "key")
    assert await runtime.call(domain, "key", payload) == answer


async def test_a_graph_runs_over_the_tasks_there_are(runtime: CoreRuntime) -> None:
    nodes = [{"id": "a", "task": "key"}, {"id": "b", "task": "key", "depends_on": ["a"], "payload": 2}]
    await runtime.register(spec("task"))
    await runtime.register(spec("workflow", factory=object, metadata={"dag": {"nodes": nodes}}))
    assert await runtime.call("workflow", "key", 1) == {"a": {"ran": 1}, "b": {"ran": 2}}


async def test_a_call_raises_what_the_component_raises(runtime: CoreRuntime) -> None:
    await runtime.register(spec("task", factory=Failing))
    with pytest.raises(ZeroDivisionError, match="7"):
        await runtime.call("task", "key", 7)


async def test_an_adapter_has_no_verb_of_its_domain(runtime: CoreRuntime) -> None:
    await runtime.register(spec("adapter"))
    with pytest.raises(ResolutionError, match="Lease the instance"):
        await runtime.call("adapter", "key", None)


@pytest.mark.parametrize(
    "name", ["_make_resolver", "_make_lifecycle", "_make_artifacts", "_make_policy", "_make_verbs"]
)
async def test_every_part_comes_from_a_method_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made: list[str] = []
    original: Callable[..., Any] = getattr(CoreRuntime, name)

    def make(*arguments: Any) -> Any:
        made.append(name)
        return original(*arguments)

    monkeypatch.setattr(CoreRuntime, name, make)
    runtime = CoreRuntime()
    await runtime.start(tmp_path, TRUST, Limits())
    await runtime.stop()
    assert made == [name]
