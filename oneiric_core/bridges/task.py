"""Tasks: ``run(payload)`` within the declared timeout, tried anew as declared, cancellable at any time."""

from typing import Any

from oneiric_core.bridges.base import Bridge
from oneiric_core.bridges.policy import CallPolicy
from oneiric_core.domains import Domain

__all__ = ["TaskBridge"]


class TaskBridge(Bridge):
    """Access to tasks."""

    domain = Domain.TASK

    async def run(self, key: str, payload: Any = None, *, policy: CallPolicy | None = None) -> Any:
        """One run.

        :param policy: in place of the declared one.
        :raises TimeoutError: the last attempt did not end in time. What the task raises comes through as it is.
        """
        return await self._call(key, payload, policy=policy)
