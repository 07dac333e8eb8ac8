"""HOT: what a runtime makes of many things asked for at once."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from oneiric_conformance.abilities import Ability
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offer import JSON, Document, offered
from oneiric_conformance.handling.offering import FACTORY, expect_ok, manifest, offering
from oneiric_conformance.handling.staging import SETTLED, until
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import Runtime, Verdict

__all__: list[str] = []

Act: TypeAlias = str
"""``swap``, ``activate``, or the number of a manifest to sync."""

_ACTS: Final[tuple[Act, ...]] = ("swap", "activate", "2", "3", "4")
_NASTY: Final[tuple[tuple[Act, ...], ...]] = (
    ("3", "2"),
    ("2", "3"),
    ("2", "2"),
    ("swap", "swap"),
    ("swap", "2", "swap"),
    ("4", "activate", "3", "swap"),
    ("2", "3", "4"),
)


@dataclass(frozen=True, slots=True)
class _State:
    """What there is after some acts, one after the other.

    :param number: of the manifest that stands; the provider it brings is named after it.
    """

    number: int = 1
    live: int = 1
    generation: int = 1

    def after(self, act: Act) -> "tuple[_State, bool]":
        """The state after one more act, and whether it was done."""
        if act == "swap":
            return replace(self, live=self.number, generation=self.generation + 1), True
        if act == "activate" or int(act) == self.number:
            return self, True
        if int(act) < self.number:
            return self, False
        return _State(int(act), int(act), self.generation + 1), True


_Outcome: TypeAlias = tuple[_State, tuple[bool, ...]]
"""The state at the end, and which of the acts were done."""


@check("HOT-010", judges="runtime", level="must", since="2026.1", floor=len(_NASTY), needs=[Ability.KIT_FACTORIES])
def what_happens_at_once_happens_in_some_order(bench: Bench) -> None:
    """Syncs, swaps and activations that are asked for at the same time end as some order of them would have ended: what
    is live, its generation, the candidates, and which of them were refused.

    Troubleshooting: a number that is looked at before and remembered after an ``await``, a swap that is dropped because
    another one is under way, candidates of two manifests side by side.
    """
    with bench.control("one after the other, they do what they should"):
        bench.run(_in_turn(bench))
    bench.for_all(
        st.lists(st.sampled_from(_ACTS), min_size=2, max_size=4).map(tuple),
        lambda acts: bench.run(_at_once(bench, acts)),
        nasty=_NASTY,
        show=lambda acts: " and ".join(_told(act) for act in acts) + " at once",
        share=3,
    )


def _told(act: Act) -> str:
    return act if not act.isdigit() else f"sync of number {act}"


class _Part:
    """A component that takes its time to come and to go."""

    def __init__(self) -> None:
        self.cleanups = 0

    async def init(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    async def health(self) -> bool:
        await asyncio.sleep(0)
        return True

    async def cleanup(self) -> None:
        self.cleanups += 1
        await asyncio.sleep(0)


class _Scene:
    """A runtime with number 1 live in it."""

    def __init__(self, bench: Bench, runtime: Runtime) -> None:
        self._bench = bench
        self._runtime = runtime
        self.made: list[_Part] = []
        self._name = offered(bench.package.subjects)[0]

    async def make(self) -> object:
        self.made.append(_Part())
        return self.made[-1]

    async def begin(self) -> None:
        expect_ok(self._bench, await self.act("1"), "the first manifest")
        expect_ok(self._bench, await self.act("activate"), "activating what it brought")

    async def act(self, act: Act) -> Verdict:
        domain, key = self._name["domain"], self._name["key"]
        if act == "swap":
            return await self._runtime.swap(domain, key)
        if act == "activate":
            return await self._runtime.activate(domain, key)
        return await self._runtime.sync(manifest(int(act), self._entry(act)), JSON)

    def _entry(self, act: Act) -> Document:
        names = {name: self._name[name] for name in ("domain", "key")}
        return {**names, "provider": _provider(act), "factory": FACTORY}

    async def state(self) -> _State:
        domain, key = self._name["domain"], self._name["key"]
        status = await self._runtime.status(domain, key)
        told = sorted(await self._runtime.explain(domain, key))
        self._bench.expect(
            len(told) == 1, seen=f"at the end the candidates are {told}", expected="those of one manifest"
        )
        return _State(_number(told[0]), _number(status.provider), status.generation)

    async def expect_clean(self) -> None:
        """All instances but one were cleaned up once."""
        await until(lambda: sum(part.cleanups for part in self.made) == len(self.made) - 1, SETTLED)
        counts = sorted(part.cleanups for part in self.made)
        seen = f"of {len(counts)} instances {counts.count(1)} were cleaned up once, and {counts.count(0)} never"
        self._bench.expect(counts == [0] + [1] * (len(counts) - 1), seen=seen, expected="all but the live one, once")


def _provider(number: Any) -> str:
    return f"conformance-{number}"


def _number(provider: str) -> int:
    text = provider.removeprefix(_provider(""))
    return int(text) if text.isdigit() else 0


async def _in_turn(bench: Bench) -> None:
    acts = ("2", "swap", "activate", "1", "4", "4", "3")
    async with bench.runtime() as runtime:
        scene = _Scene(bench, runtime)
        with offering(scene.make):
            await scene.begin()
            done = tuple([(await scene.act(act)).ok for act in acts])
            _expect_one_of(bench, (await scene.state(), done), [_played(acts)])
            await scene.expect_clean()


async def _at_once(bench: Bench, acts: Sequence[Act]) -> None:
    async with bench.runtime() as runtime:
        scene = _Scene(bench, runtime)
        with offering(scene.make):
            await scene.begin()
            answers = await asyncio.gather(*(scene.act(act) for act in acts))
            found = await scene.state(), tuple(answer.ok for answer in answers)
            _expect_one_of(bench, found, _orders(acts))
            await scene.expect_clean()


def _played(acts: Iterable[Act]) -> _Outcome:
    state, done = _State(), []
    for act in acts:
        state, was_done = state.after(act)
        done.append(was_done)
    return state, tuple(done)


def _orders(acts: Sequence[Act]) -> Iterator[_Outcome]:
    """How every order of the acts ends, each with its own answers in the places of the acts."""
    for order in permutations(range(len(acts))):
        state, done = _played(acts[place] for place in order)
        answers = dict(zip(order, done, strict=True))
        yield state, tuple(answers[place] for place in range(len(acts)))


def _expect_one_of(bench: Bench, found: _Outcome, allowed: Iterable[_Outcome]) -> None:
    state, done = found
    refused = ", ".join(f"the {place}." for place, was_done in enumerate(done, 1) if not was_done) or "none"
    seen = (
        f"number {state.live} is live, of number {state.number}, in generation {state.generation}; refused: {refused}"
    )
    bench.expect(found in [*allowed], seen=seen, expected="what some order of them gives")
