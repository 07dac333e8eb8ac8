"""All checks; importing this package registers them."""

from oneiric_conformance.checks import (
    action,
    blob,
    event,
    hot,
    kv,
    lifecycle,
    manifest,
    meta,
    path,
    service,
    signature,
    task,
    ttl,
    workflow,
)
from oneiric_conformance.registry import CHECKS

__all__ = [
    "CHECKS",
    "action",
    "blob",
    "event",
    "hot",
    "kv",
    "lifecycle",
    "manifest",
    "meta",
    "path",
    "service",
    "signature",
    "task",
    "ttl",
    "workflow",
]
