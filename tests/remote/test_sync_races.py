"""A manifest that comes while others activate: what runs afterwards is of the manifest that stands, and of no other."""

import asyncio
from typing import Any

import pytest

from oneiric_core.errors import LifecycleError, ResolutionError
from oneiric_core.manifest import JSON
from oneiric_core.testing import manifest_entry, signed_manifest

A, B = ("adapter", "a"), ("adapter", "b")


class Gate:
    """A factory that says when it was begun and waits until it may go on."""

    def __init__(self) -> None:
        self.began, self.go, self.made = asyncio.Event(), asyncio.Event(), list[Component]()
        self.fails = False

    async def __call__(self) -> "Component":
        self.began.set()
        await self.go.wait()
        if self.fails:
            raise RuntimeError("cannot start")
        self.made.append(Component())
        return self.made[-1]


class Component:
    cleaned = 0

    async def cleanup(self) -> None:
        self.cleaned += 1


class Other(Component):
    pass


@pytest.fixture
def gate(world: Any) -> Gate:
    gate = Gate()
    world.factories |= {"acme:gate": gate, "acme:Component": Component, "acme:Other": Other}
    return gate


def offer(number: int, **factories: str) -> tuple[bytes, str]:
    entries = [
        manifest_entry("adapter", key, "acme", f"acme:{factory}", version=str(number))
        for key, factory in factories.items()
    ]
    return signed_manifest(entries, source="acme", sequence_number=number), JSON


async def test_what_a_manifest_withdraws_while_it_is_made_never_runs(world: Any, gate: Gate) -> None:
    await world.sync(offer(1, b="gate"))
    activating = asyncio.ensure_future(world.lifecycle.activate(*B))
    await gate.began.wait()
    await world.sync(offer(2))
    gate.go.set()
    with pytest.raises(ResolutionError, match="nothing answers to adapter/b"):
        await activating
    assert world.lifecycle.handle(*B) is None
    assert [each.cleaned for each in gate.made] == [1]


async def test_what_a_manifest_replaces_while_it_is_made_is_made_anew(world: Any, gate: Gate) -> None:
    await world.sync(offer(1, b="gate"))
    activating = asyncio.ensure_future(world.lifecycle.activate(*B))
    await gate.began.wait()
    await world.sync(offer(2, b="Other"))
    gate.go.set()
    assert type(await activating) is Other
    assert [each.cleaned for each in gate.made] == [1]
    assert (await world.sync(offer(2, b="Other"))).unchanged


@pytest.fixture
async def a_runs(world: Any, gate: Gate) -> object:
    await world.sync(offer(1, a="Component", b="Component"))
    return await world.lifecycle.activate(*A)


async def test_nothing_of_a_manifest_is_had_before_all_of_it_stands(world: Any, gate: Gate, a_runs: object) -> None:
    told: list[str] = []
    world.lifecycle.observe(lambda status: told.append(status.error))
    syncing = asyncio.ensure_future(world.sync(offer(2, a="gate", b="Other")))
    await gate.began.wait()
    assert await world.lifecycle.activate(*A) is a_runs, "nobody waits for what is to come"
    assert type(await world.lifecycle.activate(*B)) is Component
    gate.go.set()
    report = await syncing
    assert sorted(report.swapped) == ["adapter/a/acme", "adapter/b/acme"]
    assert type(world.lifecycle.get_instance(*B)) is Other
    assert world.lifecycle.get_instance(*A) is gate.made[-1]
    assert [each.cleaned for each in gate.made] == [1, 0], "the first was made before somebody asked for b"
    assert set(told) == {""}, "to plan anew is no failure"


async def test_nothing_of_a_refused_manifest_runs(world: Any, gate: Gate, a_runs: object) -> None:
    syncing = asyncio.ensure_future(world.sync(offer(2, a="gate", b="Other")))
    await gate.began.wait()
    gate.fails = True
    b = await world.lifecycle.activate(*B)
    gate.go.set()
    with pytest.raises(LifecycleError, match="cannot start"):
        await syncing
    assert type(b) is Component
    assert (world.lifecycle.get_instance(*A), world.lifecycle.get_instance(*B)) == (a_runs, b)
    assert [each.metadata["version"] for each in world.resolver.candidates()] == ["1", "1"]


async def test_what_is_retired_while_its_successor_is_made_does_not_come_back(
    world: Any, gate: Gate, a_runs: object
) -> None:
    await world.lifecycle.activate(*B)
    syncing = asyncio.ensure_future(world.sync(offer(2, a="gate")))
    await gate.began.wait()
    retiring = asyncio.ensure_future(world.lifecycle.retire(*A))
    gate.go.set()
    assert (await syncing).swapped == ("adapter/a/acme",)
    await retiring
    assert [world.lifecycle.handle(*name) for name in (A, B)] == [None, None]
