"""What is running, and how it may change."""

from oneiric_core.lifecycle.construct import construct, make_settings, wants_settings
from oneiric_core.lifecycle.exchange import Exchange
from oneiric_core.lifecycle.hooks import call_hook, find_hook
from oneiric_core.lifecycle.manager import LifecycleManager
from oneiric_core.lifecycle.states import Handle, SlotStatus, State, Timeouts

__all__ = [
    "Exchange",
    "Handle",
    "LifecycleManager",
    "SlotStatus",
    "State",
    "Timeouts",
    "call_hook",
    "construct",
    "find_hook",
    "make_settings",
    "wants_settings",
]
