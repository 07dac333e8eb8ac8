"""The smaller shapes inside a manifest entry: capabilities, retry policies, event filters, graphs of tasks.

Unknown fields are kept everywhere: a newer publisher must not break an older runtime.
"""

import graphlib
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "CapabilityDescriptor",
    "CertificateReference",
    "Dag",
    "DagNode",
    "EventFilter",
    "RetryPolicy",
    "SecurityProfile",
    "Sha256",
    "Shape",
]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]


class Shape(BaseModel):
    """A part of a document: frozen, exact about types, and keeping what it does not know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", populate_by_name=True)

    def to_document(self) -> dict[str, Any]:
        """What was written, as plain JSON values; defaults that were not written are left out."""
        return self.model_dump(mode="json", exclude_unset=True)


class SecurityProfile(Shape):
    """What a capability asks of its surroundings; information for people and policies."""

    classification: str | None = None
    auth_required: bool = True
    scopes: list[str] = Field(default_factory=list)
    encryption: str | None = None
    signature_required: bool = False
    audience: list[str] = Field(default_factory=list)
    notes: str | None = None


class CapabilityDescriptor(Shape):
    """A capability with what is known about it.

    :param payload_schema: a JSON Schema, or where to find one.
    """

    name: str = Field(min_length=1)
    description: str | None = None
    event_types: list[str] = Field(default_factory=list)
    payload_schema: dict[str, Any] | str | None = None
    schema_format: str | None = None
    security: SecurityProfile | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class RetryPolicy(Shape):
    """How often and when to try again. Delays are seconds; ``jitter`` is a part of the delay, from 0 to 1.

    ``max_attempts`` and ``max_backoff`` are read as former names of ``attempts`` and ``max_delay``.
    """

    attempts: int | None = Field(default=None, ge=1, validation_alias=AliasChoices("attempts", "max_attempts"))
    base_delay: float | None = Field(default=None, ge=0)
    max_delay: float | None = Field(default=None, ge=0, validation_alias=AliasChoices("max_delay", "max_backoff"))
    jitter: float | bool | None = None
    backoff_multiplier: float | None = Field(default=None, ge=1)


class EventFilter(Shape):
    """A condition on an event: what stands at ``path`` equals a value, is one of several, or exists.

    :param path: names joined by dots, into the envelope.
    """

    path: str = Field(min_length=1)
    equals: Any = None
    any_of: list[Any] | None = None
    exists: bool | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> "EventFilter":
        given = self.model_fields_set & {"equals", "any_of", "exists"}
        if len(given) != 1:
            raise ValueError(f"a filter has exactly one of equals, any_of and exists; this one has {sorted(given)}")
        return self


class DagNode(Shape):
    """One step of a workflow: the task ``task``, after all of ``depends_on``."""

    id: str = Field(min_length=1)
    task: str = Field(min_length=1)
    depends_on: list[str] = Field(default_factory=list)
    payload: Any = None
    retry_policy: RetryPolicy | None = None


class Dag(Shape):
    """The steps of a workflow; every dependency is a step, and none depends on itself, not even by way of others."""

    nodes: list[DagNode]

    @model_validator(mode="after")
    def _acyclic(self) -> "Dag":
        graph = {node.id: node.depends_on for node in self.nodes}
        if len(graph) != len(self.nodes):
            raise ValueError("two nodes have one id")
        for node in self.nodes:
            if dangling := [name for name in node.depends_on if name not in graph]:
                raise ValueError(f"node {node.id!r} depends on {dangling[0]!r}, which is no node")
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            raise ValueError(f"the nodes depend on each other in a circle: {' -> '.join(error.args[1])}") from error
        return self


class CertificateReference(Shape):
    """Where the conformance certificate of an artifact is, and its digest."""

    uri: str = Field(min_length=1)
    sha256: Sha256
