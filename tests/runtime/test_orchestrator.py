"""An orchestrator keeps what runs as the manifest and the settings say."""

from typing import Any

import pytest

from oneiric_core.clock import FrozenClock
from oneiric_core.errors import LifecycleError, SignatureError
from oneiric_core.runtime import Phase, RuntimeOrchestrator
from oneiric_core.testing import STRANGER
from oneiric_core.trust import RefuseAll


async def test_what_is_selected_runs_once_it_has_started(stage: Any) -> None:
    stage.publish(stage.entry("One"), stage.entry("Two"))
    stage.configure("[adapters.selections]\ncache = 'one'")
    async with stage.runtime() as runtime:
        assert stage.ledger.alive == ["One"]
        assert runtime.resolver.explain("adapter", "cache").selection == "one"
        snapshot = runtime.snapshot()
        assert (snapshot.ready, snapshot.phase) == (True, Phase.RUNNING)
        assert snapshot.domains["adapter"].active == {"cache": "one"}
        assert snapshot.domains["adapter"].candidates == 2
        assert (snapshot.sync.source, snapshot.sync.applied, snapshot.sync.stale) == ("acme", 1, False)
    assert stage.ledger.alive == []


async def test_what_is_not_selected_is_made_when_it_is_asked_for(stage: Any) -> None:
    stage.publish(stage.entry("One"), stage.entry("Two", "job", "task"))
    async with stage.runtime() as runtime:
        assert stage.ledger.made == []
        assert await runtime.task_bridge.run("job", 1) == "Two ran 1"
        async with runtime.adapter_bridge.lease("cache") as cache:
            assert type(cache).__name__ == "One"


async def test_a_changed_manifest_swaps_what_runs(stage: Any) -> None:
    stage.publish(stage.entry("One", provider="acme"))
    stage.configure("[adapters.selections]\ncache = 'acme'")
    async with stage.runtime():
        stage.publish(stage.entry("Two", provider="acme"))
        await stage.pass_by(3)
        assert stage.ledger.alive == ["Two"]
        assert stage.ledger.made == ["One", "Two"]


async def test_changed_settings_select_and_configure_anew(stage: Any) -> None:
    stage.publish(stage.entry("One"), stage.entry("Two"))
    stage.configure("[adapters.selections]\ncache = 'one'\n[adapters.provider_settings.two]\nsize = 1")
    async with stage.runtime() as runtime:
        stage.configure("[adapters.selections]\ncache = 'two'\n[adapters.provider_settings.two]\nsize = 1")
        await stage.pass_by(3)
        assert stage.ledger.alive == ["Two"]
        stage.configure("[adapters.selections]\ncache = 'two'\n[adapters.provider_settings.two]\nsize = 2")
        await stage.pass_by(3)
        assert stage.ledger.settings == [{}, {"size": 1}, {"size": 2}]
        stage.configure("[adapters.provider_settings.two]\nsize = 2")
        await stage.pass_by(3)
        assert runtime.resolver.explain("adapter", "cache").selection is None
        assert stage.ledger.alive == ["Two"], "the latest registration wins, and runs already"
        stage.configure("[adapters.provider_settings.two]\nsize = 3")
        await stage.pass_by(3)
        assert stage.ledger.settings[-1] == {"size": 3}
        assert runtime.snapshot().ready


async def test_nothing_is_made_again_while_nothing_changes(stage: Any) -> None:
    stage.publish(stage.entry("One"))
    stage.configure("[adapters.selections]\ncache = 'one'\n[adapters.provider_settings.one]\na = 1")
    async with stage.runtime(refresh_interval=5) as runtime:
        await stage.pass_by(30)
        assert stage.ledger.made == ["One"]
        assert runtime.snapshot().sync.attempts == 7
        assert runtime.snapshot().domains["adapter"].syncs == 1


async def test_a_selection_that_cannot_be_made_waits_and_what_ran_before_runs_on(stage: Any) -> None:
    stage.publish(stage.entry("One"), stage.entry("Broken"))
    stage.configure("[adapters.selections]\ncache = 'one'")
    async with stage.runtime() as runtime:
        stage.configure("[adapters.selections]\ncache = 'broken'")
        await stage.pass_by(3)
        assert stage.ledger.alive == ["One"]
        assert runtime.resolver.resolve("adapter", "cache").provider == "one"
        snapshot = runtime.snapshot()
        assert not snapshot.ready
        assert "broken answered False" in snapshot.domains["adapter"].pending["cache"]
        stage.ledger.broken.clear()
        await stage.pass_by(60)
        assert stage.ledger.alive == ["Broken"]
        assert runtime.snapshot().ready


async def test_a_selection_nobody_offers_yet_is_applied_when_somebody_does(stage: Any) -> None:
    stage.publish(stage.entry("One"))
    stage.configure("[adapters.selections]\ncache = 'two'")
    async with stage.runtime() as runtime:
        assert "nothing answers to adapter/cache/two" in runtime.snapshot().domains["adapter"].pending["cache"]
        stage.publish(stage.entry("One"), stage.entry("Two"))
        await stage.pass_by(3)
        assert stage.ledger.alive == ["Two"]


async def test_a_manifest_that_may_not_be_believed_changes_nothing_but_the_reason(stage: Any) -> None:
    stage.publish(stage.entry("One"))
    stage.configure("[adapters.selections]\ncache = 'one'")
    async with stage.runtime() as runtime:
        stage.publish(stage.entry("Two", provider="one"), signed_by=STRANGER)
        await stage.pass_by(3)
        assert stage.ledger.alive == ["One"]
        snapshot = runtime.snapshot()
        assert "0 of the trusted keys signed" in snapshot.sync.last_error
        assert (snapshot.sync.stale, snapshot.domains["adapter"].stale, snapshot.domains["task"].stale) == (
            True,
            True,
            False,
        )
        with pytest.raises(SignatureError):
            await runtime.sync()
        stage.publish(stage.entry("Two", provider="one"))
        await stage.pass_by(3)
        assert stage.ledger.alive == ["Two"]
        assert runtime.snapshot().ready


async def test_two_keys_change_together_or_not_at_all_and_without_a_restart_once_it_works(stage: Any) -> None:
    stage.publish(stage.entry("One", "a", provider="p"), stage.entry("One", "b", provider="p"))
    stage.configure("[adapters.selections]\na = 'p'\nb = 'p'")
    async with stage.runtime() as runtime:
        stage.publish(stage.entry("Two", "a", provider="p"), stage.entry("Broken", "b", provider="p"))
        await stage.pass_by(3)
        assert stage.ledger.alive == ["One", "One"]
        assert "could not be swapped as one" in runtime.snapshot().sync.last_error
        stage.ledger.broken.clear()
        await stage.pass_by(60)
        assert sorted(stage.ledger.alive) == ["Broken", "Two"]


async def test_without_trust_nothing_is_believed_and_it_runs_all_the_same(stage: Any) -> None:
    stage.publish(stage.entry("One"))
    async with stage.runtime(trust=RefuseAll()) as runtime:
        assert "no key is trusted here" in runtime.snapshot().sync.last_error
        assert runtime.resolver.candidates() == []


async def test_there_may_be_no_manifest_at_all(stage: Any) -> None:
    async with RuntimeOrchestrator(clock=FrozenClock(), cache_dir=stage.path / "c") as runtime:
        assert await runtime.sync() is None
        assert runtime.snapshot().ready


async def test_it_cannot_be_used_before_its_start_nor_after_its_end(stage: Any) -> None:
    runtime = stage.runtime()
    assert runtime.snapshot().phase is Phase.NEW
    with pytest.raises(LifecycleError, match="not started"):
        runtime.adapter_bridge  # noqa: B018 - asking is the act
    with pytest.raises(LifecycleError, match="is new"):
        await runtime.sync()
    await runtime.stop()
    with pytest.raises(LifecycleError, match="was stopped"):
        await runtime.start()
    with pytest.raises(LifecycleError, match="is stopped"):
        await runtime.sync()


def test_a_manifest_has_one_place() -> None:
    with pytest.raises(ValueError, match="Give one of the two"):
        RuntimeOrchestrator(manifest_path="a.json", manifest_url="https://a.example/a.json")


async def test_a_manifest_that_is_followed_may_be_as_large_as_is_configured(stage: Any) -> None:
    stage.configure(f"[remote]\nmax_manifest_bytes = {64 << 20}\n")
    large = {"description": "x" * (17 << 20)}
    stage.publish(stage.entry("One", metadata=large))
    async with stage.runtime() as runtime:
        assert runtime.snapshot().sync.applied == 1
        stage.publish(stage.entry("Two", metadata=large))
        await stage.pass_by(5)
        assert runtime.snapshot().sync.applied == 2
        assert runtime.resolver.require("adapter", "cache").provider == "two"
