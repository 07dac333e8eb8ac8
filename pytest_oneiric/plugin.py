"""What pytest loads at start-up. In a run that does not ask for us it adds its options and does nothing else."""

from typing import TYPE_CHECKING

import pytest

from pytest_oneiric import fixtures
from pytest_oneiric.marker import MARK, OPTIONS, options_of
from pytest_oneiric.options import add_options, given, refuse_misleading, refuse_secret, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_load_initial_conftests",
    "pytest_runtest_setup",
]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Options and fixtures. For names in ``pytest_plugins`` pytest looks through all that is installed."""
    add_options(parser)
    if not pluginmanager.is_registered(fixtures):  # by -p, or by a plugin of somebody's own
        pluginmanager.register(fixtures, fixtures.__name__)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser, args: "Sequence[str]") -> None:
    del early_config, parser
    refuse_unknown(args)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A marker with a mistake in it fails the test it stands at, whatever fixtures that has."""
    if item.get_closest_marker(MARK):
        options_of(item)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}({', '.join(OPTIONS)}): what the fixtures of Oneiric are to be like")
    if config.getoption("oneiric_conformance"):
        if not hasattr(config, "workerinput"):
            refuse_secret(config)
            refuse_misleading(config.invocation_params.args, config.invocation_params.dir)
        from pytest_oneiric.start import start  # noqa: PLC0415 - what it needs is loaded only where it is asked for

        start(config)
    elif lonely := given(config):
        raise pytest.UsageError(f"{', '.join(lonely)} needs --oneiric-conformance. Add it.")
