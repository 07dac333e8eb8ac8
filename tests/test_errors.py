"""Errors explain themselves to people, carry evidence for programs, and travel."""

import builtins
import pickle
import re

import pytest

from oneiric_core import errors
from oneiric_core.errors import OneiricError

EVERY = [each for name in errors.__all__ if isinstance(each := getattr(errors, name), type)]


@pytest.mark.parametrize("kind", EVERY)
def test_a_message_says_what_happened_and_ends_with_what_to_do(kind: type[OneiricError]) -> None:
    error = kind("the key 'x' is unknown", fix="Add it to the trusted keys", key="x")
    assert str(error) == "the key 'x' is unknown. Add it to the trusted keys."
    assert dict(error.evidence) == {"key": "x"}


@pytest.mark.parametrize(
    ("what", "fix", "message"),
    [
        ("there is no 'x'", "Did you mean 'y'?", "there is no 'x'. Did you mean 'y'?"),
        ("it said: No such file.", "Mend it", "it said: No such file. Mend it."),
    ],
)
def test_a_sentence_ends_once(what: str, fix: str, message: str) -> None:
    assert str(OneiricError(what, fix=fix)) == message


def test_evidence_cannot_be_changed() -> None:
    error = OneiricError("it broke", fix="Mend it", size=3)
    with pytest.raises(TypeError):
        error.evidence["size"] = 4  # type: ignore[index]  # that is the point


@pytest.mark.parametrize("kind", EVERY)
def test_errors_survive_the_way_to_another_process(kind: type[OneiricError]) -> None:
    there = pickle.loads(pickle.dumps(kind("it broke", fix="Mend it", size=3)))  # noqa: S301 - our own bytes
    assert type(there) is kind
    assert (str(there), there.fix, dict(there.evidence)) == ("it broke. Mend it.", "Mend it", {"size": 3})


def test_the_drawing_is_the_tree() -> None:
    """The docstring's tree names every class at its place, with the built-in it also is."""
    drawn: dict[str, tuple[str, str]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ((?:[│ ]   )*)(?:[├└]── )?(\w+Error)(?: +\((\w+)\))?", line)
        if found:
            depth = (len(found[1]) // 4 + 1) if "──" in line else 0
            path[depth:] = [found[2]]
            drawn[found[2]] = (path[-2] if depth else "", found[3] or "")
    assert set(drawn) == {kind.__name__ for kind in EVERY}
    for name, (parent, builtin) in drawn.items():
        bases = [base.__name__ for base in getattr(errors, name).__bases__]
        assert bases == ([parent, builtin] if builtin else [parent]) or (name == "OneiricError" and not parent)
        assert not builtin or hasattr(builtins, builtin)
