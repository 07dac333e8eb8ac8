"""The threat model names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "threat-model.md"
ROWS = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
THREATS = [row for row in ROWS if not row.startswith("| threat")]


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_each_threat_has_a_defence_and_a_test_that_exists(row: str) -> None:
    _, threat, defence, test, _ = row.split("|")
    assert threat.strip()
    assert defence.strip()
    file, name = re.fullmatch(r" `(tests/[\w/]+\.py)::(test_\w+)` ", test).groups()  # type: ignore[union-attr]  # or fails
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in functions


def test_the_table_is_there() -> None:
    assert len(THREATS) > 35
    assert all(row.count("|") == 4 for row in THREATS)
