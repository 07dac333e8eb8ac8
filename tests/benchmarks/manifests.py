"""Manifests: reading, believing and applying them, against what the same work costs with nothing around it.

The published package is measured beside us where an interpreter that has it is named or found: ``ONEIRIC_PEER``, or
``.venv-newest/bin/python``.
"""

import asyncio
import base64
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from measure import ROOT, Figure

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SIZES = (10, 1_000, 10_000, 100_000)
LARGEST_YAML = 10_000  # beyond it the floor alone takes half a minute
PUBLISHED = """
import asyncio, json, logging, os, sys, tempfile, time
import structlog
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
from oneiric.core.config import RemoteSourceConfig
from oneiric.core.resolution import Resolver
from oneiric.remote.loader import sync_remote_manifest
with tempfile.TemporaryDirectory() as folder:
    config = RemoteSourceConfig(
        enabled=True, manifest_url=sys.argv[1], cache_dir=folder, allow_file_uris=True, signature_required=True
    )
    taken, runner = [], asyncio.Runner()
    for _ in range(3):
        resolver = Resolver()
        for _ in range(2):
            start = time.process_time()
            result = runner.run(sync_remote_manifest(resolver, config))
            taken.append(time.process_time() - start)
    assert result.registered == int(sys.argv[2])
    print(json.dumps([sorted(taken[::2])[1], sorted(taken[1::2])[1]]))
"""
GROWTH = """
import runpy, sys
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
measured = runpy.run_path(sys.argv[1])
data, media_type = open(sys.argv[2], "rb").read(), sys.argv[3]
work = measured["works"](data, media_type)
before = peak()
kept = work[sys.argv[4]]()
print(peak() - before)
"""


def document(count: int) -> dict[str, Any]:
    """A manifest whose entries say what entries say; the published package accepts its factories."""
    return {
        "schema_version": 2,
        "source": "acme",
        "sequence_number": 1,
        "signed_at": "2026-01-01T00:00:00+00:00",
        "entries": [
            {
                "domain": "adapter",
                "key": f"key-{number}",
                "provider": "acme",
                "factory": f"oneiric.acme{number}:Factory",
                "version": "1.0.0",
                "stack_level": 1,
                "priority": number % 100,
                "capabilities": ["kv"],
                "owner": "acme",
                "metadata": {"description": f"Component {number}", "region": "eu", "weight": 0.5},
            }
            for number in range(count)
        ],
    }


def written(count: int, kind: str) -> tuple[bytes, str]:
    """A signed manifest as it arrives, with its media type."""
    from oneiric_core.manifest import ENVELOPE, JSON, YAML  # noqa: PLC0415 - the growth of a bare process is measured
    from oneiric_core.testing import PUBLISHER  # noqa: PLC0415 - as above
    from oneiric_core.trust import sign_manifest  # noqa: PLC0415 - as above

    form: Any = "dsse" if kind == "envelope" else "flat"
    signed = sign_manifest(document(count), PUBLISHER.private, form=form)
    if kind == "YAML":
        dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        return yaml.dump(signed, Dumper=dumper, sort_keys=False).encode(), YAML
    return json.dumps(signed).encode(), JSON if kind == "JSON" else ENVELOPE


def works(data: bytes, media_type: str) -> dict[str, Callable[[], Any]]:
    """The floor, and ours: verifying, and applying to a new resolver."""
    from oneiric_core import Resolver  # noqa: PLC0415 - as above
    from oneiric_core.manifest import ENVELOPE, JSON, YAML, Limits, parse_document  # noqa: PLC0415 - as above
    from oneiric_core.remote.sync import sync_remote_manifest  # noqa: PLC0415 - as above
    from oneiric_core.testing import PUBLISHER  # noqa: PLC0415 - as above
    from oneiric_core.trust import PublicKey, TrustPolicy, authenticate, read_envelope, verify_manifest  # noqa: PLC0415 - as above
    from oneiric_core.trust.envelope import MANIFEST_PAYLOAD  # noqa: PLC0415 - as above

    policy = TrustPolicy([PublicKey(PUBLISHER.public)], unsafe_allow_published_keys=True)
    limits = Limits(max_bytes=1 << 30, max_nodes=1 << 30)
    public = PUBLISHER.private.public_key()
    runner = asyncio.Runner()
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    def floor() -> Any:
        if media_type == ENVELOPE:
            envelope = json.loads(data)
            payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
            message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
            public.verify(base64.b64decode(envelope["signatures"][0]["sig"]), message)
            return json.loads(payload)
        read = yaml.load(data, Loader=loader) if media_type == YAML else json.loads(data)  # noqa: S506 - a safe one
        unsigned = {name: value for name, value in read.items() if name not in {"signature", "signature_algorithm"}}
        message = json.dumps(unsigned, sort_keys=True, separators=(",", ":")).encode()
        public.verify(base64.b64decode(read["signature"]), message)
        return read

    def apply(resolver: Resolver | None = None) -> Resolver:
        target = Resolver() if resolver is None else resolver
        runner.run(sync_remote_manifest(target, (data, media_type), trust=policy))
        return target

    def read() -> Any:
        payload = read_envelope(data, MANIFEST_PAYLOAD, limits).payload if media_type == ENVELOPE else data
        return parse_document(payload, YAML if media_type == YAML else JSON, limits)

    return {
        "floor": floor,
        "read": read,
        "authenticate": lambda: authenticate(data, media_type, policy, limits),
        "verify": lambda: verify_manifest(data, media_type, policy, now=NOW, limits=limits),
        "apply": apply,
    }


def seconds(*tasks: Callable[[], Any], rounds: int = 5) -> list[float]:
    """Median CPU seconds of each; they take turns, so that what else the machine does hits all alike."""
    taken: list[list[float]] = [[] for _ in tasks]
    for _ in range(rounds):
        for task, times in zip(tasks, taken, strict=True):
            gc.collect()
            start = time.process_time()
            task()
            times.append(time.process_time() - start)
    return [statistics.median(times) for times in taken]


def growth(path: Path, media_type: str, work: str) -> float:
    """Peak resident MiB that one run of ``work`` adds to a process that has read the bytes; Linux says it."""
    command = [sys.executable, "-c", GROWTH, __file__, str(path), media_type, work]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024


def peer() -> str | None:
    """An interpreter that has the published package."""
    for candidate in (os.environ.get("ONEIRIC_PEER"), str(ROOT / ".venv-newest" / "bin" / "python")):
        if candidate and Path(candidate).exists():
            return candidate
    return None


def published(path: Path, count: int) -> tuple[float, float] | None:
    """Median CPU seconds of its first sync and of the one after."""
    from oneiric_core.testing import PUBLISHER  # noqa: PLC0415 - as above

    python = peer()
    if python is None:
        return None
    key = base64.b64encode(PUBLISHER.public).decode()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-c", PUBLISHED, str(path), str(count)],
            check=True,
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | {"ONEIRIC_TRUSTED_PUBLIC_KEYS": key},
        )
    first, again = json.loads(done.stdout.splitlines()[-1])
    return first, again


def manifests(sizes: tuple[int, ...] = SIZES) -> Iterator[Figure]:
    """In both forms and both syntaxes."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("JSON", "envelope", "YAML"):
            for count in sizes:
                if kind == "YAML" and count > LARGEST_YAML:
                    continue
                data, media_type = written(count, kind)
                path = Path(folder) / f"manifest.{'yaml' if kind == 'YAML' else 'json'}"
                path.write_bytes(data)
                yield from _one(kind, count, path, media_type)


def _one(kind: str, count: int, path: Path, media_type: str) -> Iterator[Figure]:
    work = works(path.read_bytes(), media_type)
    few = 3 if count > 10_000 or kind == "YAML" else 7
    floor, read, believed, verified = seconds(
        work["floor"], work["read"], work["authenticate"], work["verify"], rounds=few
    )
    memory = f", +{growth(path, media_type, 'verify'):.0f} MiB (floor +{growth(path, media_type, 'floor'):.0f})"
    name = f"{kind}, {count:,} entries"
    yield Figure(f"verify and parse {name}", f"{verified * 1e3:.1f} ms; floor {floor * 1e3:.1f} ms{memory}", "linear")
    if kind == "envelope":
        goal = "≤ 10 ms at 10,000" if count == 10_000 else ""
        yield Figure(f"believe {name}, over reading its bytes", f"{(believed - read) * 1e3:.1f} ms", goal)
    if path.stat().st_size > 16 << 20:
        return  # beyond the limit that a sync has
    (first,) = seconds(work["apply"], rounds=few)
    standing = work["apply"]()
    (again,) = seconds(lambda: work["apply"](standing), rounds=7)  # type: ignore[call-arg]  # it takes a resolver, too
    goals = {
        ("JSON", 10_000): ("≥ 10 times faster, ≤ 2 times the floor", "≥ 500 times faster"),
        ("YAML", 1_000): ("≥ 8 times faster", ""),
    }.get((kind, count))
    theirs = published(path, count) if goals else None
    versus = f", {theirs[0] / first:.0f} times faster than published" if theirs else ""
    yield Figure(
        f"sync {name}",
        f"{first * 1e3:.1f} ms, {first / floor:.1f} times the floor{versus}",
        goals[0] if goals else "",
    )
    versus = f", {theirs[1] / again:,.0f} times faster than published" if theirs else ""
    yield Figure(f"sync {name} again, unchanged", f"{again * 1e3:.2f} ms{versus}", goals[1] if goals else "")
