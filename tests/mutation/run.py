"""Judge the tests of a room by mutants of its code: ``make mutants ROOM=trust``, or this file with the room's name.

``mutmut`` makes the mutants and keeps the verdicts in ``mutants/``; a run that was ended goes on where it stopped, and
names of mutants after the room's name judge those again. Beyond it, tests are collected once and not for every mutant,
and properties run a few examples and shrink none, so that a mutant costs parts of a second. ``mutmut results`` and
``mutmut show NAME`` tell of the last run.
"""

import argparse
import dataclasses
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Iterable
from pathlib import Path

import mutmut.__main__ as mutmut
import pytest
from _pytest.config import _prepareconfig
from mutmut import configuration
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.utils.file_utils import change_cwd
from mutmut.workers.isolation import ForkRunner, run_in_fork
from rooms import ROOMS

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = Path("mutants")
OF_ROOM = MUTANTS / "room"
TIMED_OUT = 36  # what mutmut takes for it


class Patience:
    """Ends the run of a mutant that makes a test take many times as long as usual, mostly by waiting for ever.

    What the machine spends on others does not count. What lets no Python run meanwhile is ended by mutmut, which knows
    of no single tests and waits longer.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        began, most = _own_time(), 2.0 + 10.0 * state().duration_by_test[item.nodeid]

        def look(*_: object) -> None:
            if _own_time() - began > most:
                os._exit(TIMED_OUT)

        signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, most, 0.5)
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)


def _own_time() -> float:
    """Seconds, without those in which this thread could have run and others did (Linux tells)."""
    queued = Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1]
    return time.monotonic() - int(queued) / 1e9


class CollectedOnce(PytestRunner):
    """Runs the tests of a mutant, in a child of the process that has collected all tests already."""

    session: pytest.Session

    def collect(self) -> None:
        chosen = configuration.config()
        config = _prepareconfig(["-x", "-q", *chosen.pytest_add_cli_args, *chosen.pytest_add_cli_args_test_selection])
        config._do_configure()
        config.pluginmanager.register(Patience())
        self.session = pytest.Session.from_config(config)
        config.hook.pytest_sessionstart(session=self.session)
        config.hook.pytest_collection(session=self.session)

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        """0 if all pass and 1 if one fails, which ends the run."""
        items = {item.nodeid: item for item in self.session.items}
        self.session.items = [items[test] for test in tests or items]
        config, place = self.session.config, Path(tempfile.mkdtemp(prefix="mutant-"))
        config._tmp_path_factory._basetemp = place
        config.get_terminal_writer()._file = sys.stdout  # which mutmut has led elsewhere
        try:
            with change_cwd(MUTANTS):
                config.hook.pytest_runtestloop(session=self.session)
        except BaseException:  # noqa: BLE001  # whatever stops the tests has noticed the mutant
            return 1
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return min(self.session.testsfailed, 1)


class Runner(ForkRunner):
    test_runner: CollectedOnce

    def run_clean_tests(self, tests: Iterable[str]) -> int:
        with change_cwd(MUTANTS):
            self.test_runner.collect()
        return run_in_fork(self.test_runner.run_tests, mutant_name=None, tests=tests)

    def run_forced_fail(self) -> int:
        return run_in_fork(self.test_runner.run_tests, mutant_name=None, tests=[])


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("room", choices=ROOMS)
    options.add_argument("mutants", nargs="*", help="judge only these, again; * stands for anything")
    options.add_argument("--children", type=int, default=1, help="how many mutants to judge at once")
    chosen = options.parse_args()
    os.chdir(ROOT)
    if not OF_ROOM.is_file() or OF_ROOM.read_text(encoding="utf-8") != chosen.room:
        shutil.rmtree(MUTANTS, ignore_errors=True)
        MUTANTS.mkdir()
        OF_ROOM.write_text(chosen.room, encoding="utf-8")
    room = ROOMS[chosen.room]
    configuration._config = dataclasses.replace(
        configuration.config(), only_mutate=room.code, pytest_add_cli_args_test_selection=room.tests
    )
    mutmut.get_mutant_runner = lambda children=1: Runner(children, CollectedOnce())
    os.environ["PYTHONPATH"] = str(MUTANTS.resolve())  # programs that tests start run the mutant, too
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        os.environ["TMPDIR"] = tempfile.tempdir = place  # what killed tests leave goes with it
        mutmut._run(tuple(chosen.mutants), chosen.children)


if __name__ == "__main__":
    main()
