"""What pytest loads at start-up. In a run that does not ask for us it adds its options and does nothing else."""

from typing import TYPE_CHECKING

import pytest

from pytest_oneiric.options import add_options, given, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["pytest_addoption", "pytest_configure", "pytest_load_initial_conftests"]


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser, args: "Sequence[str]") -> None:
    del early_config, parser
    refuse_unknown(args)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("oneiric_conformance"):
        from pytest_oneiric.suite import register  # noqa: PLC0415 - what it needs is loaded only where it is asked for

        register(config)
    elif lonely := given(config):
        raise pytest.UsageError(f"{', '.join(lonely)} needs --oneiric-conformance. Add it.")
