"""Where a hook is found, and what it is bound to."""

from collections.abc import Callable
from typing import Any

from oneiric_core.lifecycle import find_hook


class Closed:
    """Nothing can be read from it; what its class defines is bound as Python would."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def method(self) -> object:
        return self

    class Owned:
        def __get__(self, instance: object, owner: type) -> Callable[[], object]:
            return lambda: (instance, owner)

    class Plain:
        def __call__(self) -> object:
            return "plain"

    owned, plain = Owned(), Plain()


def test_a_hook_is_bound_wherever_it_is_defined() -> None:
    class Open:
        pass

    own, closed = Open(), Closed()
    own.cleanup = lambda: "its own"  # type: ignore[attr-defined]  # nothing else declares it
    for instance, name, given in (
        (own, "cleanup", "its own"),
        (closed, "method", closed),
        (closed, "owned", (closed, Closed)),
        (closed, "plain", "plain"),
    ):
        hook = find_hook(instance, [name])
        assert hook is not None
        assert hook() == given


def test_a_hook_that_python_says_is_not_there_is_none() -> None:
    class Shy:
        @property
        def cleanup(self) -> object:
            raise AttributeError("cleanup")

    assert find_hook(Shy(), ["cleanup"]) is None
