"""The wheel that is released, looked at as a runtime looks at it before it unpacks anything."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneiric_conformance.checks.wheel import _NEEDS_RECORD, _UNREADABLE
from oneiric_conformance.scripts.base import expect
from oneiric_core import WheelRule, wheel_faults

__all__ = ["Wheel", "whl_001", "whl_002", "whl_003", "whl_004", "whl_005", "whl_006", "whl_007", "whl_008"]


@dataclass
class Wheel:
    """The file; another one can be named on the command line."""

    path: str

    def file(self) -> Path:
        return Path(sys.argv[1] if len(sys.argv) > 1 else self.path)


async def whl_001(wheel: Wheel, example: Any, payloads: Any) -> None:
    """Each name in it is a plain relative path on every system."""
    del example, payloads
    keeps(wheel, WheelRule.NAMES)


async def whl_002(wheel: Wheel, example: Any, payloads: Any) -> None:
    """Nothing in it is a link or a device."""
    del example, payloads
    keeps(wheel, WheelRule.LINKS)


async def whl_003(wheel: Wheel, example: Any, payloads: Any) -> None:
    """Its RECORD lists every file with the SHA-256 it has."""
    del example, payloads
    keeps(wheel, WheelRule.RECORD)


async def whl_004(wheel: Wheel, example: Any, payloads: Any) -> None:
    """It has no .pth file, no .data directory and no bytecode."""
    del example, payloads
    keeps(wheel, WheelRule.STARTUP)


async def whl_005(wheel: Wheel, example: Any, payloads: Any) -> None:
    """No top-level module of it has a name that is taken."""
    del example, payloads
    keeps(wheel, WheelRule.SHADOWING)


async def whl_006(wheel: Wheel, example: Any, payloads: Any) -> None:
    """No two members are one file on some system."""
    del example, payloads
    keeps(wheel, WheelRule.COLLISIONS)


async def whl_007(wheel: Wheel, example: Any, payloads: Any) -> None:
    """It does not unpack to too much."""
    del example, payloads
    keeps(wheel, WheelRule.SIZE)


async def whl_008(wheel: Wheel, example: Any, payloads: Any) -> None:
    """It is a plain ZIP archive in which every reader sees the same."""
    del example, payloads
    keeps(wheel, WheelRule.ARCHIVE)


def keeps(wheel: Wheel, rule: WheelRule) -> None:
    """Nothing in it breaks the rule, nor keeps anybody from telling."""
    with wheel.file().open("rb") as file:
        faults = wheel_faults(file)
    hiding = _UNREADABLE | ({WheelRule.RECORD} if rule in _NEEDS_RECORD else set()) | {rule}
    seen = [fault.what for fault in faults if fault.evidence["rule"] in hiding]
    expect(not seen, "; ".join(seen)[:1000], f"a wheel that breaks no rule of {rule}")
