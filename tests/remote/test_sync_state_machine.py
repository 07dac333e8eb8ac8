"""Any sequence of manifests, honest and not, of broken components, cancellations and restarts, against a model.

The model knows what was seen and what stands. After every step candidates, running components and the memory on disk
have to agree with it, and every instance ever made runs or was cleaned up once.
"""

import asyncio
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from oneiric_core.clock import FrozenClock
from oneiric_core.errors import EquivocationError, LifecycleError, OneiricError, RollbackError, SignatureError
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.manifest import JSON
from oneiric_core.remote.change import Change
from oneiric_core.remote.state_store import StateStore
from oneiric_core.remote.sync import sync_remote_manifest
from oneiric_core.resolver import Resolver
from oneiric_core.testing import PUBLISHER, STRANGER, manifest_entry, signed_manifest
from oneiric_core.trust import PublicKey, TrustPolicy
from oneiric_core.trust.trusted_state import SourceState

TRUST = TrustPolicy([PublicKey(PUBLISHER.public)], unsafe_allow_published_keys=True)
KEYS = ("a", "b")
PROVIDERS = {"low": 1, "high": 2}
KINDS = ("One", "Two", "Three")

Entries = dict[tuple[str, str], str]
"""The kind by key and provider."""

offers = st.dictionaries(
    st.tuples(st.sampled_from(KEYS), st.sampled_from([*PROVIDERS])), st.sampled_from(KINDS), max_size=4
)


@dataclass
class Model:
    """What has to be true."""

    seen: tuple[int, bytes] | None = None
    applied: int | None = None
    stands: Entries = field(default_factory=dict)
    running: dict[str, tuple[str, str]] = field(default_factory=dict)

    def winner(self, key: str, entries: Entries | None = None) -> tuple[str, str] | None:
        """Provider and kind."""
        entries = self.stands if entries is None else entries
        offered = [(provider, kind) for (of, provider), kind in entries.items() if of == key]
        return max(offered, key=lambda pair: PROVIDERS[pair[0]], default=None)


class AtOnce(ThreadPoolExecutor):
    """What is meant for a thread is done where it is asked for: a number of turns is the same point every time."""

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(call(*arguments, **named))
        except BaseException as error:  # noqa: BLE001 - as a thread of the pool would
            done.set_exception(error)
        return done


class Syncing(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.runner.get_loop().set_default_executor(AtOnce())
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FrozenClock(datetime(2026, 6, 1, tzinfo=UTC))
        self.model = Model()
        self.number = 0
        self.broken: set[str] = set()
        self.alive: Counter[str] = Counter()
        self.begin()

    def begin(self) -> None:
        self.resolver = Resolver()
        self.lifecycle = LifecycleManager(self.resolver, clock=self.clock, importer=self.factory)

    def factory(self, path: str) -> Any:
        kind, machine = path.partition(":")[2], self

        class Component:
            async def init(self) -> None:
                machine.alive[kind] += 1
                await asyncio.sleep(0)

            async def health(self) -> bool:
                await asyncio.sleep(0)
                return kind not in machine.broken

            async def cleanup(self) -> None:
                machine.alive[kind] -= 1
                await asyncio.sleep(0)

        return Component

    def perform(self, act: Awaitable[Any]) -> OneiricError | None:
        async def performed() -> OneiricError | None:
            try:
                await act
            except OneiricError as error:
                return error
            return None

        return self.runner.run(performed())

    def document(self, entries: Entries, number: int, key: Any = PUBLISHER) -> bytes:
        listed = [
            manifest_entry("adapter", of, provider, f"acme:{kind}", priority=PROVIDERS[provider])
            for (of, provider), kind in sorted(entries.items())
        ]
        return signed_manifest(listed, [key], source="acme", sequence_number=number)

    async def sync(self, document: bytes) -> None:
        await sync_remote_manifest(
            self.resolver,
            (document, JSON),
            trust=TRUST,
            lifecycle=self.lifecycle,
            state_dir=self.folder / "state",
            clock=self.clock,
        )

    def expect(self, entries: Entries, number: int, document: bytes) -> type[OneiricError] | None:
        """What an honest manifest has to come to; the model moves on."""
        model = self.model
        if model.seen is not None:
            if number < model.seen[0]:
                return RollbackError
            if number == model.seen[0] and document != model.seen[1]:
                return EquivocationError
        model.seen = number, document
        successors = {key: model.winner(key, entries) for key in model.running}
        changed = {key: each for key, each in successors.items() if each is not None and each != model.running[key]}
        if any(kind in self.broken for _, kind in changed.values()):
            return LifecycleError
        model.applied, model.stands = number, dict(entries)
        model.running = {key: each for key, each in successors.items() if each is not None}
        return None

    # what happens

    @initialize(kinds=st.permutations(KINDS))
    def everything_runs_and_one_kind_is_broken(self, kinds: list[str]) -> None:
        self.broken = {kinds[1]}
        self.offer({(key, "low"): kinds[0] for key in KEYS}, 1)
        for key in KEYS:
            self.activate(key)

    @rule(entries=offers, step=st.sampled_from([1, 1, 1, 2, 0, -1]))
    def offer(self, entries: Entries, step: int) -> None:
        number = max(0, self.number + step)
        self.number = max(self.number, number)
        document = self.document(entries, number)
        expected = self.expect(entries, number, document)
        error = self.perform(self.sync(document))
        assert error is None if expected is None else isinstance(error, expected)

    @precondition(lambda self: self.model.seen is not None)
    @rule()
    def offer_the_same_again(self) -> None:
        assert self.model.seen is not None
        number, document = self.model.seen
        expected = self.expect(self.entries_of(document), number, document)
        error = self.perform(self.sync(document))
        assert error is None if expected is None else isinstance(error, expected)

    @rule(entries=offers)
    def a_stranger_offers(self, entries: Entries) -> None:
        error = self.perform(self.sync(self.document(entries, self.number + 1, STRANGER)))
        assert isinstance(error, SignatureError)

    @rule(first=offers, second=offers)
    def two_at_once(self, first: Entries, second: Entries) -> None:
        documents = []
        expected = []
        for entries in (first, second):
            self.number += 1
            documents.append(self.document(entries, self.number))
            expected.append(self.expect(entries, self.number, documents[-1]))

        async def both() -> list[BaseException | None]:
            return await asyncio.gather(*map(self.sync, documents), return_exceptions=True)

        for error, kind in zip(self.runner.run(both()), expected, strict=True):
            assert error is None if kind is None else isinstance(error, kind)

    @rule(entries=offers, turns=st.integers(0, 60))
    def one_that_is_cancelled(self, entries: Entries, turns: int) -> None:
        self.number += 1
        document = self.document(entries, self.number)

        async def cancelled() -> bool:
            task = asyncio.create_task(self.sync(document))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            [outcome] = await asyncio.gather(task, return_exceptions=True)
            return outcome is None or isinstance(outcome, LifecycleError)

        before = self.model
        self.model = Model(before.seen, before.applied, dict(before.stands), dict(before.running))
        self.expect(entries, self.number, document)
        ended = self.runner.run(cancelled())
        state = StateStore(self.folder / "state").load("acme")
        if not ended and self.offered() == before.stands:
            self.model = before
            if state.seen is not None and state.seen.sequence_number == self.number:
                self.model.seen = self.number, document
        self.model.applied = None if state.applied is None else state.applied.sequence_number
        assert self.model.applied in {before.applied, self.number}

    @rule(key=st.sampled_from(KEYS))
    def activate(self, key: str) -> None:
        winner = self.model.winner(key)
        error = self.perform(self.lifecycle.activate("adapter", key))
        if winner is None:
            assert isinstance(error, OneiricError)
        elif self.model.running.get(key) == winner:
            assert error is None
        elif winner[1] in self.broken:
            assert isinstance(error, LifecycleError)
        else:
            assert error is None
            self.model.running[key] = winner

    @rule(kind=st.sampled_from(KINDS))
    def break_or_mend(self, kind: str) -> None:
        self.broken ^= {kind}

    @rule()
    def restart(self) -> None:
        assert self.perform(self.lifecycle.stop()) is None
        self.begin()
        self.model.stands, self.model.running = {}, {}

    # what always holds

    def offered(self) -> Entries:
        return {(each.key, each.provider): str(each.factory).partition(":")[2] for each in self.resolver.candidates()}

    @staticmethod
    def entries_of(document: bytes) -> Entries:
        listed = json.loads(document)["entries"]
        return {(each["key"], each["provider"]): each["factory"].partition(":")[2] for each in listed}

    @invariant()
    def all_of_a_manifest_stands_or_nothing(self) -> None:
        assert self.offered() == self.model.stands

    @invariant()
    def what_runs_is_what_stands(self) -> None:
        handles = {key: self.lifecycle.handle("adapter", key) for key in KEYS}
        running = {
            key: (each.provider, str(each.candidate.factory).partition(":")[2])
            for key, each in handles.items()
            if each is not None
        }
        assert running == self.model.running
        assert +self.alive == Counter(kind for _, kind in running.values())

    @invariant()
    def the_memory_says_what_was_seen_and_what_stands(self) -> None:
        state = StateStore(self.folder / "state").load("acme")
        seen = None if state.seen is None else state.seen.sequence_number
        assert seen == (None if self.model.seen is None else self.model.seen[0])
        assert (None if state.applied is None else state.applied.sequence_number) == self.model.applied

    def teardown(self) -> None:
        try:
            assert self.perform(self.lifecycle.stop()) is None
            assert not +self.alive
        finally:
            self.runner.close()
            shutil.rmtree(self.folder)


EVERY: dict[str, Any] = {
    "stateful_step_count": 15,
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}


class TestSyncing(Syncing.TestCase):  # type: ignore[misc,name-defined]  # made at run time
    settings = settings(max_examples=8, **EVERY)


@pytest.mark.long
class TestSyncingAtLength(Syncing.TestCase):  # type: ignore[misc,name-defined]  # likewise
    settings = settings(max_examples=120, **EVERY)


apply, between = Change.apply, Change.between


async def keeps_what_failed(self: Change, lifecycle: LifecycleManager | None) -> Any:
    self.put()
    return await apply(self, lifecycle)


def drops_nothing(*given: Any) -> Change:
    change = between(*given)
    return replace(change, wanted=[*change.wanted, *change.gone], gone=[])


def withdraws_none(*_: Any) -> None: ...


@pytest.mark.parametrize(
    ("owner", "name", "wrong"),
    [
        (Change, "apply", keeps_what_failed),
        (Change, "between", drops_nothing),
        (LifecycleManager, "_withdraw", withdraws_none),
        (StateStore, "load", lambda _, source: SourceState(source)),
        (StateStore, "update", lambda self, source, transition, _=None: transition(self.load(source))),
    ],
    ids=["keeps what failed", "drops nothing", "retires nothing", "recalls nothing", "writes nothing down"],
)
def test_a_sync_that_is_wrong_in_one_way_is_found_out(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, wrong: Any
) -> None:
    monkeypatch.setattr(owner, name, wrong)
    once = settings(max_examples=60, phases=[Phase.generate], print_blob=False, **EVERY)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Syncing, settings=once)
