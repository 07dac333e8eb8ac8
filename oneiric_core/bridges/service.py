"""Services: started after activation and stopped before clean-up by the lifecycle; asked how they are here."""

from typing import Any

from oneiric_core.bridges.base import Bridge
from oneiric_core.domains import Domain

__all__ = ["ServiceBridge"]


class ServiceBridge(Bridge):
    """Access to services."""

    domain = Domain.SERVICE

    async def status(self, key: str) -> Any:
        """What the service says of itself; it is activated, hence started, if it is not yet.

        :raises LifecycleError: it could not be activated, or has no ``status``.
        """
        return await self._call(key)
