"""Names that try to leave the directory they are used in: every prefix with every separator, dots, depth and suffix."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite

__all__ = ["MARKER", "NESTING", "hostile_names", "nasty_names", "nasty_traversals", "traversals"]

MARKER: Final = "oneiric-escape"
"""Part of every hostile name, so that whatever one of them created can be recognised on the disk."""

NESTING: Final = ("n1", "n2", "n3", "n4", "n5", "n6", "n7")
"""Directories, one in the other, out of which no name made here can climb: what escapes is found, and harms nobody."""

_SEPARATORS: Final = ("/", "\\", "%2f", "%2F", "%5c", "%252f", "%c0%af", "\uff0f", "\uff3c")
_DOTS: Final = ("..", "%2e%2e", ".%2e", "%252e%252e", "%c0%ae%c0%ae", "\uff0e\uff0e", "\u2024\u2024", "\u2025")
_PREFIXES: Final = (("", 0), ("./", 0), ("sub/", 1), ("a/b/", 2), ("sub\\", 1))
_SUFFIXES: Final = ("", ".whl", ".txt", "-1.0-py3-none-any.whl", "/", "%00.whl", "\x00.whl", " ", ".")
_ROOTS: Final = (
    "{}/",
    "/{}/",
    "{}%2f",
    "file://{}/",
    "file://host{}/",
    "C:\\",
    "C:",
    "\\\\host\\share\\",
    "\\\\?\\C:\\",
)
_ODD: Final = ("\x00", "\n", "\x7f", ":stream", "/../..", "|", "*", "\u202e")


@composite
def traversals(draw: DrawFn) -> str:
    """A relative name that climbs at least one step, in some spelling, plainly or not."""
    step = draw(st.sampled_from(_DOTS)) + draw(st.sampled_from(_SEPARATORS))
    prefix, down = draw(st.sampled_from(_PREFIXES))
    up = down + draw(st.integers(1, len(NESTING) - 3))
    return prefix + step * up + MARKER + draw(st.sampled_from(_SUFFIXES))


@composite
def hostile_names(draw: DrawFn, root: str) -> str:
    """A name that climbs, is absolute, carries a drive or a host, or holds what no file name may hold.

    :param root: the absolute directory in which absolute names lie, or, where their separator is none, beside it.
    """
    shape = draw(st.sampled_from(("climbs", "climbs", "rooted", "odd")))
    if shape == "climbs":
        return draw(traversals())
    if shape == "rooted":
        return draw(st.sampled_from(_ROOTS)).format(root) + MARKER + draw(st.sampled_from(_SUFFIXES))
    return f"{MARKER}{draw(st.sampled_from(_ODD))}x"


def nasty_traversals() -> list[str]:
    """The spellings that have fooled somebody before; tried first."""
    return [
        *(f"{'../' * up}{MARKER}" for up in range(1, len(NESTING) - 2)),
        f"sub/../../{MARKER}",
        f"..\\{MARKER}",
        f"%2e%2e/{MARKER}",
        f"..%2f{MARKER}",
        f"%2e%2e%2f{MARKER}",
        f"%252e%252e%252f{MARKER}",
        f"%c0%ae%c0%ae%c0%af{MARKER}",
        f"\uff0e\uff0e\uff0f{MARKER}",
        f"../{MARKER}\x00.whl",
    ]


def nasty_names(root: str, place: str = "") -> list[str]:
    """Hostile names that are not all climbers; tried first. :func:`hostile_names` says what ``root`` is.

    :param place: the name of the directory in which they are used, to try one beside it that begins with the same name.
    """
    return [
        *nasty_traversals(),
        *([f"../{place}-{MARKER}"] if place else []),
        f"{root}/{MARKER}",
        f"C:\\{MARKER}",
        f"\\\\host\\share\\{MARKER}",
        f"{MARKER}\x00",
        f"{MARKER}/../../{MARKER}",
        "..",
        ".",
        "",
    ]
