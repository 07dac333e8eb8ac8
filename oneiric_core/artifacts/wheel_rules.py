"""The rules a wheel is refused by, the limits it is held to, and how a refusal is said."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from oneiric_core.errors import UnsafeWheelError

__all__ = ["LIMITS", "REBUILD", "WheelLimits", "WheelRule", "unsafe"]


class WheelRule(StrEnum):
    """What a wheel can be refused for."""

    NAMES = "names"
    """A member's name is not a plain relative path on every system."""
    LINKS = "links"
    """A member is a link, a device or anything else that is neither file nor directory."""
    RECORD = "record"
    """Name, version or RECORD are missing, or not those of what is in the wheel."""
    STARTUP = "startup"
    """A member would be put elsewhere, run at start-up, or run in the place of the source it seems to come from."""
    SHADOWING = "shadowing"
    """A top-level name is one of the standard library's, of ours, or of another installed distribution."""
    COLLISIONS = "collisions"
    """Two members would be one file on some system."""
    SIZE = "size"
    """There are too many members, or they unpack to too much."""
    ARCHIVE = "archive"
    """Two readers of the archive may see different things in it, or it cannot be read at all."""


@dataclass(frozen=True, slots=True)
class WheelLimits:
    """How much a wheel may hold.

    :param members: how many members, directories included.
    :param size: bytes of all members, unpacked.
    :param ratio: how many times as many bytes it may unpack to as it has; up to ``floor`` bytes are never too many.
    """

    members: int = 10_000
    size: int = 512 << 20
    ratio: int = 100
    floor: int = 1 << 20

    def most(self, length: int) -> int:
        """How many bytes a wheel of ``length`` bytes may unpack to."""
        return min(self.size, max(self.floor, self.ratio * length))


LIMITS: Final = WheelLimits()
REBUILD: Final = "Build the wheel anew with a current build backend"


def unsafe(rule: WheelRule, member: str, what: str, fix: str) -> UnsafeWheelError:
    """The refusal of a wheel.

    :param member: the name of the member; empty where it is about the whole.
    :param what: what is wrong with it, as the rest of a sentence.
    """
    of = f"{member!r} " if member else ""
    return UnsafeWheelError(f"unsafe wheel ({rule}): {of}{what}", fix=fix, member=member, rule=rule)
