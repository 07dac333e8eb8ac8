"""Stores that do not answer as a dictionary would."""

import json
from typing import Any

from mutants import mutant, reference


@mutant("KV-001", expects="get('a') answered")
class FoldsKeys(reference.Cache):
    """Takes keys that differ in case only for one."""

    async def get(self, key: str) -> Any:
        return await super().get(key.casefold())

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        await super().set(key.casefold(), value, ttl)

    async def delete(self, key: str) -> bool:
        return await super().delete(key.casefold())


@mutant("KV-001", expects="answered '")
class KeepsText(reference.Cache):
    """Gives every value back as text."""

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        await super().set(key, value if isinstance(value, str) else json.dumps(value), ttl)


@mutant("KV-001", expects="get('b') answered None")
class DropsWhatIsFalsy(reference.Cache):
    """Takes values that are falsy for none at all."""

    async def get(self, key: str) -> Any:
        return await super().get(key) or None


@mutant("KV-001", expects="expected  None")
class DeletesHalfway(reference.Cache):
    """Deletes nothing."""

    async def delete(self, key: str) -> bool:
        return key in self._values


@mutant("KV-001", expects="expected  None")
class ClearsNothing(reference.Cache):
    """Clears nothing."""

    async def clear(self) -> None:
        return


@mutant("KV-001", expects="raised KeyError")
class RaisesForMissing(reference.Cache):
    """Raises for a key that is not there."""

    async def get(self, key: str) -> Any:
        return self._values[key]


@mutant("KV-001", expects="control: what was set is got back: it answers to any method")
class AnswersToAnything(reference.Cache):
    """Has every method one may ask for, like a mock."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None
