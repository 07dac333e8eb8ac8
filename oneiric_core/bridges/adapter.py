"""Adapters: what they do is named by their capabilities, so the bridge gives leases and nothing more."""

from oneiric_core.bridges.base import Bridge
from oneiric_core.domains import Domain

__all__ = ["AdapterBridge"]


class AdapterBridge(Bridge):
    """``async with bridge.lease("cache") as cache:``."""

    domain = Domain.ADAPTER
