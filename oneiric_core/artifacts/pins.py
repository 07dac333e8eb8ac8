"""Which artifacts the last good manifest of each source needs: noted by who applied it, minded by who makes room.

One file for each source and place it is taken from, replaced as a whole. Deleting one only means that its artifacts may
be evicted.
"""

import errno
import hashlib
import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, TypeAdapter, ValidationError

from oneiric_core.artifacts.descriptors import names_in, open_file, write_all
from oneiric_core.artifacts.digest import check_syntax
from oneiric_core.artifacts.layout import PINS, TEMPORARY, Layout, publish
from oneiric_core.artifacts.orphans import new_file
from oneiric_core.durability import fsync
from oneiric_core.errors import ArtifactError

__all__ = ["pin", "pinned"]

_NAME: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class _Pin:
    source: str
    artifacts: tuple[Annotated[str, AfterValidator(check_syntax)], ...]


_PINS: Final = TypeAdapter(_Pin)


def pin(layout: Layout, source: str, artifacts: Collection[str], *, place: str, besides: bool) -> None:
    """Let ``artifacts`` be those that ``source`` needs, in the place of those it needed before, or besides them.

    On a read-only disk nothing is noted, and nothing evicted.

    :raises DigestMismatchError: one of them is no digest.
    :raises ArtifactError: the cache directory is not ours alone, or cannot be written.
    """
    needed = set(map(check_syntax, artifacts))
    name = hashlib.sha256(f"{source}\0{place}".encode()).hexdigest()
    try:
        if not needed:
            if not besides:
                _forget(layout, name)
            return
        with layout.open(PINS, TEMPORARY) as (pins, temporary), layout.telling():
            former = _read_or_none(name, pins)
            if former is not None and besides:
                needed.update(former.artifacts)
            pin = _Pin(source, tuple(sorted(needed)))
            if pin == former:
                return
            with new_file(temporary) as (written, descriptor):
                write_all(descriptor, _PINS.dump_json(pin))
                fsync(descriptor)
                publish(written, name, source=temporary, target=pins)
    except ArtifactError as error:
        if error.evidence.get("errno") != errno.EROFS:
            raise


def pinned(layout: Layout) -> Mapping[str, tuple[str, ...]]:
    """The sources that need an artifact, by its digest.

    :raises ArtifactError: a file in the directory of pins is not one of ours; what it says may be important.
    """
    found: dict[str, tuple[str, ...]] = {}
    with suppress(FileNotFoundError), layout.open(PINS, make=False) as (pins,), layout.telling():
        for name in sorted(filter(_NAME.fullmatch, names_in(pins))):
            pin = _read(name, pins, layout)
            for sha256 in pin.artifacts:
                if pin.source not in found.get(sha256, ()):
                    found[sha256] = (*found.get(sha256, ()), pin.source)
    return found


def _forget(layout: Layout, name: str) -> None:
    """A source that needs nothing any more has no pin, and makes no cache where there is none."""
    absent = suppress(FileNotFoundError)
    with absent, layout.open(PINS, make=False) as (pins,), layout.telling(), absent:
        os.unlink(name, dir_fd=pins)


def _read(name: str, pins: int, layout: Layout) -> _Pin:
    pin = _read_or_none(name, pins)
    if pin is None:
        path = layout.root / PINS / name
        raise ArtifactError(
            f"{str(path)!r} should say which artifacts a source needs, and cannot be understood",
            fix="Remove it if you know that they are not needed, or sync the source again",
            path=str(path),
        )
    return pin


def _read_or_none(name: str, pins: int) -> _Pin | None:
    """A pin; None if there is none, or something else in its place."""
    with suppress(OSError, ArtifactError, ValidationError), open_file(name, above=pins) as file:
        return _PINS.validate_json(file.read())
    return None
