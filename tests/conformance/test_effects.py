"""Who answers with what it was given, and has stored or sent it, has done something."""

import socket
from dataclasses import replace
from typing import Any

import pytest

from oneiric_conformance import PROFILES, Status
from oneiric_conformance.judging.session import Session

pytestmark = pytest.mark.slow

INGESTS = """
    import json
    import socket
    from pathlib import Path

    class Says:
        def __init__(self, settings):
            self.settings = dict(settings)
            self.kept = []

        async def run(self, payload):
            self.take(payload)
            return {"ok": True, "stored": payload}

        execute = run

        def take(self, payload):
            self.kept.append(payload)

    class Writes(Says):
        def take(self, payload):
            Path(self.settings["root"], f"{len(self.kept)}.json").write_text(json.dumps(payload))
            super().take(payload)

    class Sends(Says):
        def take(self, payload):
            with socket.create_connection((self.settings["host"], self.settings["port"])) as connection:
                connection.sendall(json.dumps(payload).encode())
"""
RULES = {"task": "TASK-001", "action": "ACT-004", "workflow": "WF-002"}


def behaviours(package: Any, domain: str) -> int:
    with Session(package, profile=PROFILES["quick"]) as session:
        (planned,) = (item for item in session.plan() if item.check == RULES[domain])
        result = session.judge(planned)
    assert result.status is Status.PASS, result.reason
    return result.behaviours


@pytest.mark.parametrize("domain", RULES)
@pytest.mark.parametrize(("name", "seen"), [("Says", 0), ("Writes", 1)])
def test_what_is_written_counts_though_the_answer_says_nothing(author: Any, domain: str, name: str, seen: int) -> None:
    package = author.package(INGESTS, name, domain=domain, settings={"root": "{sandbox}"})
    assert behaviours(package, domain) == seen


def test_what_is_sent_counts_as_well(author: Any) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        host, port = server.getsockname()
        package = author.package(INGESTS, "Sends", settings={"host": host, "port": port})
        (subject,) = package.subjects
        known = replace(package, subjects=(replace(subject, external=(f"tcp://{host}:{port}",)),))
        assert behaviours(known, "task") == 1
