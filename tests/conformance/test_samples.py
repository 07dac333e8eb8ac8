"""The payloads that a component is tried with, and of which it keeps nothing."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from oneiric_conformance import Package, Subject
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.payloads import NASTY
from oneiric_conformance.handling.work import samples

ONLY_N = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


def among(bench: Bench, subject: Subject, **changes: Any) -> Bench:
    """Another component of the same session."""
    return bench.of(replace(subject, **changes))


def test_what_declares_no_payload_is_given_the_same_as_all_such(bench_of: Callable[..., Bench], echo: Package) -> None:
    (subject,) = echo.subjects
    bench = bench_of(echo)
    first, second = samples(among(bench, subject, key="one")), samples(among(bench, subject, key="two"))
    assert first == second == samples(bench_of(echo))
    assert len(first) > len(NASTY)


def test_what_one_component_does_to_its_payloads_no_other_sees(bench_of: Callable[..., Bench], echo: Package) -> None:
    (subject,) = echo.subjects
    bench = bench_of(echo)
    before = copy.deepcopy(samples(among(bench, subject, key="one")))
    for payload in samples(among(bench, subject, key="one")):
        payload["left"] = "behind"
    assert samples(among(bench, subject, key="one")) == samples(among(bench, subject, key="two")) == before


def test_what_declares_one_is_given_its_own(bench_of: Callable[..., Bench], echo: Package) -> None:
    (subject,) = echo.subjects
    bench = bench_of(echo)
    samples(among(bench, subject, key="one"))
    own = samples(among(bench, subject, key="two", metadata={"payload_schema": ONLY_N}))
    assert own
    assert all(payload.keys() == {"n"} for payload in own)
