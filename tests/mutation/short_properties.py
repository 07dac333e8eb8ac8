"""A pytest plugin: properties try at most 25 examples, always the same ones, and shrink none."""

import pytest
from hypothesis import HealthCheck, Phase, is_hypothesis_test, settings

EXAMPLES = 25


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        case, function = getattr(item, "cls", None), getattr(item, "function", None)
        if isinstance(getattr(case, "settings", None), settings):
            case.settings = _shorter(case.settings)
        elif is_hypothesis_test(function):
            function._hypothesis_internal_use_settings = _shorter(function._hypothesis_internal_use_settings)


def _shorter(usual: settings) -> settings:
    return settings(
        usual,
        max_examples=min(usual.max_examples, EXAMPLES),
        phases=[Phase.explicit, Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
