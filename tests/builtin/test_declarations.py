"""What we ship is declared, can be resolved and activated, and is named by a manifest like anybody's."""

import pytest

from oneiric_core import LifecycleManager, Resolver, UnsafeAcceptUnsigned, sync_remote_manifest
from oneiric_core.builtin import builtin_action_metadata, builtin_adapter_metadata, builtin_metadata
from oneiric_core.discovery import default_allow, import_object
from oneiric_core.domains import DOMAINS
from oneiric_core.manifest import RemoteManifest, RemoteManifestEntry

ACTIONS = {
    "http.fetch", "compression.encode", "hash.digest", "serialization.encode", "serialization.decode",
    "data.transform", "data.sanitize", "validation.schema", "event.dispatch", "task.schedule", "workflow.notify",
    "debug.console",
}  # fmt: skip


def test_there_is_something_in_each_domain() -> None:
    candidates = [declared.to_candidate() for declared in builtin_metadata()]
    assert {candidate.domain for candidate in candidates} == {*map(str, DOMAINS)}
    assert len({candidate.name for candidate in candidates}) == len(candidates)


def test_the_adapters_and_actions_are_those_that_are_promised() -> None:
    adapters = {f"{each.category}/{each.provider}" for each in builtin_adapter_metadata()}
    assert adapters == {"cache/memory", "cache/redis", "storage/local", "http/client", "secrets/env"}
    assert {each.key for each in builtin_action_metadata()} == ACTIONS


@pytest.mark.parametrize("declared", builtin_metadata(), ids=lambda each: each.to_candidate().name)
def test_each_is_found_by_its_factory_on_the_default_allow_list(declared: object) -> None:
    factory = declared.factory  # type: ignore[attr-defined]
    assert import_object(factory, default_allow()).metadata is declared  # type: ignore[attr-defined]


async def test_a_manifest_may_name_them() -> None:
    entries = [
        RemoteManifestEntry(domain="action", key=each.key, provider=each.provider, factory=str(each.factory))
        for each in builtin_action_metadata()
    ]
    resolver = Resolver()
    async with LifecycleManager(resolver) as lifecycle:
        await sync_remote_manifest(
            resolver, RemoteManifest(source="here", entries=entries), trust=UnsafeAcceptUnsigned()
        )
        for key in ACTIONS:
            await lifecycle.activate("action", key)
        async with lifecycle.lease("action", "hash.digest") as action:
            assert (await action.execute({"text": ""}))["bytes"] == 0
