"""Components that were opened, and a server for them to talk to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from oneiric_core.testing import ArtifactServer


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Opens a component, and closes it at the end; nothing may be left of it then."""
    components: list[Any] = []

    async def open_it(kind: Callable[..., Any], **arguments: Any) -> Any:
        component = kind(**arguments)
        components.append(component)
        await component.init()
        return component

    yield open_it
    for component in components:
        await component.cleanup()
        await component.cleanup()
        assert await component.health() is not True
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
def server() -> Iterator[ArtifactServer]:
    with ArtifactServer() as running:
        yield running
