"""Stores that do not answer as a dictionary would."""

import asyncio
import json
import re
import unicodedata
from contextlib import suppress
from contextvars import ContextVar
from fnmatch import fnmatchcase
from io import StringIO
from typing import Any

from mutants import mutant, reference


@mutant("KV-001", expects="get('a') answered")
class FoldsKeys(reference.Cache):
    """Takes keys that differ in case only for one."""

    async def get(self, key: str) -> Any:
        return await super().get(key.casefold())

    async def set(self, key: str, value: Any) -> None:
        await super().set(key.casefold(), value)

    async def delete(self, key: str) -> bool:
        return await super().delete(key.casefold())


@mutant("KV-001", expects="answered '", also={"KV-002": "what many set at once comes back as text as well"})
class KeepsText(reference.Cache):
    """Gives every value back as text."""

    async def set(self, key: str, value: Any) -> None:
        await super().set(key, value if isinstance(value, str) else json.dumps(value))


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


@mutant(
    "KV-001",
    expects="control: what was set is got back: it answers to any method",
    also={"KV-002": "its controls do not take such answers for a store's either"},
)
class AnswersToAnything(reference.Cache):
    """Has every method one may ask for, like a mock."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@mutant("KV-001", expects="answered None")
class LosesTheOldest(reference.Cache):
    """Keeps no more than a hundred values, whichever were set last."""

    async def set(self, key: str, value: Any) -> None:
        await super().set(key, value)
        while len(self._values) > 100:
            self._values.pop(next(iter(self._values)))


@mutant("KV-001", expects="get('a') answered 'long")
class CutsLongTexts(reference.Cache):
    """Cuts a text to the 65535 characters its column holds."""

    async def set(self, key: str, value: Any) -> None:
        await super().set(key, value[:65_535] if isinstance(value, str) else value)


class _Spelt(reference.Cache):
    def spelt(self, key: str) -> str:
        return key

    async def get(self, key: str) -> Any:
        return await super().get(self.spelt(key))

    async def set(self, key: str, value: Any) -> None:
        await super().set(self.spelt(key), value)

    async def delete(self, key: str) -> bool:
        return await super().delete(self.spelt(key))


@mutant("KV-001", expects="get('a') answered {'key': 'a '}")
class StripsKeys(_Spelt):
    """Takes the blanks off its keys."""

    def spelt(self, key: str) -> str:
        return key.strip()


@mutant("KV-001", expects="get('é') answered")
class ComposesKeys(_Spelt):
    """Takes a letter with its accent, and a letter and an accent, for one key."""

    def spelt(self, key: str) -> str:
        return unicodedata.normalize("NFC", key)


@mutant("KV-001", expects="answered {'key': 'kkkkkkkk")
class CutsKeys(_Spelt):
    """Cuts a key to the 64 characters its column holds."""

    def spelt(self, key: str) -> str:
        return key[:64]


@mutant("KV-001", expects="answered {'key': 'жжжжжжжж")
class CutsTheBytesOfKeys(_Spelt):
    """Keeps a key in 250 bytes, which is enough for English."""

    def spelt(self, key: str) -> str:
        return key.encode()[:250].decode(errors="ignore")


@mutant("KV-001", expects="get('a/b') answered {'key': 'a_b'}")
class ReplacesSlashes(_Spelt):
    """Writes an underscore where a key has a slash."""

    def spelt(self, key: str) -> str:
        return key.replace("/", "_")


@mutant("KV-001", expects="get('') answered None")
class IgnoresTheEmptyKey(reference.Cache):
    """Takes the empty key for none at all."""

    async def set(self, key: str, value: Any) -> None:
        if key:
            await super().set(key, value)


@mutant("KV-001", expects="get('../a') answered 1")
class ClearsWhatIsSeen(reference.Cache):
    """Clears what a shell's asterisk stands for, which is nothing that begins with a dot."""

    async def clear(self) -> None:
        self._values = {key: value for key, value in self._values.items() if key.startswith(".")}


@mutant("KV-001", expects="get('text 0') answered 12")
class DecodesText(reference.Cache):
    """Keeps text as it is, and decodes what looks like JSON when it is asked for."""

    async def get(self, key: str) -> Any:
        found = await super().get(key)
        with suppress(ValueError):
            return json.loads(found) if isinstance(found, str) else found
        return found


@mutant("KV-001", expects=r"answered 'one\ntwo\nthree")
class TranslatesLines(reference.Cache):
    """Reads text as from a text file, which turns every end of line into a newline."""

    async def get(self, key: str) -> Any:
        found = await super().get(key)
        return StringIO(found, newline=None).read() if isinstance(found, str) else found


class _Remembers(reference.Cache):
    """Remembers what was read."""

    def __init__(self, settings: reference.CacheSettings) -> None:
        super().__init__(settings)
        self._read: dict[str, Any] = {}

    async def get(self, key: str) -> Any:
        if key not in self._read and (found := await super().get(key)) is not None:
            self._read[key] = found
        return self._read.get(key)

    async def set(self, key: str, value: Any) -> None:
        self._read.pop(key, None)
        await super().set(key, value)

    async def delete(self, key: str) -> bool:
        self._read.pop(key, None)
        return await super().delete(key)

    async def cleanup(self) -> None:
        self._read.clear()
        await super().cleanup()


@mutant("KV-001", expects="get('a') answered 1")
class RemembersWhatIsCleared(_Remembers):
    """Forgets what it has read of a key when that is set or deleted, and not when all are cleared."""


@mutant("KV-001", expects="get('a') answered 2")
class RemembersWhatIsDeleted(_Remembers):
    """Forgets what it has read of a key when that is set, and not when it is deleted."""

    async def delete(self, key: str) -> bool:
        return await reference.Cache.delete(self, key)

    async def clear(self) -> None:
        self._read.clear()
        await super().clear()


@mutant("KV-001", expects="get('a/b') answered None")
class DeletesWhatIsBelow(reference.Cache):
    """Deletes with a key what looks like a path below it."""

    async def delete(self, key: str) -> bool:
        below = [each for each in self._values if each.startswith(f"{key}/")]
        for each in below:
            del self._values[each]
        return await super().delete(key)


class _Matches(reference.Cache):
    """Deletes whatever its keys match."""

    def matches(self, key: str, pattern: str) -> bool:
        raise NotImplementedError

    async def delete(self, key: str) -> bool:
        matching = [each for each in self._values if each == key or self.matches(each, key)]
        for each in matching:
            del self._values[each]
        return bool(matching)


@mutant("KV-001", expects="get('a b') answered None")
class DeletesWhatIsLike(_Matches):
    """Deletes as a query with LIKE does, where an underscore stands for any character."""

    def matches(self, key: str, pattern: str) -> bool:
        parts = (".*" if each == "%" else "." if each == "_" else re.escape(each) for each in pattern)
        return re.fullmatch("".join(parts), key, re.DOTALL) is not None


@mutant("KV-001", expects="get('a') answered None")
class DeletesWhatMatches(_Matches):
    """Takes the key to delete for a pattern of the shell's if there are brackets in it."""

    def matches(self, key: str, pattern: str) -> bool:
        return "[" in pattern and fnmatchcase(key, pattern)


_VALUES: ContextVar[dict[str, Any]] = ContextVar("values")


@mutant(
    "KV-001",
    expects="expected  'by another task'",
    also=dict.fromkeys(("KV-002", "LIFE-009"), "tasks of their own set and get there as well")
    | {"LIFE-001": "within one task all instances have the same values"},
)
class KeepsInTheContext(reference.Cache):
    """Keeps its values where no other task finds them."""

    def kept(self) -> dict[str, Any]:
        return dict(_VALUES.get({}))

    async def get(self, key: str) -> Any:
        return self.kept().get(key)

    async def set(self, key: str, value: Any) -> None:
        _VALUES.set({**self.kept(), key: value})

    async def delete(self, key: str) -> bool:
        known = self.kept()
        found = known.pop(key, None) is not None
        _VALUES.set(known)
        return found

    async def clear(self) -> None:
        _VALUES.set({})


@mutant("KV-002", expects="answered None")
class WritesBackWhatItRead(reference.Cache):
    """Reads all values, waits, and writes them back with its own."""

    async def set(self, key: str, value: Any) -> None:
        values = dict(self._values)
        await asyncio.sleep(0)
        self._values = {**values, key: value}


@mutant("KV-002", expects="expected  [0, 0]")
class KeepsTheKeyAside(reference.Cache):
    """Keeps the key it is asked for in an attribute until it has waited."""

    asked = ""

    async def get(self, key: str) -> Any:
        self.asked = key
        await asyncio.sleep(0)
        return await super().get(self.asked)
