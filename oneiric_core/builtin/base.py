"""What the components we ship have in common: they are opened and closed, and judge what they are given."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter

__all__ = ["OWNER", "Action", "Component", "Payload", "Settings", "described"]

OWNER: Final = "Oneiric"

S = TypeVar("S", bound="Settings")
P = TypeVar("P")


class Settings(BaseModel):
    """What an operator configures of a component. Unknown names are refused: a misspelt setting must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Payload(BaseModel):
    """What a component is given to work on: plain JSON data, taken as it is and never converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Component(Generic[S]):
    """Does no work when it is made; works between ``init`` and ``cleanup``."""

    default_settings: ClassVar[type[Settings]] = Settings

    def __init__(self, settings: S | None = None) -> None:
        self._settings: S = settings or self.default_settings()  # type: ignore[assignment]  # each class names its own
        self._open = False

    async def init(self) -> None:
        self._open = True

    async def health(self) -> bool:
        return self._open

    async def cleanup(self) -> None:
        self._open = False

    def _refuse_if_closed(self) -> None:
        if not self._open:
            raise RuntimeError(f"{type(self).__name__} is closed. Await init() first.")


class Action(Component[S], ABC, Generic[S, P]):
    """``execute(payload)``: the payload is judged by ``payloads`` and handed to :meth:`act`."""

    payloads: ClassVar[TypeAdapter[Any]]

    async def execute(self, payload: dict[str, Any]) -> dict[str, Any]:
        """What :meth:`act` makes of ``payload``, which is not changed.

        :raises ValueError: the payload is not of the form that the declared ``payload_schema`` gives.
        :raises RuntimeError: before ``init``, or after ``cleanup``.
        """
        self._refuse_if_closed()
        return await self.act(self.payloads.validate_python(payload))

    @abstractmethod
    async def act(self, payload: P) -> dict[str, Any]:
        """Do it; the result is plain JSON data."""


def described(name: str, payloads: type[Payload] | TypeAdapter[Any]) -> dict[str, Any]:
    """A capability by which others can know what ``execute`` takes."""
    adapter = payloads if isinstance(payloads, TypeAdapter) else TypeAdapter(payloads)
    return {"name": name, "payload_schema": adapter.json_schema()}
