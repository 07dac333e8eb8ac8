"""A component that is replaced again and again, in every way there is, and a model of what that comes to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import JSON, SOURCE
from oneiric_conformance.handling.offering import entry_for, expect_ok, manifest, offered_stage
from oneiric_conformance.handling.staging import Stage, until
from oneiric_conformance.handling.witness import Watched
from oneiric_conformance.handling.work import Act, some_work
from oneiric_conformance.runtime import Limits
from oneiric_core.testing import FAULTS, BadManifest, bad_manifest, faulty

__all__ = ["STEPS", "Reloading"]

_FIRST: Final = "conformance-first"
_SECOND: Final = "conformance-second"
_BROUGHT: Final = "conformance-brought"
_BROKEN: Final = "conformance-broken"
_QUICK_FAULTS: Final = tuple(plan for plan in FAULTS if plan.mode != "timeout")
_STAGES: Final[tuple[Literal["factory", "init", "health"], ...]] = ("factory", "init", "health")
_BAD: Final = tuple(kind for kind in BadManifest if kind.threshold == 1)


class Reloading:
    """One run: a stage, and what the model says about it.

    :ivar live: the provider that has to be published; empty before the first activation.
    :ivar generation: how many publications there were.
    """

    def __init__(self, stage: Stage, box: Path) -> None:
        self.stage = stage
        self.live = ""
        self.generation = 0
        self.taken = 0
        self._place = box
        self._brought = False
        self._number = 0
        self._turn = 0
        self._instance: Any = None
        self._leases: list[tuple[AbstractAsyncContextManager[Any], Watched, Act]] = []
        self._act: Act | None = None

    @classmethod
    @asynccontextmanager
    async def begun(cls, bench: Bench, limits: Limits) -> AsyncIterator["Reloading"]:
        """A run on a runtime of its own, with two providers registered."""
        with bench.sandbox() as box:
            async with offered_stage(bench, limits, box.path) as stage:
                run = cls(stage, box.path)
                await run._register()
                try:
                    yield run
                finally:
                    for lease, _, _ in run._leases:
                        await lease.__aexit__(None, None, None)

    async def step(self, name: str) -> None:
        """Take one step, if it makes sense now, and see that all invariants hold after it."""
        self._turn += 1
        if await STEPS[name](self):
            self.taken += 1
        await self.expect_sound(name)

    async def expect_sound(self, when: str) -> None:
        """The invariants: what readers get, what the status says, and what became of all other instances."""
        stage, bench, after = self.stage, self.stage.bench, f"after {when}"
        status = await stage.status()
        found = f"{status.provider or 'nothing'}, generation {status.generation}"
        seen = f"{after}, the status says {found}"
        holds = (status.provider, status.generation) == (self.live, self.generation)
        bench.expect(holds, seen=seen, expected=f"{self.live or 'nothing'}, generation {self.generation}")
        if self.live:
            now = await stage.live()
            kept = now is self._instance
            bench.expect(kept, seen=f"{after}, readers get another instance", expected="the one that was published")
            bench.expect(not now.cleanups, seen=f"{after}, readers get an instance that was cleaned up")
        for _, held, _ in self._leases:
            expected = "clean-up after the last call has ended"
            bench.expect(not held.cleanups, seen=f"{after}, an instance in use was cleaned up", expected=expected)
        used = [id(self._instance), *(id(held) for _, held, _ in self._leases)]

        def left() -> list[Watched]:
            return [each for each in stage.witness.seen if id(each) not in used and each.cleanups != 1]

        await until(lambda: not left(), stage.patience)
        wrong = left()
        seen = f"{after}, an instance that nobody uses was cleaned up {wrong[0].cleanups} times" if wrong else ""
        bench.expect(not wrong, seen=seen, expected="exactly once")

    async def _register(self) -> None:
        for provider in (_FIRST, _SECOND):
            await self.stage.offer(provider, self.stage.witness)

    async def _published(self, provider: str) -> None:
        """The model after a publication; the instance is looked at once, and has to stay."""
        self.live, self.generation = provider, self.generation + 1
        former, self._instance = self._instance, await self.stage.live()
        fresh = self._instance is not former
        self.stage.bench.expect(fresh, seen=f"a swap to {provider} gave the former instance", expected="a new one")

    async def activate(self) -> bool:
        provider = (_FIRST, _SECOND)[self._turn % 2]
        verdict = await self.stage.runtime.activate(self.stage.domain, self.stage.key, provider)
        expect_ok(self.stage.bench, verdict, f"activating {provider}")
        if self.live != provider:
            await self._published(provider)
        return True

    async def swap(self) -> bool:
        provider = _SECOND if self.live == _FIRST else _FIRST
        await self.stage.must_swap(provider)
        await self._published(provider)
        return True

    async def renew(self) -> bool:
        """Swap to the provider that is live already."""
        if not self.live:
            return False
        await self.stage.must_swap(self.live)
        await self._published(self.live)
        return True

    @asynccontextmanager
    async def _broken(self, factory: Callable[..., object]) -> AsyncIterator[None]:
        """A candidate that fails in the block, and does so no more after it.

        It may be next in line when a manifest drops what is live, and that must not fail for it.
        """
        await self.stage.offer(_BROKEN, factory)
        yield
        await self.stage.offer(_BROKEN, self.stage.witness)

    async def fail(self) -> bool:
        plan = _QUICK_FAULTS[self._turn % len(_QUICK_FAULTS)]
        async with self._broken(faulty(self.stage.witness, plan.stage, plan.mode)):
            refused = await self.stage.swap(_BROKEN)
        self.stage.bench.expect(bool(refused), seen=f"a candidate whose {plan} was published", expected="a refusal")
        return True

    async def time_out(self) -> bool:
        stage = _STAGES[self._turn % len(_STAGES)]
        async with self._broken(faulty(self.stage.witness, stage, "timeout")):
            refused = await self.stage.swap(_BROKEN)
        seen = f"a candidate whose {stage} never ends was published"
        self.stage.bench.expect(bool(refused), seen=seen, expected="a refusal")
        return True

    async def cancel(self) -> bool:
        stage = _STAGES[self._turn % len(_STAGES)]
        factory = faulty(self.stage.witness, stage, "timeout")
        async with self._broken(factory):
            swapping = asyncio.ensure_future(self.stage.swap(_BROKEN))
            await until(lambda: factory.struck > 0 or swapping.done(), self.stage.patience)
            swapping.cancel()
            await asyncio.wait({swapping}, timeout=self.stage.patience)
        refused = swapping.cancelled() or (swapping.done() and bool(swapping.result()))
        seen = f"a swap that was cancelled in {stage} was done, or did not end"
        self.stage.bench.expect(refused, seen=seen, expected="no swap")
        return True

    async def lease(self) -> bool:
        if not self.live or len(self._leases) > 2:  # noqa: PLR2004 - a few at once are enough
            return False
        lease = self.stage.runtime.lease(self.stage.domain, self.stage.key)
        held = await lease.__aenter__()
        self._leases.append((lease, held, await self._some_act(held)))
        same = held is self._instance
        self.stage.bench.expect(same, seen="a lease gave another instance than readers get", expected="the live one")
        return True

    async def release(self) -> bool:
        if not self._leases:
            return False
        lease, held, act = self._leases.pop(0)
        with self.stage.bench.asking("the end of a call that began some swaps ago"):
            await act(held)
        await lease.__aexit__(None, None, None)
        return True

    async def call(self) -> bool:
        if not self.live:
            return False
        await self.stage.expect_serving(await self._some_act(self._instance), "in between")
        return True

    async def sync(self) -> bool:
        """A newer manifest, which changes what it brought before."""
        self._number += 1
        entry = entry_for(self.stage.bench.subject, provider=_BROUGHT, owner=f"number {self._number}", priority=-1)
        outcome = await self.stage.runtime.sync(manifest(self._number, entry), JSON)
        expect_ok(self.stage.bench, outcome, "a newer manifest")
        self._brought = True
        if self.live == _BROUGHT:
            await self._published(_BROUGHT)
        return True

    async def swap_to_brought(self) -> bool:
        if not self._brought:
            return False
        await self.stage.must_swap(_BROUGHT)
        await self._published(_BROUGHT)
        return True

    async def drop(self) -> bool:
        """A newer manifest that brings nothing; another provider takes the place of what it brought."""
        self._number += 1
        outcome = await self.stage.runtime.sync(manifest(self._number), JSON)
        expect_ok(self.stage.bench, outcome, "a newer manifest that brings nothing")
        self._brought = False
        if self.live == _BROUGHT:
            provider = (await self.stage.status()).provider
            fit = provider in {_FIRST, _SECOND, _BROKEN}
            seen = f"a manifest dropped what was live, and then {provider or 'nothing'} was"
            self.stage.bench.expect(fit, seen=seen, expected="one of the providers that are left")
            await self._published(provider)
        return True

    async def sync_bad(self) -> bool:
        kind, number = _BAD[self._turn % len(_BAD)], self._number + 1
        entry = entry_for(self.stage.bench.subject, provider=self.live or _FIRST, owner="nobody")
        outcome = await self.stage.runtime.sync(
            bad_manifest(kind, [entry], source=SOURCE, sequence_number=number), JSON
        )
        seen = f"a manifest with {kind.value} was accepted"
        self.stage.bench.expect(not outcome.ok, seen=seen, expected="a refusal")
        return True

    async def sync_older(self) -> bool:
        if not self._number:
            return False
        outcome = await self.stage.runtime.sync(manifest(self._number - 1), JSON)
        self.stage.bench.expect(not outcome.ok, seen="an older manifest was accepted", expected="a refusal")
        return True

    async def restart(self) -> bool:
        """Stop with whatever is under way, and come up again on what is on the disk."""
        while self._leases:
            await self.release()
        runtime, bench = self.stage.runtime, self.stage.bench
        await runtime.stop()
        self.live, self.generation, self._instance, self._brought = "", 0, None, False
        await until(lambda: not self.stage.witness.left(), self.stage.patience)
        left = self.stage.witness.left()
        bench.expect(not left, seen=f"after a stop {len(left)} instances were not cleaned up once", expected="all")
        await runtime.start(self._place, bench.trust, self.stage.limits)
        await self._register()
        return True

    async def _some_act(self, instance: Any) -> Act:
        if self._act is None:
            self._act = await some_work(self.stage.bench, instance)
        return self._act


STEPS: Final[Mapping[str, Callable[[Reloading], Awaitable[bool]]]] = {
    "an activation": Reloading.activate,
    "a swap": Reloading.swap,
    "a swap to the same provider": Reloading.renew,
    "a candidate that fails": Reloading.fail,
    "a candidate that takes too long": Reloading.time_out,
    "a swap that is cancelled": Reloading.cancel,
    "a call that begins": Reloading.lease,
    "a call that ends": Reloading.release,
    "a call": Reloading.call,
    "a newer manifest": Reloading.sync,
    "a swap to what a manifest brought": Reloading.swap_to_brought,
    "a manifest that brings nothing": Reloading.drop,
    "a bad manifest": Reloading.sync_bad,
    "an older manifest": Reloading.sync_older,
    "a restart": Reloading.restart,
}
"""Every step by its name."""
