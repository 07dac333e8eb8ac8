from importlib.metadata import EntryPoint, entry_points, version

import pytest

from oneiric_core import DOMAINS


def announced() -> list[EntryPoint]:
    return [
        point
        for spec in DOMAINS.values()
        for point in entry_points(group=spec.group)
        if point.dist is not None and point.dist.name == "acme-oneiric"
    ]


def test_there_is_a_component_in_each_domain() -> None:
    assert {point.load().domain_ for point in announced()} == set(DOMAINS)


@pytest.mark.parametrize("point", announced(), ids=lambda point: point.name)
def test_an_entry_point_announces_what_its_class_declares(point: EntryPoint) -> None:
    metadata = point.load()
    candidate = metadata.to_candidate()
    assert DOMAINS[metadata.domain_].group == point.group
    assert candidate.key == point.name
    assert candidate.factory == point.value.removesuffix(".metadata")
    assert candidate.metadata["version"] == version("acme-oneiric")
