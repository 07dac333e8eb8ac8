"""Which tests judge the mutants of which code."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Room:
    """Patterns of source files, and what pytest is given; ``long`` tests are left out."""

    code: list[str]
    tests: list[str]


ROOMS: Final = MappingProxyType(
    {
        "trust": Room(
            code=["oneiric_core/trust/*", "oneiric_core/manifest/*"],
            tests=[
                "tests/trust",
                "tests/manifest",
                "tests/remote/test_state_store.py",
                "tests/docs/test_manifest_reference.py",
            ],
        ),
        "lifecycle": Room(
            code=["oneiric_core/lifecycle/*", "oneiric_core/resolver/*"],
            tests=["tests/lifecycle", "tests/resolver", "tests/remote/test_sync_code.py"],
        ),
        "store": Room(
            code=[f"oneiric_core/artifacts/{name}.py" for name in ("confine", "store", "digest", "eviction")],
            tests=[
                f"tests/artifacts/test_{name}.py"
                for name in (
                    *("confine", "store", "store_meddled", "digest", "eviction", "verify", "looking", "exclusive"),
                    *("pins", "orphans"),
                )
            ],
        ),
        "wheel": Room(
            code=["oneiric_core/artifacts/wheel*"],
            tests=[
                "tests/artifacts/test_wheel.py",
                "tests/artifacts/test_wheel_refusals.py",
                "tests/artifacts/test_wheel_metadata.py",
            ],
        ),
    }
)
