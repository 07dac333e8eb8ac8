"""How an application asks for components: one bridge a domain."""

from oneiric_core.bridges.action import ActionBridge
from oneiric_core.bridges.adapter import AdapterBridge
from oneiric_core.bridges.base import Bridge
from oneiric_core.bridges.dag import Dag, DagRun, Node
from oneiric_core.bridges.declarations import check_declaration
from oneiric_core.bridges.event import EventBridge, HandlerResult
from oneiric_core.bridges.policy import CallPolicy
from oneiric_core.bridges.service import ServiceBridge
from oneiric_core.bridges.subscription import Filter, Subscription
from oneiric_core.bridges.task import TaskBridge
from oneiric_core.bridges.workflow import WorkflowBridge

__all__ = [
    "ActionBridge",
    "AdapterBridge",
    "Bridge",
    "CallPolicy",
    "Dag",
    "DagRun",
    "EventBridge",
    "Filter",
    "HandlerResult",
    "Node",
    "ServiceBridge",
    "Subscription",
    "TaskBridge",
    "WorkflowBridge",
    "check_declaration",
]
