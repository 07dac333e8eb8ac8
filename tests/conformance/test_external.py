"""A component that needs a service is judged only where that service is."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oneiric_conformance import Package, RequirementSet, Session
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.isolation.external import unreachable

TEST_SET = RequirementSet("test", frozenset({"TST-001"}), "0" * 64)


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_what_listens_is_reachable_by_port_and_by_path(port: int, tmp_path: Path) -> None:
    assert unreachable(f"tcp://127.0.0.1:{port}") == ""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert unreachable(f"unix://{path}") == ""
    path.unlink()
    assert "nothing answers" in unreachable(f"unix://{path}")


def test_what_does_not_listen_is_named_without_its_password() -> None:
    told = unreachable("redis://me:hunter2@127.0.0.1:1/0")
    assert told.startswith("nothing answers at redis://127.0.0.1:1/0 (")
    assert "hunter2" not in told


def test_without_its_service_a_component_fails_and_is_not_tried(
    echo: Package, registered: Callable[..., Any], port: int
) -> None:
    tried: list[str] = []

    def trying(bench: Bench) -> None:
        with bench.control("it is there"):
            tried.append(bench.subject.id)
        bench.exercised()

    registered("TST-001", trying)
    found = {}
    for name, address in (("there", f"tcp://127.0.0.1:{port}"), ("gone", "tcp://127.0.0.1:1")):
        subjects = tuple(replace(subject, external=(address,)) for subject in echo.subjects)
        with Session(replace(echo, subjects=subjects), requirements=TEST_SET) as session:
            [planned] = [item for item in session.plan() if item.check == "TST-001"]
            found[name] = session.judge(planned)
    assert found["there"].status.value == "pass"
    assert found["gone"].status.value == "fail"
    assert found["gone"].reason.startswith("prerequisite: nothing answers at tcp://127.0.0.1:1")
    assert len(tried) == 1
