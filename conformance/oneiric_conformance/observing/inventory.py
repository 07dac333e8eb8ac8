"""What this process holds, as the core's own tests take it."""

from oneiric_core.testing import Inventory, take_inventory

__all__ = ["Inventory", "take_inventory"]
