"""A component that can be imported wherever the core is, for manifests in tests."""

from typing import Any

__all__ = ["Sample"]


class Sample:
    """Works while it is open: gives back what it was given."""

    def __init__(self) -> None:
        self.open = False

    async def init(self) -> None:
        self.open = True

    async def health(self) -> bool:
        return self.open

    async def cleanup(self) -> None:
        self.open = False

    async def run(self, payload: Any = None) -> Any:
        """The verb of a task."""
        return payload
