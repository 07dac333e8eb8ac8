"""What a card says where it has no script: why, and what to run in its place."""

from typing import Final

from oneiric_conformance.registry import Check

__all__ = ["NOT_RUN", "instead_of"]

NOT_RUN: Final = "this was seen outside of the check"
_DECLARED: Final = frozenset({"META-001", "META-002", "META-006", "META-008", "MAN-003"})
_OF_RUNTIMES: Final = frozenset({"HOT", "SIG"})


def instead_of(check: Check, why: str = "") -> str:
    """One sentence, which refers to the line on the card that runs the check again.

    :param why: the reason, where it is not the check that has none.
    """
    if not why and check.id in _DECLARED:
        why = "what is wrong stands in what the package declares, as it was seen"
    elif not why and (check.judges == "runtime" or check.area in _OF_RUNTIMES):
        why = "manifests, files and several acts of a runtime have a part in it"
    else:
        why = why or "its factory, its settings or the example cannot be written down in one"
    return f"There is no script, for {why}: run the replay line instead."
