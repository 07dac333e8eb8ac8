"""What the documentation says three clients make of each fault is what they make of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oneiric_core.testing import ArtifactServer, Broken, WireFault

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "artifact-server.md"
CLIENTS = ["by_httpx", "by_urllib", pytest.param("by_curl", marks=pytest.mark.long)]  # a process for each fault
COLUMNS = {"by_httpx": 1, "by_urllib": 2, "by_curl": 3}
NEVER = {"ReadTimeout", "TimeoutError", "time limit"}


def rows() -> dict[str, list[str]]:
    """The table of faults: what the server does, and what each client makes of it."""
    lines = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `") and "(" not in line[:20]
    ]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {name.strip("`"): rest for name, *rest in cells}


ROWS = rows()


@pytest.fixture(scope="module")
def server() -> Iterator[ArtifactServer]:
    with ArtifactServer() as server:
        yield server


def test_the_table_has_each_fault_with_its_description() -> None:
    assert {name: cells[0] for name, cells in ROWS.items()} == {kind.name: kind.value for kind in WireFault}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", ROWS)
def test_a_client_sees_what_is_promised(server: ArtifactServer, clients, name: str, client: str) -> None:
    promised = ROWS[name][COLUMNS[client]]
    url = server.on(f"/{client}/{name}", Broken(WireFault[name], b"0123456789"))
    endless = name == "ENDLESS"
    patience = 0.3 if promised in NEVER else 2.0 if endless and client == "by_curl" else 30.0
    more = {"limited": True} if endless and client == "by_urllib" else {}
    assert getattr(clients, client)(url, patience, **more) == promised
