"""Measure what the documents promise, and write ``docs/reference/benchmarks.md``.

Run by ``make bench``. Medians on the machine at hand; nothing here asserts a time.
"""

import asyncio
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "benchmarks.md"


@dataclass(frozen=True)
class Figure:
    """One line of the page."""

    work: str
    value: str
    goal: str


def median_of(times: int, measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(times))


def child_cpu(*command: str, cwd: Path, env: dict[str, str]) -> float:
    """CPU seconds of a child process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=cwd, env=env, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def import_seconds(module: str, after: str = "") -> float:
    code = f"{after}\nimport time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def plugin() -> Iterator[Figure]:
    own = median_of(25, lambda: import_seconds("pytest_oneiric.plugin", after="import pytest"))
    yield Figure("import of the plugin itself", f"{own * 1000:.2f} ms", "≤ 2 ms")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
        env = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        base = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
        ours = (*base, "-p", "pytest_oneiric.plugin")
        runs = [(child_cpu(*base, cwd=folder, env=env), child_cpu(*ours, cwd=folder, env=env)) for _ in range(25)]
    added = statistics.median(with_us for _, with_us in runs) - statistics.median(without for without, _ in runs)
    yield Figure("CPU added to an unrelated run of pytest", f"{added * 1000:.1f} ms", "≤ 10 ms")
    yield Figure(
        "import oneiric_core", f"{median_of(25, lambda: import_seconds('oneiric_core')) * 1000:.1f} ms", "≤ 60 ms"
    )


def kit() -> Iterator[Figure]:
    """The suite on acme, whole and on one adapter of it; acme has to be installed (`make certify` does that)."""
    acme = ROOT / "conformance" / "acme"
    one = ("--oneiric-component", "adapter/cache/acme")
    for work, goal, narrowed in (("the kit on one adapter", "≤ 8 s", one), ("the kit on acme", "≤ 30 s", ())):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--oneiric-conformance"]
        start = time.perf_counter()
        subprocess.run([*command, "-m", "oneiric_conformance", *narrowed], cwd=acme, check=True, capture_output=True)
        yield Figure(f"{work}, gate profile", f"{time.perf_counter() - start:.1f} s", goal)


def per_call(calls: int, work: Callable[[], object]) -> float:
    """Median seconds of one call, over seven rounds."""

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(calls):
            work()
        return (time.perf_counter() - start) / calls

    return median_of(7, measure)


class Plain:
    """A component with no work of its own, so that what is measured is ours."""


def core() -> Iterator[Figure]:
    from oneiric_core import Candidate, LifecycleManager, Resolver  # noqa: PLC0415 - its import is measured above

    def candidate(number: int) -> Candidate:
        return Candidate("adapter", "cache", f"p{number}", Plain)

    for count in (10, 100, 1000):
        resolver = Resolver()
        for number in range(count):
            resolver.register(candidate(number))
        seconds = per_call(20_000, lambda chosen=resolver: chosen.resolve("adapter", "cache"))
        yield Figure(f"resolve among {count} candidates", f"{seconds * 1e6:.2f} µs", "≤ 1 µs, flat")
    fresh = iter([candidate(number) for number in range(1000, 3000)])
    yield Figure(
        "register one more beside 1,000",
        f"{per_call(250, lambda: resolver.register(next(fresh))) * 1e6:.1f} µs",
        "≤ 20 µs",
    )

    async def swaps() -> tuple[float, float]:
        manager = LifecycleManager(resolver)
        await manager.activate("adapter", "cache")
        read = per_call(50_000, lambda: manager.get_instance("adapter", "cache"))
        start = time.perf_counter()
        for _ in range(1000):
            await manager.swap("adapter", "cache")
        swap = (time.perf_counter() - start) / 1000
        await manager.stop()
        return read, swap

    read, swap = asyncio.run(swaps())
    yield Figure("read the active instance", f"{read * 1e9:.0f} ns", "≤ 150 ns")
    yield Figure("swap, over the component's own work", f"{swap * 1e6:.0f} µs", "≤ 60 µs")


def main() -> None:
    figures = [*plugin(), *core(), *kit()]
    machine = (
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    )
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {machine}. Medians; figures of one machine, to be compared with each other.",
        "",
        "| work | measured | goal |",
        "|---|---|---|",
        *(f"| {figure.work} | {figure.value} | {figure.goal} |" for figure in figures),
        "",
    ]
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write("\n".join(lines))


if __name__ == "__main__":
    main()
