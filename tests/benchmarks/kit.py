"""The conformance kit on a package of adapters."""

import subprocess
import sys
import time
from collections.abc import Iterator

from measure import ROOT, Figure


def kit() -> Iterator[Figure]:
    """The suite on acme, whole and on one adapter of it; acme has to be installed (`make certify` does that)."""
    acme = ROOT / "conformance" / "acme"
    one = ("--oneiric-component", "adapter/cache/acme")
    for work, goal, narrowed in (("the kit on one adapter", "≤ 8 s", one), ("the kit on acme", "≤ 30 s", ())):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--oneiric-conformance"]
        start = time.perf_counter()
        subprocess.run([*command, "-m", "oneiric_conformance", *narrowed], cwd=acme, check=True, capture_output=True)
        yield Figure(f"{work}, gate profile", f"{time.perf_counter() - start:.1f} s", goal)
