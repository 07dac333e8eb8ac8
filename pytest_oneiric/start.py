"""How judging starts: with the configuration, and then in this process, or while workers start in theirs."""

import gc
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_oneiric.collect import MARK
from pytest_oneiric.options import PATHS
from pytest_oneiric.suite import register

if TYPE_CHECKING:
    from oneiric_conformance import Configuration

__all__ = ["start"]

_SEED: Final = "oneiric_seed"


def start(config: pytest.Config) -> None:
    """Add the suite to this run; where xdist hands out the checks, not before its workers have been started.

    :raises pytest.UsageError: one line, for whatever makes judging impossible.
    """
    config.addinivalue_line("markers", f"{MARK}: a rule of the Oneiric conformance suite")
    with _told():
        if _hands_out(config):
            config.pluginmanager.register(HandingOut(config, _configuration(config)), "oneiric-workers")
        else:
            _load()
            register(config, _configuration(config))


class HandingOut:
    """For the process that judges nothing itself: what it needs for the report it loads while the workers load."""

    def __init__(self, config: pytest.Config, configuration: "Configuration") -> None:
        self._config = config
        self._configuration = configuration

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Of xdist: a worker is going to be started. An exploration starts in one place in all of them."""
        profile = self._configuration.profile
        if profile.name == "explore" and self._configuration.replay is None:
            node.workerinput[_SEED] = profile.seed

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self) -> Generator[None, None, None]:
        """Come after everybody, and so after xdist, which starts the workers."""
        yield
        try:
            with _told():
                _load()
                reporter = register(self._config, self._configuration)
        except BaseException:
            self._end_workers()  # pytest ends no session that could not be started
            raise
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None and terminal is not None and terminal.showheader and not terminal.no_header:
            for line in reporter.pytest_report_header():
                terminal.write_line(line)

    def _end_workers(self) -> None:
        manager = getattr(self._config.pluginmanager.getplugin("dsession"), "nodemanager", None)
        if manager is not None:
            manager.teardown_nodes()


def _load() -> None:
    try:
        from oneiric_conformance import load  # noqa: PLC0415 - kit and core are loaded only where asked for

        load()
    except ModuleNotFoundError as error:
        raise pytest.UsageError(
            f"the conformance kit needs {error.name}. Install it with: pip install 'oneiric-core[conformance]'"
        ) from error
    gc.freeze()  # what stays; else each full collection, and the last of pytest's, walks them all


@contextmanager
def _told() -> Iterator[None]:
    """What makes judging impossible, as pytest tells mistakes of its user."""
    from oneiric_core import ConformanceError  # noqa: PLC0415 - kit and core are loaded only where asked for

    try:
        yield
    except ConformanceError as error:
        raise pytest.UsageError(str(error)) from error


def _hands_out(config: pytest.Config) -> bool:
    """Whether xdist, by its own rule, is going to have workers, and this is none of them."""
    option = config.option
    spread = getattr(option, "dist", "no") != "no" and bool(getattr(option, "tx", ())) and not option.collectonly
    return spread and not hasattr(config, "workerinput")


def _configuration(config: pytest.Config) -> "Configuration":
    from oneiric_conformance import read_configuration  # noqa: PLC0415 - loaded only where asked for

    named = {flag.removeprefix("--oneiric-").replace("-", "_"): config.getoption(flag) for flag in PATHS}
    return read_configuration(
        config.rootpath,
        profile=config.getoption("oneiric_profile"),
        level=config.getoption("oneiric_level"),
        runtime=config.getoption("oneiric_runtime"),
        password_env=config.getoption("oneiric_password_env"),
        run_url=config.getoption("oneiric_run_url"),
        component=tuple(config.getoption("oneiric_component")),
        seed=getattr(config, "workerinput", {}).get(_SEED, config.getoption("oneiric_seed")),
        database=tuple(_saved(config, place) for place in config.getoption("oneiric_database")),
        replay=config.getoption("oneiric_replay"),
        **{name: path and _place(config, path) for name, path in named.items()},
    )


def _place(config: pytest.Config, path: str) -> Path:
    """A path as it was typed, seen from where it was typed."""
    return Path(os.path.normpath(config.invocation_params.dir / path))


def _saved(config: pytest.Config, place: str) -> str:
    return place if "://" in place else str(_place(config, place))
