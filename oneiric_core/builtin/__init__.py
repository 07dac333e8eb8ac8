"""Components we ship, in all six domains, written as a third party would write them.

One file has one component, its settings and its declaration; it knows nothing of the runtime it will live in. What they
share (being opened and closed, and a payload that is judged before it is used) is in :mod:`oneiric_core.builtin.base`.
"""

from typing import Any, Final, cast

from oneiric_core.components import ActionMetadata, AdapterMetadata, ComponentMetadata
from oneiric_core.discovery import import_object

__all__ = ["builtin_action_metadata", "builtin_adapter_metadata", "builtin_metadata"]

_HERE: Final = "oneiric_core.builtin"

_ADAPTERS: Final = (
    "adapters.cache_memory:MemoryCache",
    "adapters.cache_redis:RedisCache",
    "adapters.http_client:HttpClient",
    "adapters.secrets_env:EnvironmentSecrets",
    "adapters.storage_local:LocalStorage",
)
_ACTIONS: Final = (
    "actions.compression_encode:CompressionEncode",
    "actions.data_sanitize:DataSanitize",
    "actions.data_transform:DataTransform",
    "actions.debug_console:DebugConsole",
    "actions.event_dispatch:EventDispatch",
    "actions.hash_digest:HashDigest",
    "actions.http_fetch:HttpFetch",
    "actions.serialization:SerializationDecode",
    "actions.serialization:SerializationEncode",
    "actions.task_schedule:TaskSchedule",
    "actions.validation_schema:ValidationSchema",
    "actions.workflow_notify:WorkflowNotify",
)
_OTHERS: Final = (
    "events.journal:Journal",
    "services.heartbeat:Heartbeat",
    "tasks.summary:Summary",
    "workflows.pipeline:Pipeline",
)


def builtin_adapter_metadata() -> list[AdapterMetadata]:
    """What the adapters we ship declare, sorted by category and provider."""
    return cast("list[AdapterMetadata]", [_declared(path) for path in _ADAPTERS])


def builtin_action_metadata() -> list[ActionMetadata]:
    """What the actions we ship declare, sorted by key."""
    return cast("list[ActionMetadata]", [_declared(path) for path in _ACTIONS])


def builtin_metadata() -> list[ComponentMetadata]:
    """What all the components we ship declare, in all six domains."""
    return [*builtin_adapter_metadata(), *builtin_action_metadata(), *(_declared(path) for path in _OTHERS)]


def _declared(path: str) -> ComponentMetadata:
    component: Any = import_object(f"{_HERE}.{path}", None)
    return cast("ComponentMetadata", component.metadata)
