"""What every script begins with: the component, made as a runtime makes it, and how the script ends."""

import asyncio
import logging
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from oneiric_conformance.handling.cancelling import in_thread
from oneiric_core import EventEnvelope
from oneiric_core.testing import (
    CLEANUP_HOOKS,
    HEALTH_HOOKS,
    INIT_HOOKS,
    call_hook,
    construct,
    find_hook,
    import_object,
    make_settings,
)

__all__ = ["Broken", "Component", "Declared", "expect", "run", "without_error"]


class Broken(Exception):  # noqa: N818 - it is what was found
    """The rule does not hold."""


def expect(holds: bool, seen: str, expected: str) -> None:
    if not holds:
        raise Broken(f"seen      {seen}\nexpected  {expected}")


@contextmanager
def without_error(what: str, expected: str) -> Iterator[None]:
    """What is raised in this block breaks the rule."""
    try:
        yield
    except Broken:
        raise
    except Exception as error:
        raise Broken(f"seen      {what}: {raised(error)}\nexpected  {expected}") from error


def raised(error: BaseException) -> str:
    """An error in one line, with the place it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"at {Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}" if frames else "at its end"
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}{text and f': {text}'} ({place})"


@dataclass
class Component:
    """The component. In its settings ``{sandbox}`` is a fresh directory, ``${NAME}`` an environment variable."""

    factory: str
    settings_model: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    claims: tuple[str, ...] = ()
    external: bool = False
    blocking: bool = False
    verb: str = ""
    start: str = ""
    stop: str = ""
    seconds: float = 60.0
    takes_events: bool = False
    exercise: str = ""

    async def built(self, folder: str = "") -> Any:
        settings = self.settings_in(folder or tempfile.mkdtemp())
        factory: Any = import_object(self.factory, None)
        return await construct(factory, settings)

    def settings_in(self, folder: str) -> Any:
        return make_settings(self.settings_model, self.filled(self.settings, folder))

    async def come(self, instance: Any) -> None:
        await self.hook(instance, *INIT_HOOKS)
        await self.hook(instance, self.start)

    async def opened(self, folder: str = "") -> Any:
        instance = await self.built(folder)
        await self.come(instance)
        pretends = callable(getattr(instance, "oneiric_asks_for_what_nobody_has", None))
        expect(not pretends, "it answers to any method", "its own methods and no others")
        return instance

    async def closed(self, instance: Any) -> None:
        await self.hook(instance, self.stop)
        await self.hook(instance, *CLEANUP_HOOKS)

    async def health(self, instance: Any) -> Any:
        return await self.hook(instance, *HEALTH_HOOKS, absent=True)

    async def hook(self, instance: Any, *names: str, absent: Any = None) -> Any:
        found = find_hook(instance, names)
        return absent if found is None else await call_hook(found)

    def work(self, instance: Any) -> Any:
        found: Any = find_hook(instance, (self.verb,))
        expect(found is not None, f"it has no {self.verb}()", "a method that does its work")
        return partial(in_thread, found) if self.blocking else found

    def given(self, payload: Any) -> Any:
        return EventEnvelope(*payload) if self.takes_events else payload

    def filled(self, value: Any, folder: str) -> Any:
        if isinstance(value, str):
            value = value.replace("{sandbox}", folder).replace("{worker}", "main")
            return re.sub(r"\$\{(\w+)\}", lambda found: os.environ[found[1]], value)
        if isinstance(value, dict):
            return {name: self.filled(item, folder) for name, item in value.items()}
        return [self.filled(item, folder) for item in value] if isinstance(value, list) else value


@dataclass
class Declared(Component):
    """With what it declares of itself."""

    domain: str = ""
    key: str = ""
    provider: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


Scenario: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
"""Given what is judged, the example that failed or None, and payloads that it was tried with before."""


def run(scenario: Scenario, subject: Any, example: Any, payloads: Any) -> None:
    """End the process with 0 if the rule holds for the example, else with what was seen."""
    sys.dont_write_bytecode = True

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scenario(subject, example, payloads)

    ended = ""
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        try:
            asyncio.run(bounded())
        except Broken as broken:
            ended = str(broken)
        except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever the component raises
            ended = f"seen      {raised(error)}\nexpected  the end of the script"
        finally:
            tempfile.tempdir = None
    if ended:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it would tell of a task's exit once more
        sys.exit(ended)
