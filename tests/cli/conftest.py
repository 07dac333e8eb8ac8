"""Installed packages for tests of the command line: a directory on the path with a dist-info, as pip leaves it."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, on_path: Callable[[Path], None]) -> Install:
    """``install(name, code, **groups)``: a distribution with one module and entry points, ``__`` standing for a dot."""
    on_path(tmp_path)

    def put(name: str, code: str, **groups: str) -> None:
        (tmp_path / f"{name}.py").write_text(dedent(code), encoding="utf-8")
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        lines = [f"[{group.replace('__', '.')}]\n{points}\n" for group, points in groups.items()]
        (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")

    return put
