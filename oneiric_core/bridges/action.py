"""Actions: ``execute(payload)`` within the declared timeout, tried anew as declared."""

from typing import Any

from oneiric_core.bridges.base import Bridge
from oneiric_core.bridges.policy import CallPolicy
from oneiric_core.domains import Domain

__all__ = ["ActionBridge"]


class ActionBridge(Bridge):
    """Access to actions."""

    domain = Domain.ACTION

    async def execute(self, key: str, payload: Any = None, *, policy: CallPolicy | None = None) -> Any:
        """One execution.

        :param policy: in place of the declared one.
        :raises TimeoutError: the last attempt did not end in time. What the action raises comes through as it is.
        """
        return await self._call(key, payload, policy=policy)

    def side_effect_free(self, key: str) -> bool:
        """Whether what runs, or would run, declares that it writes nothing, connects nowhere and starts nothing.

        :raises ResolutionError: there is no such action.
        """
        handle = self._lifecycle.handle(self.domain, key)
        candidate = self._resolver.require(self.domain, key) if handle is None else handle.candidate
        return candidate.metadata.get("side_effect_free") is True
