"""Failures that one exploration saves and the next one tries first: Hypothesis's example database, in the places given.

A place is a directory, or a Redis that several machines share. All that can be known to be wrong with one is said
before the run.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase, MultiplexedDatabase

from oneiric_conformance.isolation.external import without_secrets
from oneiric_core import ConformanceError

__all__ = ["open_database", "under"]

_REDIS: Final = ("redis", "rediss", "unix")
_SECONDS: Final = 3.0
_PARTS: Final = (b".secondary", b".pareto")
"""What Hypothesis appends to the key of a test, which is a digest."""


def open_database(places: Sequence[str], rootdir: Path | None) -> ExampleDatabase | None:
    """The database that is kept in all the places at once; None if there are none.

    :param places: directories, relative to ``rootdir``, which are made; or ``redis://``, ``rediss://`` and ``unix://``
        addresses.
    :raises ConformanceError: a place is of no kind there is, nothing can be written there, or nobody answers.
    """
    opened = [_redis(place) if "://" in place else _directory((rootdir or Path()) / place) for place in places]
    if len(opened) > 1:
        return MultiplexedDatabase(*opened)
    return opened[0] if opened else None


def under(database: ExampleDatabase | None, name: str) -> ExampleDatabase | None:
    """The part of a database that belongs to one property."""
    return None if database is None else _Part(database, name)


class _Part(ExampleDatabase):
    """Hypothesis takes the source of a test for its key, and all properties of the kit are one function."""

    def __init__(self, whole: ExampleDatabase, name: str) -> None:
        super().__init__()
        self._whole = whole
        self._name = hashlib.sha256(f"oneiric {name}".encode()).digest()[:16]

    def save(self, key: bytes, value: bytes) -> None:
        self._whole.save(self._key(key), value)

    def fetch(self, key: bytes) -> Iterable[bytes]:
        return self._whole.fetch(self._key(key))

    def delete(self, key: bytes, value: bytes) -> None:
        self._whole.delete(self._key(key), value)

    def move(self, src: bytes, dest: bytes, value: bytes) -> None:
        self._whole.move(self._key(src), self._key(dest), value)

    def _key(self, key: bytes) -> bytes:
        """Without the digest of the source, which a new version of the kit would change; what follows it is kept."""
        return self._name + next((part for part in _PARTS if key.endswith(part)), b"")


def _directory(path: Path) -> ExampleDatabase:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ConformanceError(
            f"no examples can be saved in {str(path)!r}: {error.strerror or error}",
            fix="Name a directory that can be written to as database",
            path=str(path),
        ) from error
    return DirectoryBasedExampleDatabase(os.fspath(path))


def _redis(address: str) -> ExampleDatabase:
    shown = without_secrets(address)
    if address.partition("://")[0] not in _REDIS:
        raise ConformanceError(
            f"{shown!r} is no place for saved examples",
            fix=f"Name a directory, or an address that begins with {', '.join(f'{name}://' for name in _REDIS)}",
        )
    try:
        from hypothesis.extra.redis import RedisExampleDatabase  # noqa: PLC0415 - an extra
        from redis import Redis, RedisError  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as error:
        raise ConformanceError(
            f"examples in {shown} need {error.name}, which is not installed",
            fix="Install it with: pip install 'oneiric-core[redis]'",
        ) from error
    try:
        client = Redis.from_url(address, socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS)
        client.ping()
    except (RedisError, ValueError, OSError) as error:
        raise ConformanceError(
            f"no examples can be saved in {shown}: {error}", fix="Start it, or name another database"
        ) from error
    return RedisExampleDatabase(client, key_prefix=b"oneiric-example:")
