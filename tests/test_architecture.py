"""The house rules, proven from the source: who imports whom, where each act has its home, how long a file gets."""

import ast
import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.slow  # and run by make lint

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    "oneiric_core": ROOT / "oneiric_core",
    "pytest_oneiric": ROOT / "pytest_oneiric",
    "oneiric_conformance": ROOT / "conformance" / "oneiric_conformance",
}
FLOORS = {
    "errors": 0,
    "clock": 0,
    "durability": 0,
    "durations": 0,
    "levels": 0,
    "secrecy": 0,
    "domains": 1,
    "components": 2,
    "resolver": 3,
    "manifest": 3,
    "trust": 4,
    "artifacts": 4,
    "discovery": 4,
    "lifecycle": 4,
    "remote": 5,
    "bridges": 5,
    "settings": 5,
    "runtime": 6,
    "publish": 6,
    "builtin": 6,
    "testing": 7,
    "cli": 8,
    "__init__": 9,
}
LONGEST = 350


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the three packages by dotted name; a package's ``__init__`` ends in ``.__init__``."""
    found = {}
    for package, folder in SOURCES.items():
        for path in sorted(folder.rglob("*.py")):
            dotted = ".".join((package, *path.relative_to(folder).with_suffix("").parts))
            found[dotted] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return found


def hides_from_run_time(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def walk(tree: ast.AST, *, typing_too: bool = True, lazy_too: bool = True) -> Iterator[ast.AST]:
    """All nodes below ``tree``, without those only a type checker sees or only a call runs, as asked."""
    for child in ast.iter_child_nodes(tree):
        if not typing_too and hides_from_run_time(child):
            continue
        if not lazy_too and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        yield child
        yield from walk(child, typing_too=typing_too, lazy_too=lazy_too)


def imports(name: str, *, typing_too: bool = True, lazy_too: bool = True) -> set[str]:
    """Dotted names a module imports; ``from a import b`` gives ``a.b`` where that is a module, else ``a``."""
    known = {*modules(), *(dotted.removesuffix(".__init__") for dotted in modules())}
    found = set()
    for node in walk(modules()[name], typing_too=typing_too, lazy_too=lazy_too):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively; write the whole name"
            base = node.module or ""
            found |= {f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base for alias in node.names}
    return found


def room(dotted: str) -> str:
    """``oneiric_core.trust.keys`` → ``trust``; the package itself → ``__init__``."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def calls(name: str, *texts: str) -> list[str]:
    """Places in a module that call one of the dotted texts, as ``module:line``."""
    return [
        f"{name}:{node.lineno}"
        for node in ast.walk(modules()[name])
        if isinstance(node, ast.Call) and ast.unparse(node.func) in texts
    ]


def mentions(name: str, *texts: str) -> list[str]:
    """Places in a module that name one of the dotted texts."""
    return [
        f"{name}:{node.lineno}"
        for node in ast.walk(modules()[name])
        if isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node) in texts
    ]


def outside(package: str, homes: tuple[str, ...], look: Callable[[str], list[str]]) -> list[str]:
    """What ``look`` finds in a package's modules that are not one of the homes (prefixes of dotted names)."""
    away = [name for name in modules() if name.startswith(f"{package}.") and not name.startswith(homes)]
    return [place for name in away for place in look(name)]


def test_every_room_has_a_floor() -> None:
    """A new top-level module or folder of the core must be given its floor here first."""
    rooms = {room(name) for name in modules() if name.startswith("oneiric_core.")}
    assert rooms <= set(FLOORS)


def test_imports_never_go_up() -> None:
    """A module of the core imports its own floor or lower, at import time, lazily and for types alike."""
    upward = [
        f"{name} (floor {FLOORS[room(name)]}) imports {target} (floor {FLOORS[room(target)]})"
        for name in modules()
        if name.startswith("oneiric_core.")
        for target in imports(name)
        if target.split(".")[0] == "oneiric_core" and FLOORS[room(target)] > FLOORS[room(name)]
    ]
    assert not upward


def test_no_cycles_even_through_lazy_imports() -> None:
    graph = {}
    for name in modules():
        targets = {
            f"{target}.__init__" if f"{target}.__init__" in modules() else target
            for target in imports(name, typing_too=False)
        }
        graph[name] = {target for target in targets if target in modules() and target != name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_the_core_knows_neither_plugin_nor_kit() -> None:
    strangers = {
        (name, target)
        for name in modules()
        if name.startswith("oneiric_core.")
        for target in imports(name)
        if target.split(".")[0] in {"pytest_oneiric", "oneiric_conformance", "pytest", "hypothesis"}
    }
    assert not strangers


def test_the_kit_sees_the_core_only_through_its_public_faces() -> None:
    """The public package and ``oneiric_core.testing``: that is all an outside implementation has as well.

    Its verbs look like all others, and so are made of what ``oneiric_core.cli`` has for those that packages add.
    """
    through_walls = {
        (name, target)
        for name in modules()
        if name.startswith("oneiric_conformance.")
        for target in imports(name)
        if target.startswith("oneiric_core.") and target != "oneiric_core.testing"
        if not (name.startswith("oneiric_conformance.commands.") and target.startswith("oneiric_core.cli."))
    }
    assert not through_walls


def test_the_kit_imports_no_pytest() -> None:
    assert not [
        (name, target)
        for name in modules()
        if name.startswith("oneiric_conformance.")
        for target in imports(name)
        if target.split(".")[0] in {"pytest", "_pytest", "pytest_oneiric"}
    ]


def test_the_plugin_imports_kit_and_core_only_when_asked() -> None:
    """Whatever pytest loads at start-up must cost nothing in a run that does not use us."""
    eager = {
        (name, target)
        for name in ("pytest_oneiric.__init__", "pytest_oneiric.plugin", "pytest_oneiric.options")
        for target in imports(name, typing_too=False, lazy_too=False)
        if target.split(".")[0] in {"oneiric_core", "oneiric_conformance", "asyncio", "hypothesis", "pydantic"}
    }
    assert not eager


def test_what_is_imported_is_declared() -> None:
    """Not only brought along by something else, which may stop doing so."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {canonicalize_name(Requirement(text).name) for group in groups for text in group}
    roots = {target.split(".")[0] for name in modules() for target in imports(name)}
    installed = packages_distributions()
    brought = {root: {*map(canonicalize_name, installed.get(root, ()))} for root in roots}
    assert not {root for root in roots - {*SOURCES, *sys.stdlib_module_names} if not brought[root] & declared}


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    folders = (*SOURCES.values(), ROOT / "conformance", ROOT / "tests")
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for folder in folders for path in folder.rglob("*.py")
    }
    assert not {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > LONGEST}


def test_time_is_read_only_by_the_clock() -> None:
    reads = (
        "time.time",
        "time.monotonic",
        "time.perf_counter",
        "time.sleep",
        "time.time_ns",
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
    )
    assert not outside("oneiric_core", ("oneiric_core.clock",), lambda name: calls(name, *reads))


def test_nothing_sleeps_but_the_clock() -> None:
    """``asyncio.sleep(0)`` gives way and waits for nothing; it is allowed."""

    def sleeps(name: str) -> list[str]:
        return [
            f"{name}:{node.lineno}"
            for node in ast.walk(modules()[name])
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) == "asyncio.sleep"
            and ast.unparse(node.args[0]) != "0"
        ]

    assert not outside("oneiric_core", ("oneiric_core.clock",), sleeps)


def test_dynamic_import_has_one_home() -> None:
    """``__init__`` modules may look up their own lazily exported names, from a table of literals.

    The namespace of a wheel is not a second home: it stands behind the import statements of the wheel's own code.
    """
    homes = (
        "oneiric_core.discovery.importing",
        "oneiric_core.__init__",
        "oneiric_core.testing.__init__",
        "oneiric_core.artifacts.namespace",
    )
    loads = ("importlib.import_module", "import_module", "__import__", "builtins.__import__", "exec", "eval")
    assert not outside("oneiric_core", homes, lambda name: calls(name, *loads))


def test_the_environment_is_read_only_by_the_command_line() -> None:
    """And by the adapter that is there to hand out secrets from it."""
    reads = ("os.environ", "os.getenv", "environ", "getenv")
    homes = ("oneiric_core.cli.", "oneiric_core.builtin.adapters.secrets_env")
    assert not outside("oneiric_core", homes, lambda name: mentions(name, *reads))


@pytest.mark.parametrize("package", sorted(SOURCES))
def test_only_the_renderer_prints(package: str) -> None:
    homes = ("oneiric_core.cli.render",)
    assert not outside(package, homes, lambda name: calls(name, "print", "sys.stdout.write", "sys.stderr.write"))


def test_the_six_domain_names_are_written_once() -> None:
    names = {"adapter", "service", "task", "event", "workflow", "action"}

    def literals(name: str) -> list[str]:
        return [
            f"{name}:{node.lineno} {node.value!r}"
            for node in ast.walk(modules()[name])
            if isinstance(node, ast.Constant) and node.value in names | {f"{word}s" for word in names}
        ]

    assert not outside("oneiric_core", ("oneiric_core.domains",), literals)


def test_no_task_without_an_owner() -> None:
    """Structured concurrency: a task belongs to a task group, to the slot or loop owner named here, or to a service,
    which ends it in ``stop``.
    """
    homes = ("oneiric_core.lifecycle.", "oneiric_core.runtime.orchestrator", "oneiric_core.builtin.services.")
    starts = ("asyncio.create_task", "asyncio.ensure_future", "loop.create_task")
    assert not outside("oneiric_core", homes, lambda name: calls(name, *starts))


def test_sockets_have_their_homes() -> None:
    homes = ("oneiric_core.remote.http", "oneiric_core.builtin.", "oneiric_core.testing.")
    wires = {"socket", "ssl", "httpx", "httpcore", "anyio", "urllib.request", "http.client"}
    assert not outside("oneiric_core", homes, lambda name: sorted(imports(name) & wires))


def test_files_are_published_only_by_those_who_own_a_directory() -> None:
    """Renaming into place is what publishing a file means; each directory has one owner."""
    homes = (
        "oneiric_core.artifacts.layout",
        "oneiric_core.remote.state_store",
        "oneiric_core.publish.",
        "oneiric_core.builtin.adapters.storage_local",
    )
    moves = ("os.rename", "os.replace", "shutil.move")
    assert not outside("oneiric_core", homes, lambda name: calls(name, *moves))


def test_only_tests_do_without_the_disk() -> None:
    """What is to outlive a power cut goes through one door, which nothing that serves may leave open."""
    homes = ("oneiric_core.durability", "oneiric_core.builtin.adapters.storage_local")
    assert not outside("oneiric_core", homes, lambda name: mentions(name, "os.fsync", "os.fdatasync"))
    doors = ("oneiric_core.durability", "oneiric_core.testing.")
    assert not outside("oneiric_core", doors, lambda name: mentions(name, "without_fsync"))


def test_composite_strategies_live_together() -> None:
    homes = ("oneiric_conformance.strategies.",)
    assert not outside("oneiric_conformance", homes, lambda name: mentions(name, "composite", "st.composite"))


def own_files() -> Iterator[Path]:
    """Every file of the repository that somebody wrote."""
    made = {"build", "dist", "_build", "__pycache__", "mutants.out"}
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name not in made and (name in {".ci", ".github"} or name[0] != ".")]
        yield from (Path(folder, name) for name in names)


def test_the_project_stands_alone() -> None:
    """Nothing points outside the repository."""
    pointing = [
        str(path.relative_to(ROOT))
        for path in own_files()
        if path != Path(__file__) and b"../shared" in path.read_bytes()
    ]
    assert not pointing
