"""Any sequence of manifests, settings, faults, restarts and passing time: it is never between, and ends up right.

What it runs and offers always comes from one manifest as a whole, the newest that could stand. Once nothing is wrong
any more and time has passed, everything is as manifest and settings say, without anybody asking.
"""

import asyncio
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from oneiric_core.clock import FrozenClock
from oneiric_core.errors import OneiricError
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.remote.change import Change
from oneiric_core.runtime import RuntimeOrchestrator
from oneiric_core.runtime.acts import Act
from oneiric_core.runtime.selections import SelectionKeeper
from oneiric_core.runtime.watchers import FileWatch
from oneiric_core.testing import PUBLISHER, STRANGER, manifest_entry, signed_manifest
from oneiric_core.trust import PublicKey, TrustPolicy

TRUST = TrustPolicy([PublicKey(PUBLISHER.public)], unsafe_allow_published_keys=True)
MODULE = "acme_machine"
KEYS = ("a", "b")
PROVIDERS = ("p", "q")
KINDS = ("One", "Two", "Three")
LONG = 200
"""Seconds after which the last of all retries has been made."""

Entries = dict[tuple[str, str], str]
"""The kind by key and provider."""

offers = st.dictionaries(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(PROVIDERS)), st.sampled_from(KINDS), min_size=1, max_size=4
)
wishes = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(PROVIDERS), max_size=2)


class Orchestrating(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FrozenClock(datetime(2026, 6, 1, tzinfo=UTC))
        self.broken: set[str] = set()
        self.alive: Counter[str] = Counter()
        self.number = 0
        self.published: list[Entries] = []
        self.wished: dict[str, str] = {}
        self.amiss: set[str] = set()
        sys.modules[MODULE] = self.components()
        self.runtime: RuntimeOrchestrator | None = None

    def components(self) -> ModuleType:
        module, machine = ModuleType(MODULE), self

        def make(kind: str) -> type:
            class Component:
                def __init__(self) -> None:
                    machine.alive[kind] += 1

                async def health(self) -> bool:
                    await asyncio.sleep(0)
                    return kind not in machine.broken

                async def cleanup(self) -> None:
                    await asyncio.sleep(0)
                    machine.alive[kind] -= 1

            Component.__module__ = MODULE
            return Component

        vars(module).update({kind: make(kind) for kind in KINDS})
        return module

    def perform(self, act: Awaitable[Any]) -> Any:
        async def performed() -> Any:
            async with asyncio.timeout(120):
                return await act

        return self.runner.run(performed())

    async def begin(self) -> None:
        self.runtime = RuntimeOrchestrator(
            manifest_path=self.folder / "manifest.json",
            trust=TRUST,
            refresh_interval=30,
            cache_dir=self.folder / "cache",
            state_dir=self.folder / "state",
            settings=self.folder / "oneiric.toml",
            clock=self.clock,
        )
        await self.runtime.start()

    async def wait(self, seconds: int) -> None:
        assert self.runtime is not None
        for _ in range(seconds):
            await self.clock.advance(1, settle=10)
            await self.runtime.settled()

    def write(self, name: str, content: bytes) -> None:
        beside = self.folder / "new"
        beside.write_bytes(content)
        beside.replace(self.folder / name)

    # what happens

    @initialize(kind=st.sampled_from(KINDS))
    def it_starts(self, kind: str) -> None:
        self.publish({(key, "p"): kind for key in KEYS})
        self.configure(dict.fromkeys(KEYS, "p"))
        self.perform(self.begin())
        assert self.runtime is not None
        assert self.runtime.snapshot().ready

    @rule(entries=offers)
    def publish(self, entries: Entries) -> None:
        self.number += 1
        listed = [
            manifest_entry("adapter", key, provider, f"{MODULE}:{kind}")
            for (key, provider), kind in sorted(entries.items())
        ]
        self.write("manifest.json", signed_manifest(listed, source="acme", sequence_number=self.number))
        self.published.append(entries)
        self.amiss.discard("manifest")

    @rule(content=st.sampled_from([b"", b"{", signed_manifest([], [STRANGER], source="acme", sequence_number=999)]))
    def spoil_the_manifest(self, content: bytes) -> None:
        self.write("manifest.json", content)
        self.amiss.add("manifest")

    @rule(wished=wishes)
    def configure(self, wished: dict[str, str]) -> None:
        lines = [f"{key} = '{provider}'" for key, provider in wished.items()]
        text = "\n".join([f"[factories]\nallow = ['{MODULE}']\n[adapters.selections]", *lines])
        self.write("oneiric.toml", text.encode())
        self.wished = wished
        self.amiss.discard("settings")

    @rule(content=st.sampled_from([b"", b"[adapters.sel", b"[adapter]\n"]))
    def spoil_the_settings(self, content: bytes) -> None:
        self.write("oneiric.toml", content)
        self.amiss.add("settings")

    @rule(kind=st.sampled_from(KINDS))
    def break_or_mend(self, kind: str) -> None:
        self.broken ^= {kind}

    @rule(seconds=st.sampled_from([1, 3, 10, LONG]))
    def time_passes(self, seconds: int) -> None:
        self.perform(self.wait(seconds))

    @rule(seconds=st.sampled_from([2, 5]))
    def the_disk_is_full_for_a_while(self, seconds: int) -> None:
        former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            self.perform(self.wait(seconds))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, former)

    @rule(turns=st.integers(0, 40))
    def somebody_syncs_and_gives_up(self, turns: int) -> None:
        async def impatient() -> None:
            assert self.runtime is not None
            tasks = [asyncio.create_task(self.runtime.sync()) for _ in range(2)]
            for _ in range(turns):
                await asyncio.sleep(0)
            tasks[0].cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert not [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, OneiricError)]

        self.perform(impatient())

    @rule()
    def restart(self) -> None:
        assert self.runtime is not None
        self.perform(self.runtime.stop())
        assert not +self.alive
        self.perform(self.begin())

    @rule()
    def all_is_well_again(self) -> None:
        """From whatever state: with everything mended that is amiss, it gets right by itself."""
        self.broken = set()
        if "manifest" in self.amiss:
            self.publish(dict(self.published[-1]))
        if "settings" in self.amiss:
            self.configure(dict(self.wished))
        self.perform(self.wait(LONG))
        assert self.runtime is not None
        entries, snapshot = self.published[-1], self.runtime.snapshot()
        assert self.offered() == entries
        assert (snapshot.sync.last_error, snapshot.settings_error) == ("", "")
        offered = {key: provider for key, provider in self.wished.items() if (key, provider) in entries}
        assert snapshot.ready == (offered == self.wished)
        active = snapshot.domains["adapter"].active  # type: ignore[index]  # a domain is its text
        assert offered.items() <= active.items()

    # what always holds

    def offered(self) -> Entries:
        assert self.runtime is not None
        return {
            (each.key, each.provider): str(each.factory).partition(":")[2]
            for each in self.runtime.resolver.candidates()
        }

    def running(self) -> dict[tuple[str, str], str]:
        assert self.runtime is not None
        handles = [(key, self.runtime.lifecycle.handle("adapter", key)) for key in KEYS]
        return {
            (key, each.provider): str(each.candidate.factory).partition(":")[2]
            for key, each in handles
            if each is not None
        }

    @invariant()
    def what_is_offered_is_one_manifest_as_a_whole(self) -> None:
        if self.runtime is not None:
            assert self.offered() in [{}, *self.published]

    @invariant()
    def what_runs_is_offered(self) -> None:
        if self.runtime is not None:
            assert self.running().items() <= self.offered().items()

    @invariant()
    def exactly_what_runs_is_alive(self) -> None:
        if self.runtime is not None:
            assert +self.alive == Counter(self.running().values())

    def teardown(self) -> None:
        try:
            if self.runtime is not None:
                self.perform(self.runtime.stop())
                assert not +self.alive
                assert not asyncio.all_tasks(self.runner.get_loop())
        finally:
            self.runner.close()
            sys.modules.pop(MODULE, None)
            shutil.rmtree(self.folder)


EVERY: dict[str, Any] = {
    "stateful_step_count": 12,
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}


class TestOrchestrating(Orchestrating.TestCase):  # type: ignore[misc,name-defined]  # made at run time
    settings = settings(max_examples=4, **EVERY)


@pytest.mark.long
class TestOrchestratingAtLength(Orchestrating.TestCase):  # type: ignore[misc,name-defined]  # likewise
    settings = settings(max_examples=60, **EVERY)


def gives_up(act: Act, error: str, now: float) -> None:
    del now
    act.failures, act.error, act.due = act.failures + 1, error, None


async def nothing(*_: Any) -> dict[Any, Any]:
    return {}


async def never(_: Any) -> None:
    await asyncio.Event().wait()


def withdraws_none(*_: Any) -> None: ...


def withdraws_nothing(self: Change) -> Change:
    return replace(self, wanted=[*self.wanted, *self.gone], gone=[])


between = Change.between


@pytest.mark.long
@pytest.mark.parametrize(
    ("owner", "name", "wrong"),
    [
        (Act, "failed", gives_up),
        (SelectionKeeper, "apply", nothing),
        (FileWatch, "changed", never),
        (LifecycleManager, "stop", nothing),
        (LifecycleManager, "_withdraw", withdraws_none),
        (Change, "between", lambda *of: withdraws_nothing(between(*of))),
    ],
    ids=[
        "tries nothing again",
        "selects nothing",
        "watches nothing",
        "stops nothing",
        "retires nothing",
        "drops nothing",
    ],
)
def test_a_runtime_that_is_wrong_in_one_way_is_found_out(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, wrong: Any
) -> None:
    monkeypatch.setattr(owner, name, wrong)
    once = settings(max_examples=60, phases=[Phase.generate], print_blob=False, **EVERY)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Orchestrating, settings=once)
