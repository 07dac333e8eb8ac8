"""Distributions that are really there: metadata and modules on the path."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, on_path: Callable[[Path], None]) -> Install:
    """``install(name, version, {group: {entry point: value}}, {module: source})``."""
    on_path(tmp_path)

    def install(
        name: str,
        version: str = "1.0",
        entry_points: Mapping[str, Mapping[str, str]] | None = None,
        modules: Mapping[str, str] | None = None,
    ) -> None:
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = []
        for group, points in (entry_points or {}).items():
            lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items())]
        info.joinpath("entry_points.txt").write_text("\n".join(lines))
        for module, source in (modules or {}).items():
            path = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        importlib.invalidate_caches()

    return install
