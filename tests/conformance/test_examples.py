"""Generated examples: the same ones everywhere, small when they fail, and nothing left on the disk."""

import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import configuration, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from hypothesis.internal.conjecture import providers
from hypothesis.stateful import RuleBasedStateMachine, rule

from oneiric_conformance import PROFILES, Finding, profile_named
from oneiric_conformance.handling.examples import by_itself, for_all, run_machine
from oneiric_core import ConformanceError

pytestmark = pytest.mark.slow

QUICK = PROFILES["quick"]
SIXTY = replace(QUICK, examples=60)
VALUES = st.tuples(st.integers(), st.floats(allow_nan=False), st.text(alphabet="abc"), st.binary(max_size=3))


def drawn(name: str = "a property", profile: Any = SIXTY) -> list[Any]:
    seen: list[Any] = []
    with by_itself():
        for_all(VALUES, seen.append, profile=profile, name=name)
    return seen


def test_the_same_examples_every_time() -> None:
    """Rule 4."""
    random.seed()
    assert drawn() == drawn()


def test_another_name_or_seed_gives_other_examples() -> None:
    assert drawn() != drawn("another property")
    assert drawn() != drawn(profile=replace(SIXTY, seed=7))


PROGRAM = """
import sys
sys.path[:0] = {paths!r}
{before}
from hypothesis import strategies as st
from oneiric_conformance import PROFILES
from oneiric_conformance.handling.examples import by_itself, for_all
seen = []
with by_itself():
    for_all(st.lists(st.integers() | st.text() | st.floats()), seen.append, profile=PROFILES["deep"], name="x")
sys.stdout.write(ascii(seen))
"""


def run_program(folder: Path, before: str = "") -> str:
    program = PROGRAM.format(paths=sys.path, before=before)
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_examples_do_not_depend_on_what_else_was_imported(tmp_path: Path) -> None:
    """Hypothesis collects constants from the project's loaded modules; a gate must not depend on them."""
    constants = "\n".join(f"C{n} = {9_000_000 + n}, 'constant number {n}', {n}.625" for n in range(200))
    (tmp_path / "local_module.py").write_text(constants, encoding="utf-8")
    bare, laden = tmp_path / "bare", tmp_path / "laden"
    bare.mkdir()
    laden.mkdir()
    before = f"sys.path.insert(0, {str(tmp_path)!r}); import local_module"
    assert run_program(bare) == run_program(laden, before)


def test_nothing_is_written_where_the_run_is(tmp_path: Path) -> None:
    run_program(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_hosts_hypothesis_is_as_before(tmp_path: Path) -> None:
    before = (settings.default, providers._get_local_constants, providers.CONSTANTS_CACHE)
    configuration.set_hypothesis_home_dir(tmp_path)
    try:
        with suppress(ZeroDivisionError), by_itself():
            assert providers._get_local_constants is not before[1]
            raise ZeroDivisionError
        assert configuration.storage_directory("x").path == tmp_path / "x"
    finally:
        configuration.set_hypothesis_home_dir(None)
    assert (settings.default, providers._get_local_constants, providers.CONSTANTS_CACHE) == before


def test_the_hosts_profile_changes_nothing() -> None:
    settings.register_profile("hostile", max_examples=1, derandomize=False, backend="hypothesis-urandom")
    expected = drawn()
    former = settings.get_current_profile_name()
    settings.load_profile("hostile")
    try:
        assert drawn() == expected
    finally:
        settings.load_profile(former)


def test_nasty_examples_come_first() -> None:
    seen: list[int] = []
    for_all(st.integers(), seen.append, profile=QUICK, name="x", nasty=[10**9, -1])
    assert seen[:2] == [10**9, -1]


def test_a_nasty_example_that_fails_is_shown() -> None:
    def body(number: int) -> None:
        if number == -1:
            raise Finding("negative")

    with pytest.raises(Finding) as caught:
        for_all(st.integers(5), body, profile=QUICK, name="x", nasty=[3, -1], show=lambda n: f"number {n}")
    assert caught.value.example == "number -1"


def test_an_example_already_told_is_kept() -> None:
    with pytest.raises(Finding) as caught:
        for_all(st.integers(), _raiser(Finding("no", example="told")), profile=QUICK, name="x")
    assert caught.value.example == "told"


def test_a_failure_that_comes_and_goes_says_so() -> None:
    turns = iter([False, True] + [False] * 100)

    def body(number: int) -> None:
        if next(turns):
            raise Finding("it flickers")

    with pytest.raises(Finding) as caught:
        for_all(st.integers(), body, profile=QUICK, name="x")
    assert caught.value.seen == "it flickers (only sometimes: the same example also passed)"


def test_a_strategy_without_examples_is_no_pass() -> None:
    with pytest.raises(HypothesisException):
        for_all(st.integers().filter(lambda _: False), lambda _: None, profile=QUICK, name="x")


class Counter(RuleBasedStateMachine):
    """Breaks after three steps of the same kind."""

    error: Callable[[], Exception] = staticmethod(lambda: Finding("it breaks at three"))

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @rule(by=st.integers(1, 9))
    def add(self, by: int) -> None:
        self.count += 1
        if self.count == 3:
            raise self.error()


def test_a_state_machine_shows_its_smallest_failing_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Finding) as caught:
        run_machine(Counter, profile=QUICK, name="x")
    assert caught.value.seen == "it breaks at three"
    assert caught.value.example.count("state.add(by=1)") == 3
    assert capsys.readouterr().out == ""


def test_an_exception_in_a_state_machine_keeps_its_steps() -> None:
    class Raising(Counter):
        error = KeyError

    with pytest.raises(KeyError) as caught:
        run_machine(Raising, profile=QUICK, name="x")
    assert "state.add(by=1)" in caught.value.oneiric_example


def test_a_state_machine_that_holds_takes_the_same_steps_every_time() -> None:
    runs: list[list[int]] = []

    class Holding(RuleBasedStateMachine):
        @rule(by=st.integers())
        def add(self, by: int) -> None:
            runs[-1].append(by)

    for _ in range(2):
        runs.append([])
        run_machine(Holding, profile=QUICK, name="x")
    assert runs[0] == runs[1]
    assert runs[0]


def test_only_exploration_takes_a_seed() -> None:
    assert profile_named("explore", 7).seed == 7
    assert profile_named("deep") is PROFILES["deep"]
    with pytest.raises(ConformanceError, match="explore"):
        profile_named("gate", 7)
    with pytest.raises(ConformanceError, match="Did you mean quick"):
        profile_named("quik")
    with pytest.raises(ConformanceError, match="Choose one of quick, gate, deep, explore"):
        profile_named("xyz")


def _raiser(error: Exception) -> Callable[[object], None]:
    def body(example: object) -> None:
        raise error

    return body
