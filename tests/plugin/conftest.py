"""A stranger's repository, installed as far as ``importlib.metadata`` can tell, and pytest run in it by its author."""

import json
import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import pytest

collect_ignore = ["downstream"]  # a project of its own, run by test_downstream

GOOD = '''
"""Titles made fit for a path."""
from types import SimpleNamespace

class Slug:
    def __init__(self):
        self._open = False
    async def init(self):
        self._open = True
    async def health(self):
        return self._open
    async def cleanup(self):
        self._open = False
    async def execute(self, payload):
        if not isinstance(payload, dict) or not isinstance(payload.get("text"), str):
            raise ValueError("payload needs a text")
        return {"slug": "-".join(payload["text"].lower().split()), "length": len(payload["text"])}

declared = SimpleNamespace(
    domain="action",
    key="slug",
    provider="third",
    factory="third:Slug",
    capabilities=[{"name": "slug", "payload_schema": {
        "type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}}],
    side_effect_free=True,
    version="1.0",
)

def slug():
    return declared
'''

FORGETFUL = """
from types import SimpleNamespace

class Forgetful:
    async def execute(self, payload):
        return {"n": len(payload)}
    async def health(self):
        return "fine, thank you"

declared = SimpleNamespace(
    domain="action", key="forgetful", provider="third", factory="forgetful:Forgetful", version="1.0"
)
"""


@dataclass
class Author:
    """The repository, and ways to run pytest in it."""

    root: Path
    entry_points: dict[str, dict[str, str]] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def declare(self, group: str, name: str, value: str) -> None:
        """Add an entry point to both ``pyproject.toml`` and the installed metadata."""
        self.entry_points.setdefault(group, {})[name] = value
        self.publish()
        self.install()

    def publish(self, tail: str = "") -> None:
        lines = ["[project]", 'name = "third-party"', 'version = "1.0"']
        for group, points in self.entry_points.items():
            lines.append(f'[project.entry-points."{group}"]')
            lines += [f'{name} = "{value}"' for name, value in points.items()]
        self.write("pyproject.toml", "\n".join([*lines, dedent(tail), ""]))

    def install(self) -> None:
        info = self.root / "src" / "third_party-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n", encoding="utf-8")
        (info / "top_level.txt").write_text("third\n", encoding="utf-8")
        (info / "RECORD").write_text("third.py,,\n", encoding="utf-8")
        lines: list[str] = []
        for group, points in self.entry_points.items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
        (info / "entry_points.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")

    def pytest(
        self,
        *args: str,
        cwd: Path | None = None,
        plugins: tuple[str, ...] = (),
        env: Mapping[str, str] = {},
        autoload: bool = False,
        fresh: bool = False,
        seconds: float = 120,
    ) -> "Run":
        """Run pytest in a process of its own, with no plugin but ours and those named, or with all there are.

        :param fresh: in a new interpreter; else in a fork of one that has imported what every run does, which is the
            same a second and a half sooner.
        :param seconds: after which it is given up.
        """
        loaded = [] if autoload else [word for name in ("pytest_oneiric.plugin", *plugins) for word in ("-p", name)]
        surroundings = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "CI"))
        }
        surroundings |= {"PYTHONPATH": str(self.root / "src"), "COLUMNS": "120"}
        if not autoload:
            surroundings["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        start = _fresh if fresh or autoload else _forked
        return start([*loaded, *args], cwd or self.root, {**surroundings, **env}, seconds)


@dataclass(frozen=True)
class Run:
    """What a run of pytest came to."""

    code: int
    out: str
    err: str

    @property
    def ids(self) -> list[str]:
        """The ids that ``--collect-only -q`` printed."""
        return [line for line in self.out.splitlines() if "::" in line and " " not in line]


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "pytest",
        "hypothesis",
        "oneiric_core.testing.core_runtime",
        "oneiric_core.runtime",
        "oneiric_conformance.checks",
        "oneiric_conformance.config",
        "oneiric_conformance.finding.packages",
        "oneiric_conformance.judging.session",
        "oneiric_conformance.levels",
    ]
)


def _fresh(args: list[str], cwd: Path, env: dict[str, str], seconds: float) -> Run:
    command = [sys.executable, "-m", "pytest", *args]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, check=False)
    return Run(done.returncode, done.stdout, done.stderr)


def _forked(args: list[str], cwd: Path, env: dict[str, str], seconds: float) -> Run:
    with TemporaryDirectory() as kept:
        out, err = Path(kept, "out"), Path(kept, "err")
        path = [str(cwd), *env.get("PYTHONPATH", "").split(os.pathsep), *_path_of_an_interpreter()]
        asked = {"args": args, "cwd": str(cwd), "env": env, "path": path, "out": str(out), "err": str(err)}
        script, given = str(Path(__file__).with_name("forked.py")), {"init_globals": {"REQUEST": asked}}
        process = _FORKS.Process(target=runpy.run_path, args=(script,), kwargs={**given, "run_name": "__main__"})
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"pytest {args} did not end within {seconds:g} s: {out.read_text()[-2000:]}")
        return Run(process.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


@cache
def _path_of_an_interpreter() -> list[str]:
    program = "import json, sys; print(json.dumps(sys.path))"
    told: list[str] = json.loads(subprocess.check_output([sys.executable, "-P", "-c", program], text=True))
    return told


def with_own_test(author: Author) -> Author:
    """One correct component and one passing test of the author's own."""
    author.write("src/third.py", GOOD)
    author.declare("oneiric.actions", "slug", "third:slug")
    author.write("tests/test_own.py", "def test_own():\n    assert True\n")
    return author


def with_a_component(author: Author, name: str, source: str) -> Author:
    """A further action made of the given source, under a name of its own."""
    author.write(f"src/{name}.py", source)
    author.declare("oneiric.actions", name, f"{name}:declared")
    return author


@pytest.fixture
def bare(tmp_path: Path) -> Author:
    """A repository without anything in it."""
    return Author(tmp_path)


@pytest.fixture
def author(bare: Author) -> Author:
    """A repository with one correct component and one passing test."""
    return with_own_test(bare)


@pytest.fixture
def with_component(author: Author) -> Callable[[str, str], Author]:
    """Adds a component to the author's repository."""
    return lambda name, source: with_a_component(author, name, source)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Author:
    """A repository with a second component, whose health is not True."""
    author = with_own_test(Author(tmp_path_factory.mktemp("failing")))
    return with_a_component(author, "forgetful", FORGETFUL)


@dataclass(frozen=True)
class Judged(Run):
    """A run, and the files that were not there before."""

    left: list[str]


@pytest.fixture(scope="module")
def judged(failing: Author) -> Judged:
    """One whole run over it in an interpreter of its own, which has been asked for ``report.json``."""
    asked = ("--oneiric-profile", "quick", "--oneiric-report", "report.json", "-p", "no:cacheprovider")
    before = set(failing.root.rglob("*"))
    done = failing.pytest("--oneiric-conformance", *asked, env={"PYTHONDONTWRITEBYTECODE": "1"}, fresh=True)
    left = set(failing.root.rglob("*")) - before
    return Judged(done.code, done.out, done.err, sorted(str(path.relative_to(failing.root)) for path in left))


@pytest.fixture(scope="session")
def together(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, str]], Run]:
    """Runs pytest once over many files, by their names, with our plugin alone and warnings as errors."""

    def run(files: Mapping[str, str]) -> Run:
        folder = tmp_path_factory.mktemp("together")
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "pytest_oneiric.plugin", "-rfEp", "-W", "error", "--strict-markers"],
            cwd=folder,
            env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "240", "PYTEST_ADDOPTS": ""},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    return run
