"""Components whose instances share what each should have by itself."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Self
from weakref import WeakSet

from mutants import mutant, reference
from oneiric_core import EventEnvelope

_ANSWERS: dict[str, list[str]] = {"last": []}
_SHARED = "the instance that is swapped in is the one that is let go"


@mutant(
    "LIFE-001", expects="the same instance", also=dict.fromkeys(("HOT-001", "HOT-004", "HOT-008", "LIFE-009"), _SHARED)
)
class SharedInstance(reference.Slugify):
    """Its factory hands out one instance again and again."""

    _one: ClassVar[Any] = None

    def __new__(cls) -> Self:
        one: Self = cls._one or super().__new__(cls)
        cls._one = one
        return one


@mutant("LIFE-001", expects="changed in all instances")
class StorageOfTheClass(reference.Cache):
    """Keeps its values in a class attribute."""

    values: ClassVar[dict[str, Any]] = {}

    def __init__(self, settings: reference.CacheSettings) -> None:
        super().__init__(settings)
        self._values = self.values

    async def cleanup(self) -> None:
        self._open = False


@mutant("LIFE-001", expects="CountsInTheClass.seen changed in all instances")
class CountsInTheClass(reference.Audit):
    """Counts topics in a Counter of its class."""

    seen: ClassVar[Counter[str]] = Counter()

    async def handle(self, envelope: EventEnvelope) -> dict[str, Any]:
        self.seen[envelope.topic] += 1
        return await super().handle(envelope)


@mutant("LIFE-001", expects="NumbersItsCalls.calls changed in all instances")
class NumbersItsCalls(reference.Slugify):
    """Rebinds a number of its class each time it works."""

    calls: ClassVar[int] = 0

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        type(self).calls += 1
        return await super().execute(payload)


@mutant("LIFE-001", expects="TotalOfAll.total changed in all instances")
class TotalOfAll(reference.Meter):
    """Has no work but what its exercise shows, and adds that up in a number of its class."""

    total: ClassVar[int] = 0

    async def add(self, amount: int) -> int:
        type(self).total += amount
        return self.total


@mutant("LIFE-001", expects="AddsForAll.amounts changed in all instances")
class AddsForAll(reference.Meter):
    """Has no work but what its exercise shows, and keeps the amounts of that in a list of its class."""

    amounts: ClassVar[list[int]] = []

    async def add(self, amount: int) -> int:
        self.amounts.append(amount)
        return sum(self.amounts)


class _Desk:
    def __init__(self) -> None:
        self.papers: list[str] = []


@mutant("LIFE-001", expects="SharesADesk.desk changed in all instances")
class SharesADesk(reference.WordCount):
    """Keeps what it was given in an object of its own that hangs on the class."""

    desk: ClassVar[_Desk] = _Desk()

    async def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        answer = await super().run(payload)
        self.desk.papers[-10:] = [*self.desk.papers[-9:], f"{payload['text']}."]
        return answer


@mutant("LIFE-001", expects="mutants.sharing._ANSWERS changed in all instances")
class AnswersInTheModule(reference.Slugify):
    """Keeps its last answer in a dictionary of its module."""

    async def execute(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        answer = await super().execute(payload)
        _ANSWERS["last"][:] = [f"{answer['slug']}."]
        return answer


@cache
def _table() -> dict[str, Any]:
    return {}


@mutant("LIFE-001", expects="what was set on one instance was got from another one")
class StorageOfTheModule(reference.Cache):
    """Keeps its values in a dictionary that a function of its module gives to all."""

    async def get(self, key: str) -> Any:
        return _table().get(key)

    async def set(self, key: str, value: Any) -> None:
        _table()[key] = value

    async def delete(self, key: str) -> bool:
        return _table().pop(key, None) is not None

    async def clear(self) -> None:
        _table().clear()


_CLOSED = "a swap cleans one instance up while another one lives"


@mutant(
    "LIFE-001",
    expects="after another instance was cleaned up",
    also=dict.fromkeys(("HOT-001", "HOT-004", "HOT-005", "HOT-008", "LIFE-009"), _CLOSED),
)
class CleanupOfAll(reference.Audit):
    """Its clean-up closes what all instances share."""

    connected: ClassVar[bool] = False

    async def init(self) -> None:
        type(self).connected = True

    async def health(self) -> bool:
        return self.connected

    async def cleanup(self) -> None:
        type(self).connected = False


@mutant("LIFE-001", expects="gone after delete() on another one")
class DeletesInAll(reference.Cache):
    """Deletes in all stores that live what is deleted in one."""

    everyone: ClassVar[WeakSet[Any]] = WeakSet()

    async def init(self) -> None:
        await super().init()
        self.everyone.add(self)

    async def delete(self, key: str) -> bool:
        return any([await reference.Cache.delete(store, key) for store in list(self.everyone)])


@mutant("LIFE-001", expects="gone after clear() on another one")
class CountsWhatItClears(reference.Cache):
    """Begins the keys of all stores anew when one is cleared."""

    times: ClassVar[int] = 0

    async def get(self, key: str) -> Any:
        return await super().get(f"{self.times} {key}")

    async def set(self, key: str, value: Any) -> None:
        await super().set(f"{self.times} {key}", value)

    async def delete(self, key: str) -> bool:
        return await super().delete(f"{self.times} {key}")

    async def clear(self) -> None:
        CountsWhatItClears.times += 1
