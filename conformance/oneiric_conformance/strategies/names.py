"""Names that try to leave the directory they are used in: every prefix with every separator, dots, depth and suffix."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite

__all__ = ["MARKER", "hostile_names", "nasty_names", "nasty_traversals", "traversals"]

MARKER: Final = "oneiric-escape"
"""Part of every hostile name, so that whatever one of them created can be recognised on the disk."""

DEPTH: Final = 6
"""The most steps upward; a directory nested deeper than this contains every escape."""

_SEPARATORS: Final = ("/", "\\", "%2f", "%2F", "%5c", "%252f", "%c0%af", "\uff0f", "\uff3c")
_DOTS: Final = ("..", "%2e%2e", ".%2e", "%252e%252e", "%c0%ae%c0%ae", "\uff0e\uff0e", "\u2024\u2024", "\u2025")
_PREFIXES: Final = ("", "./", "sub/", "a/b/", "sub\\")
_SUFFIXES: Final = ("", ".whl", ".txt", "-1.0-py3-none-any.whl", "/", "%00.whl", "\x00.whl", " ", ".")
_ROOTS: Final = ("/", "//", "C:\\", "C:", "\\\\host\\share\\", "\\\\?\\C:\\", "\\", "file://host/", "%2f", "\uff0f")


@composite
def traversals(draw: DrawFn) -> str:
    """A relative name that climbs one to :data:`DEPTH` steps, in some spelling, plainly or not."""
    separator = draw(st.sampled_from(_SEPARATORS))
    dots = draw(st.sampled_from(_DOTS))
    prefix = draw(st.sampled_from(_PREFIXES))
    # As many steps more as the prefix goes down, so that the name as a whole goes up.
    steps = draw(st.integers(1, DEPTH - 2)) + prefix.strip("./\\").count("/") + bool(prefix.strip("./\\"))
    return prefix + f"{dots}{separator}" * steps + MARKER + draw(st.sampled_from(_SUFFIXES))


@composite
def hostile_names(draw: DrawFn) -> str:
    """A name that climbs, is absolute, carries a drive or a host, or holds what no file name may hold."""
    shape = draw(st.sampled_from(("climbs", "climbs", "rooted", "odd")))
    if shape == "climbs":
        return draw(traversals())
    if shape == "rooted":
        return draw(st.sampled_from(_ROOTS)) + MARKER + draw(st.sampled_from(_SUFFIXES))
    return MARKER + draw(st.sampled_from(("\x00", "\n", "\x7f", ":stream", "/../..", "|", "*", "\u202e"))) + "x"


def nasty_traversals() -> list[str]:
    """The spellings that have fooled somebody before; tried first."""
    return [
        f"../{MARKER}",
        f"../../{MARKER}",
        f"../../../../{MARKER}",
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


def nasty_names() -> list[str]:
    """Hostile names that are not all climbers; tried first."""
    return [
        *nasty_traversals(),
        f"/{MARKER}",
        f"C:\\{MARKER}",
        f"\\\\host\\share\\{MARKER}",
        f"{MARKER}\x00",
        f"{MARKER}/../../{MARKER}",
        "..",
        ".",
        "",
    ]
