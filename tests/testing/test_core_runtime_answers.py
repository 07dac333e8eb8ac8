"""What the kit asks our runtime beyond running components: roots, explanations, and who hears an event."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance.runtime import ComponentSpec, Limits, Trust
from oneiric_core import FrozenClock, ManifestError, SignatureError
from oneiric_core.testing import (
    MEDIA_TYPES,
    PUBLISHER,
    SECOND_PUBLISHER,
    STRANGER,
    CoreRuntime,
    manifest_entry,
    signed_manifest,
    signed_root,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
JSON = MEDIA_TYPES["flat"]
ANCHOR = signed_root(1, [STRANGER], [PUBLISHER])
NEXT = signed_root(2, [STRANGER], [SECOND_PUBLISHER])


async def started(place: Path, trust: Trust) -> CoreRuntime:
    runtime = CoreRuntime(clock=FrozenClock(NOW))
    await runtime.start(place, trust, Limits())
    return runtime


async def believes(runtime: CoreRuntime, *signers: Any) -> bool:
    return (await runtime.verify(signed_manifest([], signers), JSON)).ok


class TestRoots:
    async def test_a_root_names_who_signs_until_the_next_one_takes_over(self, tmp_path: Path) -> None:
        runtime = await started(tmp_path, Trust(keys=(), root=ANCHOR))
        assert await believes(runtime, PUBLISHER)
        assert (await runtime.rotate(NEXT)).ok
        assert not await believes(runtime, PUBLISHER)
        assert await believes(runtime, SECOND_PUBLISHER)

    async def test_a_rotation_survives_a_restart(self, tmp_path: Path) -> None:
        runtime = await started(tmp_path, Trust(keys=(), root=ANCHOR))
        await runtime.rotate(NEXT)
        again = await started(tmp_path, Trust(keys=(), root=ANCHOR))
        assert await believes(again, SECOND_PUBLISHER)

    async def test_a_root_that_may_not_follow_leaves_the_keys_as_they_are(self, tmp_path: Path) -> None:
        runtime = await started(tmp_path, Trust(keys=(), root=ANCHOR))
        answer = await runtime.rotate(signed_root(2, [SECOND_PUBLISHER], [SECOND_PUBLISHER]))
        assert (answer.ok, answer.kind) == (False, "SignatureError")
        assert await believes(runtime, PUBLISHER)

    async def test_a_list_of_keys_does_not_rotate(self, tmp_path: Path) -> None:
        runtime = await started(tmp_path, Trust(keys=(PUBLISHER.public,)))
        assert (await runtime.rotate(NEXT)).kind == "TrustError"

    @pytest.mark.parametrize(
        ("root", "error"),
        [(b"{}", ManifestError), (signed_root(1, [STRANGER], signed_by=[PUBLISHER]), SignatureError)],
    )
    async def test_it_does_not_start_with_a_root_that_is_none(
        self, tmp_path: Path, root: bytes, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            await started(tmp_path, Trust(keys=(), root=root))


async def test_a_candidate_is_explained_with_everything_a_manifest_said_of_it(tmp_path: Path) -> None:
    runtime = await started(tmp_path, Trust(keys=(PUBLISHER.public,)))
    entry = manifest_entry("event", "key", "acme", "a.b:C", event_topics=["one"], metadata={"x": 1}, unheard="of")
    assert (await runtime.sync(signed_manifest([entry]), JSON)).ok
    explained = (await runtime.explain("event", "key"))["acme"]
    assert explained["factory"] == "a.b:C"
    assert explained["metadata"] == {"topics": ["one"], "x": 1, "unknown_fields": {"unheard": "of"}}
    assert await runtime.explain("event", "another") == {}


class Handler:
    def handle(self, envelope: Any) -> None:
        if envelope.payload.get("bad"):
            raise ValueError(envelope.payload)


async def test_an_event_goes_to_those_that_hear_it_and_their_keys_are_told(tmp_path: Path) -> None:
    runtime = await started(tmp_path, Trust(keys=(PUBLISHER.public,)))
    spec = ComponentSpec("event", "one", "acme", Handler, {"topics": ["a"]})
    for each in (spec, replace(spec, key="two", metadata={"topics": ["a", "b"]})):
        await runtime.register(each)
        await runtime.activate("event", each.key)
    assert sorted(await runtime.emit("a", {}, {})) == ["one", "two"]
    assert await runtime.emit("b", {"bad": True}, {}) == ["two"]
    assert await runtime.emit("c", {}, {}) == []
    await runtime.stop()


@pytest.mark.parametrize("content", [b"{", signed_manifest([manifest_entry("task", "key", "acme", "a.b:C")])])
async def test_a_manifest_is_followed_until_the_runtime_stops(tmp_path: Path, content: bytes) -> None:
    runtime = await started(tmp_path / "work", Trust(keys=(PUBLISHER.public,)))
    file = tmp_path / "manifest.json"
    file.write_bytes(content)
    await runtime.follow(file, 60.0)
    assert [*await runtime.explain("task", "key")] == ["acme"] * (content != b"{")
    await runtime.stop()
    assert not [task for task in asyncio.all_tasks() if "oneiric" in task.get_name()]


FOLLOWS = """
import asyncio, sys
from pathlib import Path
from oneiric_conformance.runtime import Limits, Trust
from oneiric_core.testing import PUBLISHER, CoreRuntime, manifest_entry, signed_manifest

async def main(place):
    runtime = CoreRuntime()
    await runtime.start(place / "work", Trust(keys=(PUBLISHER.public,)), Limits())
    entries = [manifest_entry("task", "key", "acme", "a.b:C", uri="https://acme.test/a.whl", sha256="0" * 64)]
    for number, more in enumerate(([], entries), start=1):
        (place / "manifest.json").write_bytes(signed_manifest(more, sequence_number=number))
        await runtime.follow(place / "manifest.json", 60.0)
        print(await runtime.explain("task", "key"))
    await runtime.stop()
    print([name for name in ("httpx", "httpcore", "oneiric_core.remote.http") if name in sys.modules])

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_runtime_that_follows_a_file_loads_nothing_that_talks_to_servers(tmp_path: Path) -> None:
    """It is a fifth of a second that every run of the kit would wait."""
    ran = subprocess.run(
        [sys.executable, "-c", FOLLOWS, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.splitlines() == ["{}", "{}", "[]"]
    assert "https://acme.test/a.whl was asked for, and this runtime keeps to files" in ran.stderr
