"""What each domain does that all its components do."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from oneiric_core.bridges import ActionBridge, EventBridge, ServiceBridge, TaskBridge, WorkflowBridge
from oneiric_core.clock import Clock
from oneiric_core.components import EventEnvelope
from oneiric_core.domains import Domain
from oneiric_core.lifecycle import LifecycleManager
from oneiric_core.resolver import Resolver

__all__ = ["Verb", "verbs_of"]

Verb: TypeAlias = Callable[[str, Any], Awaitable[Any]]


def verbs_of(
    resolver: Resolver, lifecycle: LifecycleManager, events: Callable[[], EventBridge], clock: Clock
) -> Mapping[str, Verb]:
    """By domain, what is awaited with a key and a payload; an adapter has no verb.

    :param events: gives the bridge that handlers are subscribed at, once there is one.
    """
    services = ServiceBridge(resolver, lifecycle, clock=clock)
    return {
        Domain.SERVICE: lambda key, _: services.status(key),
        Domain.TASK: TaskBridge(resolver, lifecycle, clock=clock).run,
        Domain.EVENT: lambda key, payload: events().handle(key, EventEnvelope(**payload)),
        Domain.WORKFLOW: WorkflowBridge(resolver, lifecycle, clock=clock).execute,
        Domain.ACTION: ActionBridge(resolver, lifecycle, clock=clock).execute,
    }
