"""The six domains, and everything that differs between them, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

__all__ = ["DOMAINS", "Domain", "DomainSpec", "domain_of_group"]


class Domain(StrEnum):
    """What kind of thing a component is."""

    ADAPTER = "adapter"
    SERVICE = "service"
    TASK = "task"
    EVENT = "event"
    WORKFLOW = "workflow"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class DomainSpec:
    """One row: how one domain differs from the others.

    :param plural: the domain's section in ``oneiric.toml``.
    :param group: the entry point group in which packages announce such components.
    :param verb: the method that does the work; empty where the capabilities name the methods.
    :param after_init: the hook awaited between ``init`` and ``health``, if the component has it.
    :param before_cleanup: the hook awaited before clean-up, if ``after_init`` was run and the component has it.
    """

    domain: Domain
    plural: str
    group: str
    verb: str = ""
    after_init: str = ""
    before_cleanup: str = ""


def _row(domain: Domain, verb: str = "", after_init: str = "", before_cleanup: str = "") -> DomainSpec:
    plural = f"{domain.value}s"
    return DomainSpec(domain, plural, f"oneiric.{plural}", verb, after_init, before_cleanup)


DOMAINS: Mapping[Domain, DomainSpec] = MappingProxyType(
    {
        row.domain: row
        for row in (
            _row(Domain.ADAPTER),
            _row(Domain.SERVICE, verb="status", after_init="start", before_cleanup="stop"),
            _row(Domain.TASK, verb="run"),
            _row(Domain.EVENT, verb="handle"),
            _row(Domain.WORKFLOW, verb="execute"),
            _row(Domain.ACTION, verb="execute"),
        )
    }
)


def domain_of_group(group: str) -> Domain | None:
    """The domain announced by an entry point group, or None for a group that is not ours."""
    return next((spec.domain for spec in DOMAINS.values() if spec.group == group), None)
