"""Declarations, and the candidates they become."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from oneiric_core.components import (
    ActionMetadata,
    AdapterMetadata,
    Candidate,
    CandidateSource,
    ComponentMetadata,
    EventMetadata,
    ServiceMetadata,
    SupportsCleanup,
    SupportsHealth,
    SupportsInit,
    TaskMetadata,
    WorkflowMetadata,
)


class Settings(BaseModel):
    size: int = 1


ALL: list[tuple[type[ComponentMetadata], str, dict[str, Any]]] = [
    (AdapterMetadata, "adapter", {"category": "name"}),
    (ServiceMetadata, "service", {"key": "name"}),
    (TaskMetadata, "task", {"key": "name"}),
    (EventMetadata, "event", {"key": "name", "topics": ["t"], "filters": [{"path": "a", "exists": True}]}),
    (WorkflowMetadata, "workflow", {"key": "name", "dag": {"nodes": [{"id": "a", "task": "t"}]}}),
    (ActionMetadata, "action", {"key": "name", "side_effect_free": True, "domains": ["task"]}),
]


@pytest.mark.parametrize(("kind", "domain", "own"), ALL)
def test_a_declaration_becomes_a_candidate_of_its_domain(
    kind: type[ComponentMetadata], domain: str, own: dict[str, Any]
) -> None:
    candidate = kind(provider="acme", factory="acme:X", priority=3, stack_level=2, **own).to_candidate()
    assert candidate.name == f"{domain}/name/acme"
    assert (candidate.factory, candidate.priority, candidate.stack_level) == ("acme:X", 3, 2)
    assert candidate.source is CandidateSource.LOCAL_PKG
    for name in set(own) - {"key", "category"}:
        assert candidate.metadata[name] == own[name]


@pytest.mark.parametrize(("kind", "domain", "own"), ALL)
def test_unknown_and_missing_fields_are_refused(
    kind: type[ComponentMetadata], domain: str, own: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        kind(provider="acme", factory="acme:X", provder="typo", **own)
    with pytest.raises(ValidationError):
        kind(provider="acme", factory="acme:X")


def test_empty_fields_are_left_out_and_extras_arrive() -> None:
    declared = TaskMetadata(key="t", provider="acme", factory="acme:X", extras={"colour": "red"})
    metadata = declared.to_candidate().metadata
    assert metadata["colour"] == "red"
    assert "description" not in metadata
    assert "capabilities" not in metadata


def test_a_settings_model_arrives_as_its_path() -> None:
    for model in (Settings, f"{__name__}:Settings"):
        declared = TaskMetadata(key="t", provider="acme", factory="acme:X", settings_model=model)
        assert declared.to_candidate().metadata["settings_model"] == f"{__name__}:Settings"


def test_capabilities_are_claimed_by_name_or_descriptor() -> None:
    declared = AdapterMetadata(
        category="c", provider="p", factory="a:b", capabilities=["kv", {"name": "ttl", "payload_schema": {}}]
    )
    candidate = declared.to_candidate()
    assert candidate.capabilities == {"kv", "ttl"}
    assert candidate.metadata["capability_descriptors"] == [{"name": "ttl", "payload_schema": {}}]


@pytest.mark.parametrize(
    ("metadata", "claimed"),
    [
        ({}, set()),
        ({"capabilities": "kv"}, {"kv"}),
        ({"capabilities": None}, set()),
        ({"capabilities": ["kv", {"name": "ttl"}, {}]}, {"kv", "ttl"}),
        ({"capability_descriptors": [{"name": "blob"}]}, {"blob"}),
        ({"capabilities": 5, "capability_descriptors": [{"name": "blob"}]}, {"blob"}),
        ({"capabilities": ["kv"], "capability_descriptors": True}, {"kv"}),
    ],
)
def test_a_candidates_capabilities(metadata: dict[str, Any], claimed: set[str]) -> None:
    assert Candidate("adapter", "c", "p", "a:b", metadata).capabilities == claimed


def test_a_candidate_is_frozen_and_equal_by_content() -> None:
    source = {"version": "1"}
    candidate = Candidate("adapter", "c", "p", "a:b", source)
    source["version"] = "2"
    assert candidate.metadata["version"] == "1"
    assert candidate == Candidate("adapter", "c", "p", "a:b", {"version": "1"})
    assert candidate != Candidate("adapter", "c", "p", "a:b", {"version": "2"})
    with pytest.raises(FrozenInstanceError):
        candidate.key = "d"  # type: ignore[misc]  # that is the point
    with pytest.raises(TypeError):
        candidate.metadata["version"] = "3"  # type: ignore[index]  # that is the point


def test_remote_is_the_old_name_of_remote_manifest() -> None:
    assert CandidateSource("remote") is CandidateSource.REMOTE_MANIFEST
    with pytest.raises(ValueError, match="elsewhere"):
        CandidateSource("elsewhere")


def test_hooks_are_recognised_by_shape() -> None:
    class Whole:
        def init(self) -> None: ...
        def health(self) -> bool:
            return True

        def cleanup(self) -> None: ...

    for protocol in (SupportsInit, SupportsHealth, SupportsCleanup):
        assert isinstance(Whole(), protocol)
        assert not isinstance(object(), protocol)
