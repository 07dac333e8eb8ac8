"""What one exploration finds, the next one tries first; the gate knows nothing of it."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase, MultiplexedDatabase
from hypothesis.stateful import RuleBasedStateMachine, rule

from oneiric_conformance import PROFILES, Finding, Package, Replay, Session, open_database, read_configuration
from oneiric_conformance.handling.examples import by_itself, for_all, run_machine
from oneiric_conformance.judging.route import Place
from oneiric_core import ConformanceError

EXPLORE = PROFILES["explore"]
BRIEFLY = replace(EXPLORE, examples=1, seed=12345)
RARE = 7_654


def rarely(number: int) -> None:
    if number >= RARE:
        raise Finding("it does not like large numbers")


def found(database: Any, profile: Any = EXPLORE, name: str = "x", body: Any = rarely) -> str:
    """The example of a failure, or nothing."""
    with by_itself():
        try:
            for_all(st.integers(0, 10_000), body, profile=profile, name=name, database=database)
        except Finding as caught:
            return caught.example
    return ""


def explored(database: Any) -> Any:
    assert found(database) == str(RARE)
    return database


def test_what_one_run_found_the_next_tries_first(tmp_path: Path) -> None:
    """With a budget, and from a seed, with which it would not be found."""
    assert found(None, BRIEFLY) == ""
    explored(open_database(["saved"], tmp_path))
    tried: list[int] = []

    def first(number: int) -> None:
        tried.append(number)
        rarely(number)

    assert found(open_database(["saved"], tmp_path), BRIEFLY, body=first) == str(RARE)
    assert tried[0] >= RARE
    assert (tmp_path / "saved").is_dir()


def test_properties_do_not_share_their_examples(tmp_path: Path) -> None:
    """To Hypothesis all properties of the kit are one function."""
    database = explored(open_database(["saved"], tmp_path))
    assert found(database, BRIEFLY, name="another") == ""


def test_what_holds_by_now_is_forgotten() -> None:
    database = explored(InMemoryExampleDatabase())
    assert any(database.data.values())
    assert found(database, body=lambda _: None) == ""
    assert not any(database.data.values())


def test_several_places_are_kept_alike(tmp_path: Path) -> None:
    explored(open_database(["mine", str(tmp_path / "ours")], tmp_path))
    for name in ("mine", "ours"):
        assert found(open_database([name], tmp_path), BRIEFLY) == str(RARE)
    assert isinstance(open_database(["mine", "ours"], tmp_path), MultiplexedDatabase)
    assert open_database([], tmp_path) is None


def test_garbage_in_a_database_changes_nothing() -> None:
    """Whoever can write there can make a run try other examples, and nothing else."""
    database = explored(InMemoryExampleDatabase())
    for values in database.data.values():
        values.clear()
        values.update([b"", b"\xff" * 1000, b"\x1f\xff\xff\xff\xff", b"not choices at all", bytes(100_000)])
    assert found(database) == str(RARE)


class Falls(RuleBasedStateMachine):
    """Breaks after three equal steps; made anew so many times."""

    made = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).made += 1
        self.steps = 0

    @rule(by=st.integers(0, 100))
    def step(self, by: int) -> None:
        self.steps += by > 90
        if self.steps == 3:
            raise Finding("it fell")


def test_the_steps_of_a_state_machine_are_saved_as_well() -> None:
    database = InMemoryExampleDatabase()
    with by_itself(), pytest.raises(Finding, match="it fell"):
        run_machine(Falls, profile=replace(EXPLORE, examples=1000), name="x", database=database)
    Falls.made = 0
    with by_itself(), pytest.raises(Finding, match="it fell"):
        run_machine(Falls, profile=BRIEFLY, name="x", database=database)
    assert Falls.made < 10


def test_the_same_seed_explores_alike_and_another_one_otherwise() -> None:
    runs: list[list[int]] = []
    for seed in (7, 7, 8):
        runs.append([])
        found(InMemoryExampleDatabase(), replace(EXPLORE, examples=20, seed=seed), body=runs[-1].append)
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize("profile", ["quick", "gate", "deep"])
def test_no_other_profile_has_a_database(echo: Package, profile: str) -> None:
    with pytest.raises(ConformanceError, match="Choose the profile explore"):
        Session(echo, profile=PROFILES[profile], database=InMemoryExampleDatabase())


CONFIGURED = '[tool.oneiric.conformance]\ndatabase = "saved"\nseed = 3\n'


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(CONFIGURED, encoding="utf-8")
    return tmp_path


def test_what_is_written_down_for_exploration_waits_for_it(configured: Path) -> None:
    gate, explore = read_configuration(configured), read_configuration(configured, profile="explore")
    assert (gate.profile, gate.database) == (PROFILES["gate"], ())
    assert gate.header() == ["profile: gate (from default)"]
    assert (explore.profile.seed, explore.database) == (3, ("saved",))
    assert "database: saved (from pyproject.toml)" in explore.header()


def test_an_exploration_without_a_seed_starts_somewhere_else_each_time() -> None:
    first, second = (read_configuration(None, profile="explore") for _ in range(2))
    assert first.profile.seed != second.profile.seed
    assert f"seed: {first.profile.seed} (from chance)" in first.header()


def test_the_header_keeps_the_secrets_of_an_address() -> None:
    configuration = read_configuration(None, profile="explore", seed=1, database=("redis://me:secret@host/0?p=secret",))
    assert "database: redis://host/0 (from --oneiric-database)" in configuration.header()


def test_a_replay_brings_its_own_profile(configured: Path) -> None:
    with pytest.raises(ConformanceError, match="--oneiric-profile and --oneiric-seed cannot be given with"):
        read_configuration(configured, replay=_word(), profile="explore", seed=7)
    configuration = read_configuration(configured, replay=_word())
    assert (configuration.profile.name, configuration.profile.seed, configuration.database) == ("explore", 99, ())


def _word() -> str:
    return Replay("KV-001", "adapter/cache/acme", "explore", 99, Place(1, 0)).encoded()


@pytest.mark.parametrize("database", ["7", "true", '["saved", 7]', "{}"])
def test_a_database_of_another_type_is_refused(tmp_path: Path, database: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.oneiric.conformance]\ndatabase = {database}\n", encoding="utf-8")
    with pytest.raises(ConformanceError, match="database in"):
        read_configuration(tmp_path)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("mysql://me:secret@host/name", "'mysql://host/name' is no place .* begins with redis://"),
        ("file:///tmp/saved", "is no place for saved examples"),
        ("://", "is no place for saved examples"),
        ("mysql://[", "is no place for saved examples"),
        ("redis://[", "no examples can be saved in redis://…"),
        ("redis://127.0.0.1:99999/0", "no examples can be saved in redis://127"),
        ("redis://me:secret@127.0.0.1:1/0", r"saved in redis://127\.0\.0\.1:1/0: .*[Rr]efused"),
        ("unix:///no/such/socket", "no examples can be saved in unix:/+no/such/socket"),
        ("/proc/here", "no examples can be saved in '/proc/here'"),
        ("/proc", "no examples can be saved in '/proc': .* Name a directory that can be written to"),
        ("pyproject.toml", "no examples can be saved in .*pyproject.toml"),
        ("pyproject.toml/below", "no examples can be saved in .*pyproject.toml/below"),
    ],
)
def test_a_place_where_nothing_can_be_saved_is_refused(configured: Path, place: str, told: str) -> None:
    with pytest.raises(ConformanceError, match=told) as caught:
        open_database([place], configured)
    assert "secret" not in str(caught.value)


def test_redis_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "hypothesis.extra.redis", raising=False)
    with pytest.raises(ConformanceError, match=r"need redis, .* pip install 'oneiric-core\[redis\]'"):
        open_database(["redis://127.0.0.1:1"], None)


@pytest.mark.long
def test_what_one_machine_found_another_tries_first_through_redis(redis_url: str, tmp_path: Path) -> None:
    """`make test-servers` runs it, where there is a redis-server."""
    explored(open_database([redis_url, str(tmp_path / "one")], None))
    assert found(open_database([redis_url], None), BRIEFLY) == str(RARE)
    assert found(open_database([str(tmp_path / "two")], None), BRIEFLY) == ""


@pytest.mark.long
def test_a_redis_that_asks_for_a_password_keeps_ours_to_itself(redis_url: str) -> None:
    place = redis_url.replace("redis://", "redis://me:secret@")
    with pytest.raises(ConformanceError, match="no examples can be saved in redis://127") as caught:
        open_database([place], None)
    assert "secret" not in str(caught.value)
