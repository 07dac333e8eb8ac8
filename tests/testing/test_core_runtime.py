"""Our runtime answers the protocol by which the kit judges any runtime; the protocol is told by its own values here."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance.runtime import ComponentSpec, Limits, Runtime, RuntimeFactory, Trust
from oneiric_core.clock import FrozenClock
from oneiric_core.errors import LifecycleError, OneiricError, ResolutionError
from oneiric_core.testing import (
    MEDIA_TYPES,
    PUBLISHER,
    SECOND_PUBLISHER,
    STRANGER,
    BadManifest,
    CoreRuntime,
    bad_manifest,
    manifest_entry,
    signed_manifest,
)

TRUST = Trust(keys=(PUBLISHER.public,))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
JSON = MEDIA_TYPES["flat"]

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


def entry(provider: str = "acme", name: str = "Component", **more: Any) -> dict[str, Any]:
    """An entry whose factory is a class of this file, which pytest has imported under its own name."""
    return manifest_entry("task", "key", provider, f"{__name__}:{name}", **more)


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


async def test_limits_bound_the_components_hooks(tmp_path: Path) -> None:
    clock = FrozenClock(NOW)
    runtime = CoreRuntime(clock=clock)
    await runtime.start(tmp_path, TRUST, Limits(init=3.0))

    class Slow:
        async def init(self) -> None:
            await asyncio.Event().wait()

    await runtime.register(spec("task", factory=Slow))
    activation = asyncio.create_task(runtime.activate("task", "key"))
    await clock.advance(2.9)
    assert not activation.done()
    await clock.advance(0.2)
    assert (await activation).kind == "ActivationError"
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


# --- manifests


@pytest.mark.parametrize("form", ["flat", "dsse"])
async def test_a_manifest_is_verified_without_being_applied(runtime: CoreRuntime, form: Any) -> None:
    assert (await runtime.verify(signed_manifest([entry()], form=form), MEDIA_TYPES[form])).ok
    assert runtime.parts.resolver.candidates() == []
    answer = await runtime.verify(signed_manifest([entry()], [STRANGER], form=form), MEDIA_TYPES[form])
    assert (answer.ok, answer.kind) == (False, "SignatureError")
    assert answer.reason


async def test_syncing_swaps_what_runs_and_retires_what_is_gone(runtime: CoreRuntime, tmp_path: Path) -> None:
    done = await runtime.sync(signed_manifest([entry("one", metadata={"v": 1})]), JSON)
    assert (done.ok, done.registered, done.swapped, done.retired, done.unchanged) == (True, 1, (), (), False)
    assert await runtime.call("task", "key", 1) == {"ran": 1}

    done = await runtime.sync(signed_manifest([entry("one", metadata={"v": 1})]), JSON)
    assert (done.ok, done.registered, done.unchanged) == (True, 0, True)
    assert (await runtime.status("task", "key")).generation == 1

    done = await runtime.sync(signed_manifest([entry("two")], sequence_number=2), JSON)
    assert (done.swapped, done.retired) == (("task/key/two",), ("task/key/one",))
    assert (await runtime.status("task", "key")).provider == "two"
    assert list((tmp_path / "state").iterdir())


async def test_a_manifest_that_cannot_stand_in_full_changes_nothing(runtime: CoreRuntime) -> None:
    await runtime.sync(signed_manifest([entry("one")]), JSON)
    await runtime.call("task", "key", 1)
    answer = await runtime.sync(signed_manifest([entry("one", "Sick")], sequence_number=2), JSON)
    assert not answer.ok
    assert answer.kind in {"SwapError", "HealthError"}
    assert await runtime.call("task", "key", 1) == {"ran": 1}
    assert (await runtime.status("task", "key")).generation == 1


async def test_what_was_seen_survives_a_restart(runtime: CoreRuntime, tmp_path: Path) -> None:
    await runtime.sync(signed_manifest([entry()], sequence_number=5), JSON)
    await runtime.start(tmp_path, TRUST, Limits())
    assert (await runtime.sync(signed_manifest([entry()], sequence_number=4), JSON)).kind == "RollbackError"


@pytest.mark.parametrize("kind", BadManifest)
async def test_every_wrong_manifest_is_refused_and_changes_nothing(kind: BadManifest, tmp_path: Path) -> None:
    """Refused by verification and by sync alike, while the same manifest without the one fault is believed."""
    runtime = CoreRuntime(clock=FrozenClock(NOW))
    trust = Trust(keys=(PUBLISHER.public, SECOND_PUBLISHER.public), threshold=kind.threshold)
    await runtime.start(tmp_path, trust, Limits())
    signers = [PUBLISHER, SECOND_PUBLISHER][: kind.threshold]
    assert (await runtime.verify(signed_manifest([entry()], signers), JSON)).ok
    wrong = bad_manifest(kind, [entry()])
    for answer in (await runtime.verify(wrong, JSON), await runtime.sync(wrong, JSON)):
        assert not answer.ok
        assert answer.kind == "SignatureError"
    assert runtime.parts.resolver.candidates() == []
    await runtime.stop()


async def test_artifacts_of_entries_are_brought_before_anything_changes(runtime: CoreRuntime, tmp_path: Path) -> None:
    (tmp_path / "offered").mkdir()
    (tmp_path / "offered" / "a.whl").write_bytes(b"a wheel")
    digest = hashlib.sha256(b"a wheel").hexdigest()
    offer = {"uri": f"file://{tmp_path}/offered/a.whl", "sha256": digest}
    assert (await runtime.sync(signed_manifest([entry(**offer)]), JSON)).ok
    assert (tmp_path / "cache" / "blobs" / digest).read_bytes() == b"a wheel"
    offer["uri"] = f"file://{tmp_path}/offered/../a.whl"
    answer = await runtime.sync(signed_manifest([entry("other", **offer)], sequence_number=2), JSON)
    assert answer.kind == "PathTraversalError"
    assert [each.provider for each in runtime.parts.resolver.candidates()] == ["acme"]


async def test_artifacts_are_fetched_from_what_is_offered_only(runtime: CoreRuntime, tmp_path: Path) -> None:
    (tmp_path / "offered").mkdir()
    (tmp_path / "offered" / "a.whl").write_bytes(b"a wheel")
    (tmp_path / "b.whl").write_bytes(b"a wheel")
    digest = hashlib.sha256(b"a wheel").hexdigest()
    assert (await runtime.fetch(f"file://{tmp_path}/offered/a.whl", digest, 7)).ok
    assert (tmp_path / "cache" / "blobs" / digest).read_bytes() == b"a wheel"
    assert (await runtime.fetch(f"file://{tmp_path}/b.whl", digest, 7)).kind == "PathTraversalError"
    assert (await runtime.fetch("https://host/a.whl", digest, 7)).kind == "RefusedFetchError"
    assert (await runtime.fetch("a.whl", "0" * 64, 7)).kind == "DigestMismatchError"
    assert (await runtime.fetch("a.whl", hashlib.sha256(b"a").hexdigest(), 1)).kind == "ArtifactTooLargeError"


# --- seams


async def test_one_method_is_enough_to_be_wrong_in_one_place(tmp_path: Path) -> None:
    class Credulous(CoreRuntime):
        def _verify(self, document: bytes, media_type: str) -> Any:
            return json.loads(document)

    runtime = Credulous()
    await runtime.start(tmp_path, TRUST, Limits())
    unsigned = bad_manifest(BadManifest.UNSIGNED, [entry()])
    assert (await runtime.verify(unsigned, JSON)).ok
    assert not (await runtime.sync(unsigned, JSON)).ok
    await runtime.stop()


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


def test_answers_carry_only_plain_values(tmp_path: Path) -> None:
    async def ask() -> list[Any]:
        runtime = CoreRuntime()
        await runtime.start(tmp_path, TRUST, Limits())
        answers = [await runtime.verify(b"", JSON), await runtime.sync(b"", JSON), await runtime.status("task", "x")]
        await runtime.stop()
        return answers

    for answer in asyncio.run(ask()):
        fields: Mapping[str, Any] = {name: getattr(answer, name) for name in answer.__dataclass_fields__}
        assert all(isinstance(value, bool | int | str | tuple) for value in fields.values())
