"""The component where a runtime has it: as it is declared, beside others, and called through the runtime."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oneiric_conformance.runtime import ComponentSpec, Limits, Trust
from oneiric_conformance.scripts.base import Declared, expect
from oneiric_core.testing import PUBLISHER, import_object

__all__ = ["CORE_RUNTIME", "Hosted", "activated", "hosted"]

CORE_RUNTIME = "oneiric_core.testing:CoreRuntime"


@asynccontextmanager
async def hosted(
    path: str, limits: dict[str, float], trust: Trust | None = None, folder: str = ""
) -> AsyncIterator[Any]:
    """A runtime, by default in a fresh directory; ``path`` leads to what makes one, whatever has the same methods."""
    runtime: Any = import_object(path, None)
    runtime = runtime()
    await runtime.start(Path(folder or tempfile.mkdtemp()), trust or Trust(keys=(PUBLISHER.public,)), Limits(**limits))
    try:
        yield runtime
    finally:
        await runtime.stop()


@dataclass
class Hosted(Declared):
    """With the runtime; ``beside`` are the tasks of its package."""

    beside: tuple[dict[str, Any], ...] = ()
    limits: dict[str, float] = field(default_factory=dict)
    runtime: str = CORE_RUNTIME

    def spec(self, factory: Callable[..., object] | None = None, folder: str = "", **metadata: Any) -> ComponentSpec:
        """As it is registered, but for another factory and other metadata; what is None there is left out."""
        settings = self.filled(self.settings, folder or tempfile.mkdtemp())
        declared = {name: value for name, value in {**self.metadata, **metadata}.items() if value is not None}
        if self.settings_model is not None:
            declared.setdefault("settings_model", self.settings_model)
        return ComponentSpec(
            self.domain, self.key, self.provider, factory or self.factory, metadata=declared, settings=settings
        )

    def others(self) -> list[ComponentSpec]:
        return [
            ComponentSpec(**{**each, "settings": self.filled(each["settings"], tempfile.mkdtemp())})
            for each in self.beside
        ]


async def activated(runtime: Any, spec: ComponentSpec) -> None:
    answer = await runtime.register(spec)
    expect(answer.ok, f"registering {spec.key} was refused: {answer.reason}", "a registration")
    answer = await runtime.activate(spec.domain, spec.key, spec.provider)
    expect(answer.ok, f"activating {spec.key} was refused: {answer.reason}", "an activation")
