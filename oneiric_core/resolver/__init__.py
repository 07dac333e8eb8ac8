"""Who wins, and why."""

from oneiric_core.resolver.explanation import Explanation
from oneiric_core.resolver.ranking import Rank
from oneiric_core.resolver.registry import Resolver, Undo, refuse_malformed

__all__ = ["Explanation", "Rank", "Resolver", "Undo", "refuse_malformed"]
