"""Actions that take anything, do more than they say, or change what they are given."""

import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Final

from mutants import mutant, reference


@mutant("ACT-001", expects="it was taken")
class TakesAnything(reference.Slugify):
    """Makes something of whatever it is given."""

    async def execute(self, payload: Any) -> dict[str, Any]:
        text = payload.get("text") if isinstance(payload, Mapping) else payload
        return await super().execute({"text": str(text)})


@mutant("ACT-001", expects="refused by AttributeError")
class DoesNotLook(reference.Slugify):
    """Uses its payload without looking at it."""

    async def execute(self, payload: Any) -> dict[str, Any]:
        return await super().execute({"text": payload.get("text")})


@mutant("ACT-001", expects="refused by KeyError: 'text'")
class NamesOnlyTheKey(reference.Slugify):
    """Says nothing but the name of what is missing."""

    async def execute(self, payload: Any) -> dict[str, Any]:
        if not isinstance(payload, Mapping):
            raise TypeError("the payload is no object")
        return await super().execute({"text": payload["text"]})


def _with_schema(schema: Mapping[str, Any]) -> Any:
    return reference.Slugify.metadata.model_copy(update={"capabilities": [{"name": "slug", "payload_schema": schema}]})


@mutant("ACT-001", expects="it was taken, though Additional properties are not allowed")
class IgnoresWhatItDoesNotKnow(reference.Slugify):
    """Takes what is beside the text, which its schema forbids."""

    async def execute(self, payload: Any) -> dict[str, Any]:
        known = {"text": payload["text"]} if isinstance(payload, Mapping) and "text" in payload else payload
        return await super().execute(known)


@mutant("ACT-001", expects="is too long; the result")
class CutsWhatIsTooLong(reference.Slugify):
    """Declares how long a title may be, and cuts one that is longer."""

    metadata = _with_schema(
        {"type": "object", "properties": {"title": {"type": "string", "maxLength": 20}}, "required": ["title"]}
    )

    async def execute(self, payload: Any) -> dict[str, Any]:
        title = payload.get("title") if isinstance(payload, Mapping) else None
        return await super().execute({"text": title[:20] if isinstance(title, str) else title})


@mutant("ACT-001", expects="it was taken, though -1 is less than the minimum of 0")
class KnowsNoBounds(reference.Slugify):
    """Declares bounds of a number, and looks at nothing but its type."""

    metadata = _with_schema(
        {
            "type": "object",
            "properties": {"size": {"type": "integer", "minimum": 0, "maximum": 9}},
            "required": ["size"],
        }
    )

    async def execute(self, payload: Any) -> dict[str, Any]:
        size = payload.get("size") if isinstance(payload, Mapping) else None
        if type(size) is not int:
            raise ValueError("the payload has no size. Pass a whole number.")
        return {"slug": "-" * size}


@mutant("ACT-001", expects="does not match '^[a-z]+$'")
class DoesNotLookInside(reference.Slugify):
    """Declares how each name in a list is spelt, and takes any text."""

    metadata = _with_schema(
        {
            "type": "object",
            "properties": {"names": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}}},
            "required": ["names"],
        }
    )

    async def execute(self, payload: Any) -> dict[str, Any]:
        names = payload.get("names") if isinstance(payload, Mapping) else None
        if not isinstance(names, list) or any(not isinstance(name, str) for name in names):
            raise ValueError("the payload has no names. Pass a list of texts.")
        return {"slug": "-".join(names)}


_AN_OBJECT: Final = reference.Slugify()


@mutant("ACT-001", expects="control: a good payload gives plain data: execute(): the result is a Slugify")
class ReturnsItself(reference.Slugify):
    """Its result is an object instead of data: always the same one."""

    async def execute(self, payload: Any) -> Any:
        await super().execute(payload)
        return _AN_OBJECT


class _Rooted(reference.Slugify):
    metadata = reference.Slugify.metadata.model_copy(update={"settings_model": "mutants.reference:FolderSettings"})

    def __init__(self, settings: reference.FolderSettings) -> None:
        super().__init__()
        self.root: Path = settings.base_path


@mutant("ACT-002", expects="execute() did: write")
class WritesALog(_Rooted):
    """Is declared free of side effects, and writes a log below its root."""

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        result = await super().execute(payload)
        with self.root.joinpath("log").open("a", encoding="utf-8") as log:
            log.write(result["slug"])
        return result


@mutant("ACT-002", expects="connect 127.0.0.1 9")
class ReportsItsUse(reference.Slugify):
    """Is declared free of side effects, and sends a message to whoever counts its calls."""

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        with socket.socket(type=socket.SOCK_DGRAM) as counter:
            counter.sendmsg([b"1"], [], 0, ("127.0.0.1", 9))
        return await super().execute(payload)


@mutant("ACT-002", expects="process")
class StartsAProgram(reference.Slugify):
    """Is declared free of side effects, and starts a program."""

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        result = await super().execute(payload)
        subprocess.run([sys.executable, "-S", "-c", ""], check=True)  # noqa: ASYNC221 - it blocks, too
        return result


@mutant("ACT-004", expects="the payload went from")
class TakesOut(reference.Slugify):
    """Takes the text out of its payload."""

    async def execute(self, payload: Any) -> dict[str, Any]:
        result = await super().execute(payload)
        payload.pop("text")
        return result


@mutant("ACT-004", expects="the payload went from")
class FillsIn(reference.Slugify):
    """Fills a default into its payload."""

    async def execute(self, payload: Any) -> dict[str, Any]:
        result = await super().execute(payload)
        payload.setdefault("locale", "en")
        return result


@mutant("ACT-002", expects="did: write")
class WritesSomeTimeLater(_Rooted):
    """Is declared free of side effects, and leaves its writing to a thread that takes its time."""

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        result = await super().execute(payload)
        threading.Thread(target=_write_later, args=(self.root / "log",), name="later", daemon=True).start()
        return result


def _write_later(path: Path) -> None:
    time.sleep(0.1)
    with suppress(FileNotFoundError):  # by then it may be over
        path.write_text("done", encoding="utf-8")


@mutant("ACT-003", expects="and again {")
class CountsItsCalls(reference.Slugify):
    """Claims to be deterministic, and counts its calls."""

    metadata = reference.Slugify.metadata.model_copy(
        update={"capabilities": [*reference.Slugify.metadata.capabilities, "deterministic"]}
    )

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        result = await super().execute(payload)
        self._calls += 1
        return {**result, "call": self._calls}


@mutant("ACT-003", expects="and on another instance {")
class SignsItsResults(reference.Slugify):
    """Puts a number of the instance into each result."""

    numbers: ClassVar[Any] = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self._number = next(self.numbers)

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {**await super().execute(payload), "by": self._number}


@mutant("ACT-003", expects="and in another process {")
class HashesItsText(reference.Slugify):
    """Puts the hash of the text into the result, which is another one in each process."""

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {**await super().execute(payload), "hash": hash(payload["text"])}


@mutant("ACT-003", expects="and in another process {")
class SortsNothing(reference.Slugify):
    """Lists letters in the order of a set."""

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {**await super().execute(payload), "letters": list({*"abcdefgh", *payload["text"]})}


@mutant("ACT-003", expects="and in another process {")
class SignsWithItsProcess(reference.Slugify):
    """Puts the number of the process into each result."""

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {**await super().execute(payload), "by": os.getpid()}


_BEGAN: Final = time.time_ns()


@mutant("ACT-003", expects="and in another process {")
class KnowsWhenItWasImported(reference.Slugify):
    """Puts the time at which its module was imported into each result."""

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {**await super().execute(payload), "since": _BEGAN}
