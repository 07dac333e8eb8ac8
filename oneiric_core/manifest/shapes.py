"""The smaller shapes inside a manifest entry: capabilities, retry policies, event filters, graphs of tasks.

Unknown fields are kept everywhere, and count for nothing: a newer publisher must not break an older runtime. Only an
event handler with one in a filter is not used, as nobody could say what it may hear: its entry is skipped.
"""

import graphlib
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, model_validator

from oneiric_core.manifest.text import cut, shown

__all__ = [
    "CapabilityDescriptor",
    "CertificateReference",
    "Dag",
    "DagNode",
    "EventFilter",
    "Listed",
    "RetryPolicy",
    "SecurityProfile",
    "Sha256",
    "Shape",
]

_Item = TypeVar("_Item")
Listed = Annotated[list[_Item], Field(fail_fast=True)]
"""A list, judged up to its first wrong item: an error is many times as large as the two bytes that cause it."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$", max_length=64), AfterValidator(str.lower)]
"""A digest, in lower case from here on however it was written: what is compared and fetched by it has one name.

Signatures are over the document, which stays as it is.
"""


class Shape(BaseModel):
    """A part of a document: frozen, exact about types, and keeping what it does not know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", populate_by_name=True)

    def to_document(self) -> dict[str, Any]:
        """What was written, as plain JSON values; defaults that were not written are left out."""
        return self.model_dump(mode="json", exclude_unset=True)


class SecurityProfile(Shape):
    """What a capability asks of its surroundings; information for people and policies."""

    classification: str | None = Field(default=None, description="How confidential what it handles is.")
    auth_required: bool = Field(default=True, description="Must its callers have authenticated?")
    scopes: Listed[str] = Field(default_factory=list, description="What its callers must be allowed to do.")
    encryption: str | None = Field(default=None, description="How what it handles is encrypted.")
    signature_required: bool = Field(default=False, description="Must what it is given be signed?")
    audience: Listed[str] = Field(default_factory=list, description="Whom it is meant for.")
    notes: str | None = Field(default=None, description="Anything else, for people.")


class CapabilityDescriptor(Shape):
    """A capability with what is known about it.

    :param payload_schema: a JSON Schema, or where to find one.
    """

    name: str = Field(min_length=1, description="What it is asked for by.")
    description: str | None = Field(default=None, description="What it does, for people.")
    event_types: Listed[str] = Field(default_factory=list, description="Events it emits or takes.")
    payload_schema: dict[str, Any] | str | None = Field(
        default=None, description="A schema of its payload, or where to find one."
    )
    schema_format: str | None = Field(default=None, description="The language of 'payload_schema', as 'jsonschema'.")
    security: SecurityProfile | None = Field(default=None, description="What it asks of its surroundings.")
    metadata: dict[str, Any] = Field(default_factory=dict, description="Anything else.")


class RetryPolicy(Shape):
    """How often and when to try again. Delays are seconds; ``jitter`` is a part of the delay, from 0 to 1.

    ``max_attempts`` and ``max_backoff`` are read as former names of ``attempts`` and ``max_delay``.
    """

    attempts: int | None = Field(
        default=None,
        ge=1,
        validation_alias=AliasChoices("attempts", "max_attempts"),
        description="How many calls there are at most, the first one included.",
    )
    base_delay: float | None = Field(default=None, ge=0, description="Seconds before the second call.")
    max_delay: float | None = Field(
        default=None,
        ge=0,
        validation_alias=AliasChoices("max_delay", "max_backoff"),
        description="Seconds that no delay is longer than.",
    )
    jitter: float | bool | None = Field(default=None, description="How much longer a delay may be, as a part of it.")
    backoff_multiplier: float | None = Field(default=None, ge=1, description="What each delay grows by.")


_CONDITIONS: Final = ("equals", "any_of", "exists")


class EventFilter(Shape):
    """A condition on an event: what stands at ``path`` equals a value, is one of several, or exists.

    :param path: ``topic``, ``payload.a.b``, ``headers.a``, or ``a.b`` for a path in the payload. A condition of a later
        version stands beside one of these.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in _CONDITIONS]})

    path: str = Field(min_length=1, description="'topic', 'payload.a.b', 'headers.a', or 'a.b' in the payload.")
    equals: Any = Field(default=None, description="The value that has to stand there.")
    any_of: list[Any] | None = Field(default=None, description="The values of which one has to stand there.")
    exists: bool | None = Field(default=None, description="Must something stand there, or nothing?")

    @model_validator(mode="after")
    def _one_condition(self) -> "EventFilter":
        given = self.model_fields_set.intersection(_CONDITIONS)
        if len(given) != 1:
            raise ValueError(f"a filter has exactly one of equals, any_of and exists; this one has {sorted(given)}")
        return self


class DagNode(Shape):
    """One step of a workflow: the task ``task``, after all of ``depends_on``."""

    id: str = Field(min_length=1, description="Its name within the graph.")
    task: str = Field(min_length=1, description="The key of the task to run.")
    depends_on: Listed[str] = Field(default_factory=list, description="Nodes that have to succeed before.")
    payload: Any = Field(default=None, description="What the task is given.")
    retry_policy: RetryPolicy | None = Field(default=None, description="How often and when the task is tried again.")


_TOLD: Final = 8
"""So many nodes of a circle are named."""


class Dag(Shape):
    """The steps of a workflow; every dependency is a step, and none depends on itself, not even by way of others."""

    nodes: Listed[DagNode] = Field(description="The steps, in any order.")

    @model_validator(mode="after")
    def _acyclic(self) -> "Dag":
        graph = {node.id: node.depends_on for node in self.nodes}
        if len(graph) != len(self.nodes):
            raise ValueError("two nodes have one id")
        for node in self.nodes:
            if dangling := [name for name in node.depends_on if name not in graph]:
                raise ValueError(f"node {shown(node.id)} depends on {shown(dangling[0])}, which is no node")
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            circle: list[str] = error.args[1]
            told = " -> ".join(cut(name) for name in (circle if len(circle) <= _TOLD else [*circle[:_TOLD], "..."]))
            raise ValueError(f"the nodes depend on each other in a circle: {told}") from error
        return self


class CertificateReference(Shape):
    """Where the conformance certificate of an artifact is, and its digest."""

    uri: str = Field(min_length=1, description="Where it is.")
    sha256: Sha256 = Field(description="SHA-256 of it, 64 hexadecimal digits.")
