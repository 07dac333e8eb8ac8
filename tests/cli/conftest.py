"""What the command line meets: installed packages, as pip leaves them, and somebody at a terminal."""

import contextlib
import os
import pty
import sys
from collections.abc import Callable, Sequence
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


@pytest.fixture
def at_a_terminal() -> Callable[[Sequence[str]], bytes]:
    """What somebody sees who types the arguments at a terminal, where the command succeeds."""

    def typed(arguments: Sequence[str]) -> bytes:
        child, terminal = pty.fork()
        if child == 0:
            code = "import sys; from oneiric_core.cli.main import main; sys.exit(main())"
            environ = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
            os.execve(sys.executable, [sys.executable, "-c", code, *arguments], environ)  # noqa: S606
        shown = b""
        with contextlib.suppress(OSError):  # how Linux says that nobody is at the other end any more
            while chunk := os.read(terminal, 4096):
                shown += chunk
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        os.close(terminal)
        return shown

    return typed
