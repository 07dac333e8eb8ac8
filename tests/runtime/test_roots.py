"""Keys that a root names: the newest root beside the manifest counts, or the one remembered where nobody answers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.runtime.roots import beside
from oneiric_core.testing import ArtifactServer, KeyPair, Reply, key_pair, manifest_entry, signed_manifest, signed_root

ROOT, FIRST, SECOND = key_pair("of the drawer"), key_pair("of every day"), key_pair("of the next day")
SOURCE = "acme"


def root(version: int, *keys: KeyPair, signed_by: KeyPair = ROOT) -> bytes:
    return signed_root(version, [ROOT], keys, [signed_by], source=SOURCE)


class Publisher:
    def __init__(self, server: ArtifactServer) -> None:
        self.server = server
        self.url = server.url_of("/line/manifest.json?token=x")
        self.number = 0

    def publish(self, key: KeyPair) -> None:
        self.number += 1
        entry = manifest_entry("adapter", "cache", f"n{self.number}", "acme_runtime:One")
        document = signed_manifest([entry], [key], source=SOURCE, sequence_number=self.number)
        self.server.on("/line/manifest.json", Reply(document))


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with ArtifactServer() as server:
        yield Publisher(server)


@pytest.fixture
async def runtime(stage: Any, publisher: Publisher) -> Any:
    """One that trusts whom root 1 names, to be started."""
    (stage.path / "root.json").write_bytes(root(1, FIRST))
    stage.configure("[remote]\nhttp_to_loopback = true\nattempts = 1\n[trust]\nroot = 'root.json'\n")
    options = {"manifest_path": None, "manifest_url": publisher.url, "trust": None, "refresh_interval": 10}
    return lambda: stage.runtime(**options)


def offered(runtime: Any) -> list[str]:
    return [candidate.provider for candidate in runtime.resolver.candidates()]


async def test_the_keys_of_the_anchor_are_trusted_and_no_others(stage: Any, publisher: Publisher, runtime: Any) -> None:
    publisher.publish(FIRST)
    async with runtime() as running:
        assert offered(running) == ["n1"]
        publisher.publish(SECOND)
        await stage.pass_by(11)
        assert "0 of the trusted keys signed" in running.snapshot().sync.last_error
        assert offered(running) == ["n1"]


async def test_a_newer_root_beside_the_manifest_replaces_the_keys_without_a_restart(
    stage: Any, publisher: Publisher, runtime: Any
) -> None:
    publisher.publish(FIRST)
    async with runtime() as running:
        publisher.server.on("/line/2.root.json", Reply(root(2, SECOND)))
        publisher.publish(SECOND)
        await stage.pass_by(11)
        assert offered(running) == ["n2"]
        publisher.publish(FIRST)
        await stage.pass_by(11)
        assert offered(running) == ["n2"], "whoever has the old key is silenced"
    async with runtime() as again:
        assert offered(again) == ["n2"], "the newest root is remembered"


async def test_a_root_that_may_not_follow_changes_nothing(stage: Any, publisher: Publisher, runtime: Any) -> None:
    publisher.publish(FIRST)
    async with runtime() as running:
        publisher.server.on("/line/2.root.json", Reply(root(2, SECOND, signed_by=SECOND)))
        publisher.publish(SECOND)
        await stage.pass_by(11)
        assert "root" in running.snapshot().sync.last_error
        assert offered(running) == ["n1"]


async def test_a_server_that_does_not_answer_leaves_the_root_that_is_known(
    stage: Any, publisher: Publisher, runtime: Any
) -> None:
    publisher.publish(FIRST)
    async with runtime() as running:
        assert offered(running) == ["n1"]
        publisher.server.stop()
    async with runtime() as again:
        assert offered(again) == ["n1"]
        assert again.snapshot().sync.stale


async def test_a_server_that_forbids_roots_is_an_error(stage: Any, publisher: Publisher, runtime: Any) -> None:
    publisher.publish(FIRST)
    publisher.server.on("/line/2.root.json", Reply(b"", status=403))
    async with runtime() as running:
        assert "403" in running.snapshot().sync.last_error


@pytest.mark.parametrize(
    "answer", [Reply(b"rubbish"), Reply(b"", status=403), Reply(root(2, SECOND, signed_by=SECOND))]
)
async def test_who_starts_while_the_next_root_is_amiss_is_served_what_stood_before(
    stage: Any, publisher: Publisher, runtime: Any, answer: Reply
) -> None:
    publisher.publish(FIRST)
    async with runtime() as running:
        assert offered(running) == ["n1"]
    publisher.publish(FIRST)
    publisher.server.on("/line/2.root.json", answer)
    async with runtime() as again:
        assert offered(again) == ["n1"], "what is there now is not believed while a root is amiss"
        assert again.snapshot().sync.stale
    publisher.server.on("/line/2.root.json", Reply(b"", status=404))
    async with runtime() as at_last:
        assert offered(at_last) == ["n2"]


async def test_roots_lie_beside_a_manifest_that_is_a_file_as_well(stage: Any) -> None:
    (stage.path / "root.json").write_bytes(root(1, FIRST))
    (stage.path / "2.root.json").write_bytes(root(2, SECOND))
    entry = manifest_entry("adapter", "cache", "p", "acme_runtime:One")
    stage.manifest.write_bytes(signed_manifest([entry], [SECOND], source=SOURCE, sequence_number=1))
    async with stage.runtime(trust=None, trust_root=stage.path / "root.json") as running:
        assert offered(running) == ["p"]
        assert running.snapshot().ready


async def test_what_is_no_root_is_told(stage: Any) -> None:
    (stage.path / "root.json").write_text(json.dumps({"version": 1}), encoding="utf-8")
    stage.publish(stage.entry("One"))
    async with stage.runtime(trust=None, trust_root=stage.path / "root.json") as running:
        assert running.snapshot().sync.last_error
        assert offered(running) == []


@pytest.mark.parametrize(
    ("place", "root"),
    [
        ("https://acme.example/line/manifest.json?a=/b#c", "https://acme.example/line/3.root.json"),
        ("https://acme.example/manifest.json", "https://acme.example/3.root.json"),
        (Path("/srv/line/manifest.json"), Path("/srv/line/3.root.json")),
    ],
)
def test_where_a_root_is(place: Path | str, root: Path | str) -> None:
    assert beside(place, 3) == root
