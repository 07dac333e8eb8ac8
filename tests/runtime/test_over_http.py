"""Through a real server, with real signatures, and with code that arrives in a wheel."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from oneiric_core.domains import Domain
from oneiric_core.runtime import RuntimeOrchestrator
from oneiric_core.testing import (
    PUBLISHER,
    STRANGER,
    ArtifactServer,
    Broken,
    KeyPair,
    Reply,
    WireFault,
    make_wheel,
    manifest_entry,
    signed_manifest,
)

CODE = """
VERSION = {version!r}

class Component:
    async def start(self): self.started = True
    async def stop(self): self.started = False
    async def status(self): return {{"version": VERSION, "started": self.started}}
    async def run(self, payload): return f"{{VERSION}} ran {{payload}}"
    async def handle(self, envelope): return f"{{VERSION}} heard {{envelope.topic}}"
    async def execute(self, payload): return f"{{VERSION}} did {{payload}}"
    def get(self, key): return f"{{VERSION}} has {{key}}"
"""
Ask = Callable[[RuntimeOrchestrator], Awaitable[object]]


async def ask_adapter(runtime: RuntimeOrchestrator) -> object:
    async with runtime.adapter_bridge.lease("thing") as adapter:
        return adapter.get("it")


async def ask_service(runtime: RuntimeOrchestrator) -> object:
    status = await runtime.service_bridge.status("thing")
    return f"{status['version']} {status['started']}"


async def ask_event(runtime: RuntimeOrchestrator) -> object:
    [result] = await runtime.event_bridge.emit("orders", {})
    return result.value


ASKS: dict[Domain, tuple[Ask, str]] = {
    Domain.ADAPTER: (ask_adapter, "has it"),
    Domain.SERVICE: (ask_service, "True"),
    Domain.TASK: (lambda runtime: runtime.task_bridge.run("thing", 1), "ran 1"),
    Domain.EVENT: (ask_event, "heard orders"),
    Domain.WORKFLOW: (lambda runtime: runtime.workflow_bridge.execute("thing", {}), "did {}"),
    Domain.ACTION: (lambda runtime: runtime.action_bridge.execute("thing", 1), "did 1"),
}


class Publisher:
    """Puts wheels and the manifests that name them on a server."""

    def __init__(self, server: ArtifactServer) -> None:
        self.server = server
        self.url = server.url_of("/manifest.json")
        self.number = 0

    def wheel(self, version: str, **changes: Any) -> dict[str, Any]:
        """The fields of an entry that brings its code."""
        files = {"acme_wire/__init__.py": "", "acme_wire/parts.py": CODE.format(version=version)}
        content = make_wheel(files, "acme-wire", version)
        path = f"/acme_wire-{version}-py3-none-any.whl"
        uri = self.server.serve(path, content)
        return {"uri": uri, "sha256": hashlib.sha256(content).hexdigest(), "length": len(content)} | changes

    def publish(self, *entries: dict[str, Any], signed_by: KeyPair = PUBLISHER) -> None:
        self.number += 1
        document = signed_manifest(entries, [signed_by], source="acme", sequence_number=self.number)
        self.server.on("/manifest.json", Reply(document, etag=f'"{self.number}"'))

    def offer(self, version: str, *domains: Domain, **changes: Any) -> None:
        code = self.wheel(version, **changes)
        self.publish(
            *(manifest_entry(each, "thing", "acme", "acme_wire.parts:Component", **code) for each in domains or Domain)
        )


@pytest.fixture
def server() -> Iterator[ArtifactServer]:
    with ArtifactServer() as server:
        yield server


@pytest.fixture
def publisher(server: ArtifactServer) -> Publisher:
    return Publisher(server)


@pytest.fixture
def start(stage: Any, publisher: Publisher) -> Callable[..., Awaitable[RuntimeOrchestrator]]:
    """A runtime on the publisher's URL that looks every ten seconds."""

    async def begin(more: str = "", **options: Any) -> RuntimeOrchestrator:
        stage.configure(f"[remote]\nhttp_to_loopback = true\nattempts = 1\n{more}")
        runtime: RuntimeOrchestrator = stage.runtime(
            **{"manifest_path": None, "manifest_url": publisher.url, "refresh_interval": 10} | options
        )
        await runtime.start()
        return runtime

    return begin


@pytest.mark.parametrize("domain", Domain)
async def test_new_code_takes_over_without_a_restart(
    stage: Any, publisher: Publisher, start: Any, domain: Domain
) -> None:
    ask, said = ASKS[domain]
    publisher.offer("1.0")
    runtime = await start()
    assert await ask(runtime) == f"1.0 {said}"
    publisher.offer("2.0")
    await stage.pass_by(11)
    assert await ask(runtime) == f"2.0 {said}"
    publisher.offer("1.0")
    await stage.pass_by(11)
    assert await ask(runtime) == f"1.0 {said}", "a swap back works as well"
    assert runtime.snapshot().domains[domain].generations == {"thing": 3}
    assert runtime.snapshot().ready


async def test_all_six_domains_change_at_once(stage: Any, publisher: Publisher, start: Any) -> None:
    publisher.offer("1.0")
    runtime = await start()
    for ask, _ in ASKS.values():
        await ask(runtime)
    publisher.offer("2.0")
    await stage.pass_by(11)
    assert [await ask(runtime) for ask, _ in ASKS.values()] == [f"2.0 {said}" for _, said in ASKS.values()]
    report = await runtime.sync()
    assert report is not None
    assert report.unchanged
    assert {each.generations["thing"] for each in runtime.snapshot().domains.values()} == {2}


async def test_an_unchanged_manifest_costs_one_answer_without_content(
    stage: Any, publisher: Publisher, server: ArtifactServer, start: Any
) -> None:
    publisher.offer("1.0")
    runtime = await start()
    before = len(server.requests)
    await stage.pass_by(31)
    later = server.requests[before:]
    assert [str(request) for request in later] == ["GET /manifest.json"] * 3
    assert {dict(request.headers).get("if-none-match") for request in later} == {'"1"'}
    assert runtime.snapshot().sync.attempts == 4


@pytest.mark.parametrize(
    "lie",
    [
        "digest",
        "signature",
        *(pytest.param(lie, marks=pytest.mark.long) for lie in ("length", "garbage", "older", "truncated")),
    ],
)
async def test_a_server_that_lies_changes_nothing_and_is_asked_again(
    stage: Any, publisher: Publisher, server: ArtifactServer, start: Any, lie: str
) -> None:
    """The seed's digest mismatch and signature failure among them."""
    publisher.offer("1.0", Domain.ADAPTER)
    publisher.offer("1.0", Domain.ADAPTER)
    runtime = await start()
    assert await ask_adapter(runtime) == "1.0 has it"
    said = {
        "digest": "SHA256 mismatch",
        "length": "more than the 10 declared",
        "signature": "0 of the trusted keys signed",
        "garbage": "is not JSON",
        "older": "number 1, and 2 was seen before",
        "truncated": "broke off before the end",
    }[lie]
    match lie:
        case "digest":
            publisher.offer("2.0", Domain.ADAPTER, sha256="0" * 64)
        case "length":
            publisher.offer("2.0", Domain.ADAPTER, length=10)
        case "signature":
            code = publisher.wheel("2.0")
            entry = manifest_entry("adapter", "thing", "acme", "acme_wire.parts:Component", **code)
            publisher.publish(entry, signed_by=STRANGER)
        case "garbage":
            server.serve("/manifest.json", b"<html>maintenance</html>")
        case "older":
            publisher.number = 0
            publisher.offer("2.0", Domain.ADAPTER)
        case "truncated":
            server.on("/manifest.json", Broken(WireFault.SHORT, b"0123456789", at=3))
    await stage.pass_by(11)
    snapshot = runtime.snapshot()
    assert said in snapshot.sync.last_error
    assert snapshot.sync.stale
    assert await ask_adapter(runtime) == "1.0 has it"
    publisher.number = 10
    publisher.offer("3.0", Domain.ADAPTER)
    await stage.pass_by(30)
    assert await ask_adapter(runtime) == "3.0 has it"
    assert runtime.snapshot().ready


@pytest.mark.long
async def test_a_server_that_is_gone_for_a_while_is_missed_and_nothing_more(
    stage: Any, publisher: Publisher, server: ArtifactServer, start: Any
) -> None:
    publisher.offer("1.0", Domain.ADAPTER)
    runtime = await start()
    assert await ask_adapter(runtime) == "1.0 has it"
    server.on("/manifest.json", Reply(b"", status=503))
    await stage.pass_by(60)
    assert "503" in runtime.snapshot().sync.last_error
    assert await ask_adapter(runtime) == "1.0 has it"
    publisher.offer("2.0", Domain.ADAPTER)
    await stage.pass_by(60)
    assert await ask_adapter(runtime) == "2.0 has it"


async def test_after_a_restart_without_a_network_the_last_known_good_serves(
    stage: Any, publisher: Publisher, server: ArtifactServer, start: Any
) -> None:
    publisher.offer("1.0", Domain.ADAPTER)
    first = await start()
    assert await ask_adapter(first) == "1.0 has it"
    await first.stop()
    server.stop()
    second = await start()
    snapshot = second.snapshot()
    assert (snapshot.sync.stale, snapshot.ready) == (True, False)
    assert "cannot be reached" in snapshot.sync.last_error
    assert await ask_adapter(second) == "1.0 has it"


async def test_what_a_new_manifest_no_longer_lists_goes(stage: Any, publisher: Publisher, start: Any) -> None:
    """The seed's eviction."""
    publisher.offer("1.0")
    runtime = await start()
    assert await ask_adapter(runtime) == "1.0 has it"
    publisher.offer("1.0", Domain.TASK)
    await stage.pass_by(11)
    assert runtime.lifecycle.handle("adapter", "thing") is None
    assert [each.domain for each in runtime.resolver.candidates()] == ["task"]


async def test_a_new_action_can_be_used_as_soon_as_it_is_there(stage: Any, publisher: Publisher, start: Any) -> None:
    """The seed's action registration."""
    publisher.offer("1.0", Domain.TASK)
    runtime = await start()
    assert runtime.resolver.keys("action") == []
    publisher.offer("1.0", Domain.TASK, Domain.ACTION)
    await stage.pass_by(11)
    assert await runtime.action_bridge.execute("thing", "it") == "1.0 did it"


async def test_headers_go_to_the_server_and_secrets_are_told_nobody(
    stage: Any, publisher: Publisher, server: ArtifactServer, start: Any
) -> None:
    publisher.offer("1.0", Domain.ADAPTER)
    runtime = await start("headers = { Authorization = 'Bearer hunter2' }", headers={"X-Team": "acme"})
    sent = [dict(request.headers) for request in server.requests]
    assert {(headers.get("authorization"), headers.get("x-team")) for headers in sent} == {("Bearer hunter2", "acme")}
    server.on("/manifest.json", Reply(b"", status=401))
    await stage.pass_by(11)
    assert "hunter2" not in str(runtime.snapshot().as_dict())
