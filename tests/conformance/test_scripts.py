"""A script shows the failure without the kit: it fails on what it was written for, and passes on what is right."""

import ast
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mutants import Mutant, load, reference
from oneiric_conformance import CHECKS, PROFILES, Package, RequirementSet, Session, Subject, read_configuration
from oneiric_conformance.handling.bench import Bench, Surroundings
from oneiric_conformance.handling.work import inputs
from oneiric_conformance.judging.instead import instead_of
from oneiric_conformance.judging.loop import SharedLoop
from oneiric_conformance.results import Card
from oneiric_conformance.runtime import Limits, RuntimeFactory
from oneiric_conformance.scripts.bundle import bundle
from oneiric_conformance.scripts.literals import literal
from oneiric_conformance.scripts.writing import SCENARIOS, script_of
from oneiric_core.testing import CoreRuntime

KIT = Path(__file__).resolve().parents[2] / "conformance"
MUTANTS = {name: mutant for name, mutant in sorted(load().items()) if mutant.check in SCENARIOS}
BRIEF = ["action.TakesOut", "kv.FoldsKeys", "lifecycle.CleanupOnce", "secret.ReadsOnce"]
BRIEF += ["signature.CountsIds", "wheel.was_changed", "workflow.RunsTwice"]
"""Those that the quick suite tries; the long one tries all."""

FIRST_RUN = "LIFE-002"
"""The check whose script shows what keeps all others from being tried."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def card_for(package: Package, check: str, runtime: RuntimeFactory | None = None) -> Card | None:
    """The first card of a check, for whichever component it is."""
    everything = RequirementSet("everything", frozenset(CHECKS), sha256="")
    made = runtime or CoreRuntime
    with Session(package, profile=PROFILES["quick"], requirements=everything, runtime_factory=made) as session:
        for planned in session.plan():
            if planned.check == check and planned.status is None:
                card = session.judge(planned).card
                if card:
                    return card
    return None


def script_for(package: Package, check: str, runtime: RuntimeFactory | None = None) -> str:
    card = card_for(package, check, runtime)
    if card and card.seen.startswith("prerequisite: "):
        return script_for(package, FIRST_RUN, runtime)
    return card.script if card else ""


def run(script: str, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = folder / "script.py"
    path.write_text(script, encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(path), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(KIT), "PYTHONWARNINGS": "default", **environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def of_the_reference(mutant: Mutant, script: str) -> str:
    """The same script for what the mutant was made from: the component, or the runtime that is used by default."""
    if mutant.is_runtime:
        made, times = re.subn(r"^    runtime=.*\n", "", script, flags=re.MULTILINE)
        assert times == 1
        return made
    right, (check, _) = reference.package(), title(script)
    told = script_of(Bench(surroundings(right), right_for(mutant, script, right), check), check, "", "")
    assert JUDGED.search(told)
    return JUDGED.sub(lambda _: JUDGED.search(told)[0], script, count=1)


JUDGED = re.compile(r"^(?:COMPONENT|WHEEL) = \w+\($.*?^\)$", re.MULTILINE | re.DOTALL)


def right_for(mutant: Mutant, script: str, right: Package) -> Subject | None:
    """The component that it differs from, by its class, else by its name, else by its domain; none for a package."""
    if CHECKS[mutant.check].judges == "package":
        return None
    above = mutant.make.__mro__[1:] if isinstance(mutant.make, type) else ()
    if derived := [kind for kind in above if kind in reference.COMPONENTS]:
        return reference.subject_of(derived[0])
    _, judged = title(script)
    named = [subject for subject in right.subjects if subject.id == judged]
    alike = [subject for subject in right.subjects if subject.domain == judged.partition("/")[0]]
    return (named or alike)[0]


def title(script: str) -> tuple[str, str]:
    """The check and the subject that a script is about, as its first line says."""
    check, _, judged = (ast.get_docstring(ast.parse(script)) or "").partition(":")[0].partition(" of ")
    return check, judged


def surroundings(package: Package) -> Surroundings:
    def smoke(subject: Subject) -> Any:
        raise AssertionError(f"nothing of {subject.id} is run to write a script")

    return Surroundings(package, PROFILES["quick"], Limits(), SharedLoop(), CoreRuntime, smoke)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in BRIEF else [pytest.mark.long]) for name in MUTANTS]
)
def test_it_fails_on_the_mutant_and_passes_on_what_that_was_made_from(name: str, tmp_path: Path) -> None:
    mutant = MUTANTS[name]
    package = mutant.package()
    script = script_for(package, mutant.check, mutant.runtime())
    assert script
    assert not {"oneiric_conformance", "pytest", "hypothesis"} & imported(script)
    failed = tried(script, tmp_path, package)
    assert (failed.returncode, "Traceback" in failed.stderr) == (1, False), failed.stderr
    assert re.search(r"^seen      \S.*\n(?s:.*)^expected  \S", failed.stderr, re.MULTILINE), failed.stderr
    passed = tried(of_the_reference(mutant, script), tmp_path, reference.package())
    assert (passed.returncode, passed.stderr) == (0, "")


@pytest.mark.long
@pytest.mark.parametrize("name", [subject.id for subject in reference.package().subjects])
def test_all_scripts_pass_on_what_is_right(name: str, tmp_path: Path) -> None:
    """Not only on what a mutant was made from: no script asks for what only some components have."""
    right = reference.package()
    subject = next(subject for subject in right.subjects if subject.id == name)
    tellings = {}
    for check in (CHECKS[name] for name in SCENARIOS):
        if check.judges == "component" and not check.not_applicable(subject):
            bench = Bench(surroundings(right), subject, check.id)
            inputs(bench)
            made = tried(script_of(bench, check.id, "", ""), tmp_path, right)
            tellings[check.id] = (made.returncode, made.stderr)
    assert len(tellings) > 20
    assert {check: told for check, told in tellings.items() if told != (0, "")} == {}


def tried(script: str, folder: Path, package: Package) -> subprocess.CompletedProcess[str]:
    """Where the package is installed, with its wheel named where the script is about one."""
    assert package.wheel is not None
    named = [str(package.wheel.path)] if CHECKS[title(script)[0]].needs_wheel else []
    return run(script, folder, *named, PYTHONPATH=f"{KIT}{os.pathsep}{package.wheel.path.parents[1]}")


@pytest.mark.parametrize("check", sorted({*CHECKS} - {*SCENARIOS}))
def test_a_rule_without_scripts_has_a_reason(check: str) -> None:
    assert instead_of(CHECKS[check]) != instead_of(CHECKS["KV-001"])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("meta.version_in_words", "stands in what the package declares"),
        ("meta.misspelt_factory", "outside of the check"),
        ("trust_roots.CutsKeys", "acts of a runtime"),
    ],
)
def test_a_card_without_a_script_says_what_to_run_instead(name: str, why: str) -> None:
    mutant = load()[name]
    card = card_for(mutant.package(), mutant.check, mutant.runtime())
    assert card
    assert (card.script, "run the replay line" in card.instead, why in card.instead) == ("", True, True)
    assert card.replay.startswith("pytest --oneiric-conformance ")


def test_a_card_with_a_script_says_nothing_of_that() -> None:
    card = card_for(load()["kv.FoldsKeys"].package(), "KV-001")
    assert card
    assert (bool(card.script), card.instead) == (True, "")


CREDULOUS = """
    from pydantic import BaseModel

    class Settings(BaseModel):
        base_path: str
        token: str

    class Store:
        def __init__(self, settings):
            assert settings.token == "s3cret", "it asks for its token"
        async def get(self, key):
            return None
        async def set(self, key, value):
            pass
        async def delete(self, key):
            pass
        async def clear(self):
            pass
"""


def store(author: Any, **changes: Any) -> Package:
    about = {"domain": "adapter", "metadata": {"capabilities": ["kv"]}}
    package: Package = author.package(CREDULOUS, "Store", **{**about, **changes})
    module = str(package.subjects[0].factory).partition(":")[0]
    return replace(package, subjects=(replace(package.subjects[0], settings_model=f"{module}:Settings"),))


CONFIGURED = """
[tool.oneiric.conformance.components."adapter/store/acme"]
settings = { base_path = "{sandbox}", token = "${ACME_TOKEN}" }
"""


def test_a_secret_from_the_environment_stays_there(
    author: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report and its page are shown around; the script asks for the variable where it is started."""
    monkeypatch.setenv("ACME_TOKEN", "s3cret")
    (tmp_path / "pyproject.toml").write_text(CONFIGURED, encoding="utf-8")
    script = script_for(read_configuration(tmp_path).applied_to(store(author)), "KV-001")
    assert "'${ACME_TOKEN}'" in script
    assert "s3cret" not in script
    failed = run(script, tmp_path, PYTHONPATH=f"{KIT}{os.pathsep}{author.folder}")
    assert (failed.returncode, failed.stderr) == (1, "seen      get('a') answered None\nexpected  'text'\n")


def test_a_settings_model_that_is_not_there_is_met_by_the_script_as_well(author: Any, tmp_path: Path) -> None:
    package = author.package(CREDULOUS, "Store", domain="adapter", settings_model="nowhere:Settings")
    script = script_for(package, FIRST_RUN)
    failed = run(script, tmp_path, PYTHONPATH=f"{KIT}{os.pathsep}{author.folder}")
    assert (failed.returncode, "nowhere" in failed.stderr) == (1, True)


def test_settings_that_nobody_wrote_down_are_not_shown(author: Any) -> None:
    assert not script_for(store(author, settings={"base_path": "{sandbox}", "token": "s3cret"}), "KV-001")


def test_what_a_component_says_cannot_end_the_docstring(author: Any, tmp_path: Path) -> None:
    hostile = CREDULOUS.replace("return None", 'return \'"""\\nimport os; os._exit(0)\\n\\\\\'')
    hostile = hostile.replace('assert settings.token == "s3cret", "it asks for its token"', "pass")
    package = author.package(hostile, "Store", domain="adapter", metadata={"capabilities": ["kv"]})
    script = script_for(package, "KV-001")
    assert imported(script) <= {"asyncio", "collections", "dataclasses", "inspect", "oneiric_core"} | STANDARD
    assert "import os" in (ast.get_docstring(ast.parse(script)) or "")


STANDARD = {"concurrent", "contextlib", "contextvars", "functools", "logging", "os", "pathlib", "re", "sys"}
STANDARD |= {"tempfile", "traceback", "typing"}


def test_a_factory_without_a_name_has_no_script() -> None:
    class Here:
        async def health(self) -> bool:
            return False

    subject = Subject("task", "here", "acme", Here)
    assert not script_for(Package("acme", "1.0", (subject,)), "LIFE-002")


@pytest.mark.parametrize(
    "value",
    [None, True, -1, 1.5, "a\n'\"\ud800", b"\0", [], (1,), {"a": [{}, ()]}, "long " * 20_000, bytes(range(256)) * 300],
    ids=lambda value: repr(value)[:20],
)
def test_a_literal_gives_the_value_again(value: object) -> None:
    written = literal(value)
    assert eval(written) == value  # noqa: S307 - which is what it is for
    assert len(written) < 2000


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}, [Path()], {"a": float("inf")}], ids=range(5))
def test_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="has no literal"):
        literal(value)


def test_names_of_two_modules_are_not_mixed() -> None:
    stores = [(f"oneiric_conformance.checks.{area}", "_told") for area in ("kv", "blob")]
    with pytest.raises(ValueError, match="Rename one"):
        bundle(*stores)


def imported(script: str) -> set[str]:
    found = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name for node in found]
    return {name.partition(".")[0] for name in names}


HALF_WAY = """
import asyncio

class Half:
    came = begun = False

    async def init(self):
        self.begun = True
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError as error:
            raise RuntimeError("interrupted") from error
        self.came = True

    async def cleanup(self):
        if self.begun and not self.came:
            raise RuntimeError("it never came up")

    async def health(self):
        return True

    async def run(self, payload):
        return {}
"""


def test_what_clean_up_raises_after_a_cancellation_is_told_in_words(author: Any, tmp_path: Path) -> None:
    """And what init() raised on its way is not: clean-up is what is asked for here."""
    script = script_for(author.package(HALF_WAY, "Half"), "LIFE-005")
    done = run(script, tmp_path, PYTHONPATH=os.pathsep.join((str(author.folder), str(KIT))))
    assert done.returncode == 1
    seen, expected = done.stderr.splitlines()
    assert seen.startswith("seen      init() cancelled at its ")
    assert "then cleaned up: RuntimeError: it never came up (at " in seen
    assert expected == "expected  an end without error"
