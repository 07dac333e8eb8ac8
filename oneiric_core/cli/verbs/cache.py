"""``oneiric-core cache``: what is kept on disk, whether it is whole, and making room."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from oneiric_core.artifacts import BlobStore, default_cache_dir
from oneiric_core.artifacts.eviction import Entry
from oneiric_core.artifacts.verification import Finding, find_faults
from oneiric_core.cli import render
from oneiric_core.cli.arguments import AsJson, duration, examples
from oneiric_core.cli.configuring import SettingsOption, find_settings, read_configured
from oneiric_core.cli.finding import plain_application
from oneiric_core.cli.sourcing import CacheDir

__all__ = ["number_of_bytes", "verb"]

_SIZE: Final = re.compile(r"([0-9]{1,15})\s*(|B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)")
_UNITS: Final[Mapping[str, int]] = {
    "": 1,
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_SHOWN: Final = 12


def number_of_bytes(text: str) -> int:
    """What ``1000000``, ``500MB`` or ``2GiB`` means.

    :raises typer.BadParameter: any other text.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no number of bytes; write it like 1000000, 500MB or 2GiB")
    return int(match[1]) * _UNITS[match[2]]


verb = plain_application()


@verb.callback()
def cache() -> None:
    """What is kept on disk, whether it is whole, and making room."""


@verb.command(name="list", epilog=examples("oneiric-core cache list", "oneiric-core cache list --json"))
def list_(cache_dir: CacheDir = None, settings: SettingsOption = None, as_json: AsJson = False) -> None:
    """Every artifact in the cache, the least recently used first. Nothing is verified."""
    where = _place(cache_dir, settings)
    store = BlobStore(where.absolute())
    found, needed = store.entries(), store.pinned()
    total = sum(entry.size for entry in found)
    if as_json:
        artifacts = [_plain(entry) | {"needed_by": needed.get(entry.sha256, ())} for entry in found]
        render.data({"cache_dir": str(store.root), "bytes": total, "artifacts": artifacts})
        return
    if not found:
        render.text(f"No artifact is cached in {where} yet.")
        return
    rows = [
        (
            entry.sha256[:_SHOWN],
            _size(entry.size),
            f"{entry.used:%Y-%m-%d %H:%M}",
            "yes" if entry.unpacked else "no",
            ", ".join(needed.get(entry.sha256, ())),
        )
        for entry in found
    ]
    render.table(("artifact", "size", "last used (UTC)", "unpacked", "needed by"), rows)
    render.text()
    render.text(f"{_count(len(found))}, {_size(total)}, in {where}")


@verb.command(epilog=examples("oneiric-core cache verify"))
def verify(cache_dir: CacheDir = None, settings: SettingsOption = None, as_json: AsJson = False) -> int:
    """Read every artifact and every file unpacked from it again; what is not as it was left is put aside.

    The exit code is 1 if there was any, and each is told with what to do.
    """
    where = _place(cache_dir, settings)
    store = BlobStore(where.absolute())
    whole: list[str] = []
    findings: list[Finding] = []
    sizes = {entry.sha256: entry.size for entry in store.entries()}
    with render.progress("Verifying artifacts", sum(sizes.values()), hidden=as_json) as done:
        for sha256 in store.digests():
            with store.hold(sha256):
                found = find_faults(store, sha256)
            findings += found
            whole += [] if found else [sha256]
            done(sizes.get(sha256, 0))
    damaged = [*dict.fromkeys(finding.sha256 for finding in findings)]
    if as_json:
        told = [asdict(finding) for finding in findings]
        render.data({"cache_dir": str(store.root), "whole": whole, "damaged": damaged, "findings": told})
    elif whole or damaged:
        render.text(f"{_count(len(whole))} whole, {len(damaged)} not, in {where}")
    else:
        render.text(f"No artifact is cached in {where} yet.")
    for finding in findings:
        why = f"{repr(finding.name) if finding.name else 'it'} {finding.what}"
        render.error(f"{finding.of} {finding.sha256} was put into {where / 'quarantine'}: {why}. {finding.fix}.")
    return 1 if damaged else 0


@verb.command(
    epilog=examples("oneiric-core cache gc --max-age 30d", "oneiric-core cache gc --max-bytes 2GiB --max-age 90d")
)
def gc(
    max_bytes: Annotated[
        int | None,
        typer.Option(
            "--max-bytes",
            metavar="N",
            parser=number_of_bytes,
            help="Remove the least recently used until at most N bytes are left, such as 500MB or 2GiB.",
        ),
    ] = None,
    max_age: Annotated[
        timedelta | None,
        typer.Option(
            "--max-age", metavar="AGE", parser=duration, help="Remove what was not used for so long, such as 30d."
        ),
    ] = None,
    cache_dir: CacheDir = None,
    settings: SettingsOption = None,
    as_json: AsJson = False,
) -> None:
    """Make room. What crashes left and what was put aside goes in any case.

    What a running process uses stays, and so does what the last good manifest of a source needs.
    """
    where = _place(cache_dir, settings)
    store = BlobStore(where.absolute())
    size = sum(entry.size for entry in store.entries())
    with render.progress("Making room", size, hidden=as_json) as progress:
        done = store.gc(max_bytes=max_bytes, max_age=max_age, progress=lambda entry: progress(entry.size))
    if as_json:
        render.data(
            {
                "cache_dir": str(store.root),
                "freed": done.freed,
                "removed": [_plain(entry) for entry in done.removed],
                "kept": [_plain(entry) for entry in done.kept],
                "needed": [entry.sha256 for entry in done.needed],
                "quarantined": done.quarantined,
            }
        )
        return
    left = sum(entry.size for entry in done.kept)
    render.text(f"{_count(len(done.removed))} removed, {_size(done.freed)} freed")
    render.text(f"{_count(len(done.kept))} kept, {_size(left)}, in {where}")
    if done.quarantined:
        render.text(f"{done.quarantined} removed that had been put aside")
    if done.needed:
        render.text(f"{len(done.needed)} of those kept should have gone, but they are in use or needed by a manifest")


def _place(said: Path | None, settings: Path | None) -> Path:
    """What is said goes before what is configured, and that before the user's own."""
    if said is not None:
        return said
    file, configured = find_settings(settings), read_configured(settings).cache_dir
    return default_cache_dir() if file is None or configured is None else file.parent / configured


def _plain(entry: Entry) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(entry).items()}


def _count(number: int) -> str:
    return f"{number} artifact{'' if number == 1 else 's'}"


def _size(number: int) -> str:
    for unit in ("TB", "GB", "MB", "kB"):
        if number >= _UNITS[unit]:
            return f"{number / _UNITS[unit]:.1f} {unit}"
    return f"{number} B"
