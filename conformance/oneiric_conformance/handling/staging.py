"""The subject live in a runtime, with a witness to everything that happens to its instances."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.planting import furnish
from oneiric_conformance.handling.witness import Watched, Witness
from oneiric_conformance.handling.work import Act, some_work
from oneiric_conformance.judging.findings import Finding, described
from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_conformance.runtime import Limits, Runtime, RuntimeStatus
from oneiric_core import DOMAINS, Domain

__all__ = ["SETTLED", "Stage", "first_of", "leased", "staged", "until"]

SETTLED: Final = 2.0
"""Seconds after which what a runtime was asked for has to have happened, besides what the component itself takes."""


@asynccontextmanager
async def leased(runtime: Runtime, domain: str, key: str) -> AsyncIterator[Any]:
    """What readers get, for as long as the block lasts.

    :raises Finding: they get nothing.
    """
    lease = runtime.lease(domain, key)
    try:
        instance = await lease.__aenter__()
    except Exception as error:
        raise Finding(f"readers got nothing: {described(error)}", "a live instance all the time") from error
    try:
        yield instance
    finally:
        await lease.__aexit__(None, None, None)


class Stage:
    """A runtime with the subject live in it, and the acts that all these checks share.

    Every act of the runtime is bounded, and what it answers is compared with what the witness saw.
    """

    def __init__(self, bench: Bench, runtime: Runtime, box: Sandbox, limits: Limits) -> None:
        self.bench = bench
        self.limits = limits
        self.runtime = runtime
        self.box = box
        self.domain, self.key, self.provider = bench.subject.domain, bench.subject.key, bench.subject.provider
        verb = DOMAINS[Domain(self.domain)].verb if self.domain in set(Domain) else ""
        self.witness = Witness(bench.subject.factory, verb)
        self.patience = SETTLED + 3 * bench.lifetime

    async def offer(self, provider: str, factory: Callable[..., object]) -> None:
        # A call that is tried again begins again, wherever it likes; here each call is one attempt.
        metadata = {name: value for name, value in self.bench.subject.metadata.items() if name != "retry_policy"}
        spec = self.bench.spec(self.box, provider=provider, factory=factory, metadata=metadata)
        verdict = await self.runtime.register(spec)
        self.bench.expect(verdict.ok, seen=f"registering it was refused: {verdict.reason}", expected="a registration")

    async def swap(self, provider: str) -> str:
        """Why the swap was refused; empty if it was done."""
        try:
            verdict = await self.runtime.swap(self.domain, self.key, provider)
        except Exception as error:
            raise Finding(f"the runtime's swap raised {described(error)}", "a refusal that says why") from error
        return "" if verdict.ok else (verdict.reason or verdict.kind or "no reason given")

    async def must_swap(self, provider: str) -> None:
        refused = await self.swap(provider)
        self.bench.expect(not refused, seen=f"the swap to {provider} was refused: {refused}", expected="a swap")

    async def live(self) -> Any:
        """What readers get."""
        async with self.lease() as instance:
            return instance

    def lease(self) -> AbstractAsyncContextManager[Any]:
        """What readers get, for as long as the block lasts."""
        return leased(self.runtime, self.domain, self.key)

    async def status(self) -> RuntimeStatus:
        return await self.runtime.status(self.domain, self.key)

    async def expect_serving(self, act: Act, when: str) -> Any:
        """The published instance was not cleaned up, is healthy and does its work; it is returned."""
        async with self.lease() as instance:
            cleanups = getattr(instance, "cleanups", 0) if isinstance(instance, Watched) else 0
            self.bench.expect(not cleanups, seen=f"{when}, readers get an instance that was cleaned up")
            healthy = await self.bench.health(instance)
            self.bench.expect(healthy is True, seen=f"{when}, the live instance's health() answers {healthy!r}")
            with self.bench.asking(f"{when}, work on the live instance"):
                await act(instance)
            return instance

    async def expect_gone(self, live: object, when: str) -> None:
        """All instances but the live one were cleaned up exactly once, or are within the time that takes."""
        await until(lambda: all(watched.cleanups for watched in self.witness.left(live)), self.patience)
        left = self.witness.left(live)
        seen = f"{when}, {len(left)} of {len(self.witness.seen)} instances were cleaned up "
        seen += f"{left[0].cleanups} times" if left else ""
        self.bench.expect(not left, seen=seen, expected="each one cleaned up exactly once")


async def until(condition: Callable[[], bool], seconds: float) -> None:
    """Return when ``condition`` holds, or after that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - a runtime sets no event of ours
        await asyncio.sleep(0.001)


@asynccontextmanager
async def staged(
    bench: Bench, limits: Limits | None = None, *, factory: Callable[..., object] | None = None, clears: bool = False
) -> AsyncIterator[tuple[Stage, Act]]:
    """A stage with the subject activated on it, and what the subject can be seen doing.

    :param factory: what makes its instances instead of the witness.
    :param clears: whether a store empties itself at the end of what it does.
    """
    with bench.sandbox() as box:
        await furnish(bench, box)
        async with bench.runtime(limits) as runtime:
            stage = Stage(bench, runtime, box, limits or bench.limits)
            await stage.offer(stage.provider, factory or stage.witness)
            verdict = await runtime.activate(stage.domain, stage.key)
            bench.expect(verdict.ok, seen=f"the activation was refused: {verdict.reason}", expected="an activation")
            instance = await stage.live()
            act = await some_work(bench, instance, clears=clears)
            await stage.expect_serving(act, "after the activation")
            yield stage, act


async def first_of(*waited: Awaitable[object], seconds: float) -> None:
    """Return when one of them is done, or after ``seconds``; the rest is cancelled unless it was a task before."""
    tasks = [asyncio.ensure_future(item) for item in waited]
    await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task, item in zip(tasks, waited, strict=True):
        if task is not item:
            task.cancel()
