"""Six domains, and one row each."""

import pytest

from oneiric_core.domains import DOMAINS, Domain, domain_of_group


def test_every_domain_has_its_row() -> None:
    assert list(DOMAINS) == list(Domain)
    assert all(spec.domain is domain for domain, spec in DOMAINS.items())


def test_the_rows_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        DOMAINS[Domain.TASK] = DOMAINS[Domain.EVENT]  # type: ignore[index]  # that is the point


@pytest.mark.parametrize(
    ("domain", "group", "verb"),
    [
        ("adapter", "oneiric.adapters", ""),
        ("service", "oneiric.services", "status"),
        ("task", "oneiric.tasks", "run"),
        ("event", "oneiric.events", "handle"),
        ("workflow", "oneiric.workflows", "execute"),
        ("action", "oneiric.actions", "execute"),
    ],
)
def test_groups_and_verbs_are_those_of_the_ecosystem(domain: str, group: str, verb: str) -> None:
    spec = DOMAINS[Domain(domain)]
    assert (spec.group, spec.verb, spec.plural) == (group, verb, group.removeprefix("oneiric."))
    assert domain_of_group(group) == domain


def test_only_services_are_started_and_stopped() -> None:
    assert {
        spec.domain: (spec.after_init, spec.before_cleanup)
        for spec in DOMAINS.values()
        if spec.after_init or spec.before_cleanup
    } == {Domain.SERVICE: ("start", "stop")}


def test_another_group_is_not_ours() -> None:
    assert domain_of_group("oneiric.commands") is None
