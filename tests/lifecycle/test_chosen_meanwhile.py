"""What is published is what is wanted at that moment, and not what was when it began to be made."""

import asyncio
from typing import Any

import pytest

from oneiric_core.errors import LifecycleError, ResolutionError

CACHE = ("adapter", "cache")


@pytest.mark.parametrize("act", ["activate", "swap"])
async def test_who_is_selected_while_another_is_made_is_made_instead(kit: Any, act: str) -> None:
    kit.offer(kit.ledger.async_factory(pace=3), "one")
    kit.offer(kit.ledger.async_factory(pace=3), "two")
    under_way = asyncio.ensure_future(getattr(kit.manager, act)(*CACHE))
    await kit.steps(2)
    kit.resolver.select(*CACHE, "one")
    await under_way
    assert kit.manager.handle(*CACHE).provider == "one"
    assert kit.manager.status(*CACHE).generation == 1
    assert (kit.ledger.made, kit.ledger.cleaned) == (2, [1])


async def test_who_is_asked_for_by_name_is_not_another_for_that(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory(pace=3), "one")
    kit.offer(kit.ledger.async_factory(), "two")
    under_way = asyncio.ensure_future(kit.manager.swap(*CACHE, "one"))
    await kit.steps(2)
    kit.resolver.select(*CACHE, "two")
    await under_way
    assert kit.manager.handle(*CACHE).provider == "one"
    assert kit.ledger.made == 1


async def test_who_is_withdrawn_while_it_is_made_is_cleaned_up_and_never_published(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory(pace=3), "one")
    under_way = asyncio.ensure_future(kit.manager.activate(*CACHE))
    await kit.steps(2)
    for source in {(each.source, each.origin) for each in kit.resolver.candidates()}:
        kit.resolver.replace_source(*source, [])
    with pytest.raises(ResolutionError):
        await under_way
    status = kit.manager.status(*CACHE)
    assert (status.generation, status.provider) == (0, "")
    assert "nothing answers to adapter/cache" in status.error
    assert kit.ledger.cleaned == [1]


async def test_who_stops_while_something_is_made_anew_is_obeyed(kit: Any) -> None:
    kit.offer(kit.ledger.async_factory(pace=3), "one")
    kit.offer(kit.ledger.async_factory(pace=30), "two")
    kit.resolver.select(*CACHE, "one")
    under_way = asyncio.ensure_future(kit.manager.activate(*CACHE))
    await kit.steps(2)
    kit.resolver.select(*CACHE, "two")
    await kit.steps(20)
    await kit.manager.stop()
    with pytest.raises(LifecycleError):
        await under_way
    assert kit.ledger.alive == set()
