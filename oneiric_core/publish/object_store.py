"""One object at a time in S3, in GCS or in a directory, by one library (OpenDAL), with errors that say what to do.

- Credentials are found as the vendors' own tools find them: environment, profile files, workload identity, metadata
  service. None is an argument.
- Nothing here sets an ACL: who may read a bucket is the business of its policy.
- Writing is conditional and all or nothing: a key either gets all bytes or stays as it was. Parts are sent again if the
  network fails.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from oneiric_core.errors import ArtifactError
from oneiric_core.publish.object_errors import explained
from oneiric_core.publish.places import Backend, Place

__all__ = ["PART", "ObjectStore"]

PART: Final = 8 << 20
"""Bytes that are sent at once. S3 wants at least 5 MiB, GCS a multiple of 256 KiB; S3 takes 10,000 of them."""
_MOST_PARTS: Final = 9_000
_AT_ONCE: Final = 4
_ANYWHERE: Final = "us-east-1"
"""The region that servers which are not AWS go by."""


class ObjectStore:
    """The object at one place.

    :raises ArtifactError: the library is not installed, or the place makes no sense.
    """

    def __init__(self, place: Place) -> None:
        try:
            import opendal  # noqa: PLC0415 - an extra, and 40 MB
        except ImportError as error:
            raise ArtifactError(
                "artifacts are uploaded by OpenDAL, which is not installed",
                fix="Install it with pip install 'oneiric-core[publish]'",
            ) from error
        self.place = place
        if place.backend is Backend.FILE and not Path(place.bucket).is_dir():
            raise ArtifactError(f"there is no directory {place.bucket!r}", fix="Make it first, or correct --bucket")
        self._kind = opendal.Operator
        with self._told():
            if place.backend is Backend.FILE:
                self._operator = opendal.Operator("fs", root=str(Path(place.bucket).resolve()))
            else:
                options = _of_s3(place) if place.backend is Backend.S3 else _of_gcs(place)
                retry = opendal.layers.RetryLayer(max_times=4, factor=3.0, jitter=True, min_delay=0.1, max_delay=5.0)
                self._operator = opendal.Operator(place.backend.value, **options).layer(retry)

    def size(self) -> int | None:
        """Of the object, in bytes; None where there is none that can be seen.

        To those who may not list a bucket, S3 says of an object that is missing what it says of one that they may not
        read. Creating it tells.

        :raises ArtifactError: it cannot be asked for.
        """
        import opendal.exceptions  # noqa: PLC0415 - the constructor has found it

        with self._told():
            try:
                return int(self._operator.stat(self.place.key).content_length)
            except opendal.exceptions.NotFound:
                return None
            except opendal.exceptions.PermissionDenied:
                if self.place.backend is Backend.S3:
                    return None
                raise

    def read(self) -> Iterator[bytes]:
        """Its bytes.

        :raises ArtifactError: it cannot be read.
        """
        with self._told(), self._operator.open(self.place.key, "rb", chunk=PART, concurrent=_AT_ONCE) as file:
            while chunk := file.read(PART):
                yield bytes(chunk)

    def create(self, chunks: Iterable[bytes], length: int, *, content_type: str, cache_control: str) -> bool:
        """Make the object, unless there is one.

        :return: False where there is one; it is left alone.
        :raises ArtifactError: it cannot be made; nothing can be seen of what was sent.
        """
        import opendal.exceptions  # noqa: PLC0415 - as above

        options = self._headers(content_type, cache_control)
        with self._told(), self._workplace() as operator:
            try:
                self._write(operator, chunks, length, if_not_exists=True, **options)
            except opendal.exceptions.ConditionNotMatch:
                return False
            except OSError as error:  # how its files raise the same
                if "ConditionNotMatch" not in str(error):
                    raise
                return False
            return True

    def replace(self, chunks: Iterable[bytes], length: int, *, content_type: str, cache_control: str) -> None:
        """Make the object, whatever was there.

        :raises ArtifactError: it cannot be made; what was there still is.
        """
        with self._told(), self._workplace() as operator:
            self._write(operator, chunks, length, **self._headers(content_type, cache_control))

    def _write(self, operator: Any, chunks: Iterable[bytes], length: int, **options: Any) -> None:
        part = max(PART, -(-length // _MOST_PARTS))
        # Not as a context manager: leaving one by an exception would publish what was sent so far.
        file = operator.open(self.place.key, "wb", chunk=part, concurrent=_AT_ONCE, **options)
        for chunk in chunks:
            file.write(chunk)
        file.close()

    def _headers(self, content_type: str, cache_control: str) -> dict[str, str]:
        if self.place.backend is Backend.FILE:  # a file has no headers
            return {}
        return {"content_type": content_type, "cache_control": cache_control}

    @contextmanager
    def _workplace(self) -> Iterator[Any]:
        """What to write by. A file is put together elsewhere in its directory, and gets its name when it is whole."""
        if self.place.backend is not Backend.FILE:
            yield self._operator
            return
        try:
            with tempfile.TemporaryDirectory(prefix=".oneiric-upload-", dir=self.place.bucket) as folder:
                root = str(Path(self.place.bucket).resolve())
                yield self._kind("fs", root=root, atomic_write_dir=str(Path(folder).resolve()))
        except OSError as error:
            if error.errno is None:
                raise
            raise explained(f"PermissionDenied => {error.strerror}", self.place) from error

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The library's errors in our words."""
        import opendal.exceptions as theirs  # noqa: PLC0415 - as above

        kinds = (
            theirs.ConfigInvalid,
            theirs.NotFound,
            theirs.PermissionDenied,
            theirs.RateLimited,
            theirs.Unexpected,
            theirs.Unsupported,
            theirs.ConditionNotMatch,
            theirs.AlreadyExists,
            theirs.IsADirectory,
            theirs.NotADirectory,
        )
        try:
            yield
        except kinds as error:
            raise explained(str(error), self.place) from error
        except OSError as error:
            if error.errno is not None:  # not theirs: the file that is read here
                raise
            raise explained(str(error), self.place) from error


def _of_s3(place: Place) -> dict[str, Any]:
    options: dict[str, Any] = {"bucket": place.bucket, "checksum_algorithm": "crc32c"}
    if place.endpoint_url is not None:
        return options | {"endpoint": place.endpoint_url, "region": place.region or _ANYWHERE}
    return options | ({"region": place.region} if place.region else {})


def _of_gcs(place: Place) -> dict[str, Any]:
    options: dict[str, Any] = {"bucket": place.bucket}
    if place.endpoint_url is None:
        return options
    # A server that is not Google's has no use for a token of Google's, and must not get one.
    return options | {
        "endpoint": place.endpoint_url,
        "allow_anonymous": "true",
        "disable_vm_metadata": "true",
        "disable_config_load": "true",
    }
