"""Manifests and artifacts as our runtime answers for them: believed or refused, applied in full or not at all."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance.runtime import Limits, Trust
from oneiric_core.clock import FrozenClock
from oneiric_core.testing import (
    MEDIA_TYPES,
    PUBLISHER,
    SECOND_PUBLISHER,
    STRANGER,
    BadManifest,
    CoreRuntime,
    bad_manifest,
    make_wheel,
    manifest_entry,
    signed_manifest,
)

TRUST = Trust(keys=(PUBLISHER.public,))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
JSON = MEDIA_TYPES["flat"]


class Component:
    def run(self, payload: Any) -> Any:
        return {"ran": payload}


class Sick(Component):
    def health(self) -> bool:
        return False


def entry(provider: str = "acme", name: str = "Component", **more: Any) -> dict[str, Any]:
    """An entry whose factory is a class of this file, which pytest has imported under its own name."""
    return manifest_entry("task", "key", provider, f"{__name__}:{name}", **more)


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[CoreRuntime]:
    made = CoreRuntime(clock=FrozenClock(NOW))
    await made.start(tmp_path, TRUST, Limits())
    yield made
    await made.stop()


@pytest.mark.parametrize("form", ["flat", "dsse"])
async def test_a_manifest_is_verified_without_being_applied(runtime: CoreRuntime, form: Any) -> None:
    assert (await runtime.verify(signed_manifest([entry()], form=form), MEDIA_TYPES[form])).ok
    assert runtime.parts.resolver.candidates() == []
    answer = await runtime.verify(signed_manifest([entry()], [STRANGER], form=form), MEDIA_TYPES[form])
    assert (answer.ok, answer.kind) == (False, "SignatureError")
    assert answer.reason


async def test_only_the_source_that_is_trusted_is_believed(tmp_path: Path) -> None:
    runtime = CoreRuntime(clock=FrozenClock(NOW))
    await runtime.start(tmp_path, Trust(keys=(PUBLISHER.public,), source="ours"), Limits())
    assert (await runtime.verify(signed_manifest([entry()], source="ours"), JSON)).ok
    assert (await runtime.verify(signed_manifest([entry()], source="theirs"), JSON)).kind == "TrustError"
    await runtime.stop()


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
    wheel = make_wheel({"acme.py": "class Component: pass\n"})
    (tmp_path / "offered" / "a.whl").write_bytes(wheel)
    digest = hashlib.sha256(wheel).hexdigest()
    offer = {"uri": f"file://{tmp_path}/offered/a.whl", "sha256": digest, "factory": "acme:Component"}
    assert (await runtime.sync(signed_manifest([{**entry(), **offer}]), JSON)).ok
    assert (tmp_path / "cache" / "blobs" / digest).read_bytes() == wheel
    offer["uri"] = f"file://{tmp_path}/offered/../a.whl"
    answer = await runtime.sync(signed_manifest([{**entry("other"), **offer}], sequence_number=2), JSON)
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
    assert (await runtime.fetch("http://host/a.whl", digest, 7)).kind == "RefusedFetchError"
    assert (await runtime.fetch("a.whl", "0" * 64, 7)).kind == "DigestMismatchError"
    assert (await runtime.fetch("a.whl", hashlib.sha256(b"a").hexdigest(), 1)).kind == "ArtifactTooLargeError"


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
