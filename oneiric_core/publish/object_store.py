"""One object at a time in S3, in GCS or in a directory, by one library (OpenDAL), with errors that say what to do.

- Credentials are found as the vendors' own tools find them: environment, profile files, workload identity, metadata
  service. None is an argument.
- Nothing here sets an ACL: who may read a bucket is the business of its policy.
- Writing is conditional and all or nothing: a key either gets all bytes or stays as it was. Parts are sent again if the
  network fails.
- Replacing is conditional where it can be: in S3 on the entity tag of what is replaced, in a directory on a lock. For
  GCS the library offers no such condition.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from oneiric_core.errors import ArtifactError
from oneiric_core.publish.directories import alone_in, workplace_in
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
        if not place.bucket:  # of a path it would be the directory where we are
            raise ArtifactError(f"{place} is in no bucket", fix="Name it by --bucket")
        self._root = Path(place.bucket).resolve()
        if place.backend is Backend.FILE and not self._root.is_dir():
            raise ArtifactError(f"there is no directory {place.bucket!r}", fix="Make it first, or correct --bucket")
        self._kind = opendal.Operator
        with self._told():
            if place.backend is Backend.FILE:
                self._operator = opendal.Operator("fs", root=str(self._root))
            else:
                options = _of_s3(place) if place.backend is Backend.S3 else _of_gcs(place)
                retry = opendal.layers.RetryLayer(max_times=4, factor=3.0, jitter=True, min_delay=0.1, max_delay=5.0)
                self._operator = opendal.Operator(place.backend.value, **options).layer(retry)

    def size(self) -> int | None:
        """Of the object, in bytes; None where there is none that can be seen.

        To those who may not list a bucket, S3 says of an object that is missing what it says of one that they may not
        read. Creating it tells.

        :raises ArtifactError: it cannot be asked for, or a directory has its name.
        """
        found = self._stat()
        return None if found is None else int(found.content_length)

    def tag(self) -> str | None:
        """Which version of the object it is, to be replaced and no other; None where there is none, or nobody says.

        Ask before reading: then what is read is this version, or a later one that will not be replaced.

        :raises ArtifactError: it cannot be asked for.
        """
        found = self._stat() if self.place.backend is Backend.S3 else None
        return None if found is None else found.etag

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who replaces anything there, where only a lock can tell: in a directory.

        :raises ArtifactError: somebody else does just now.
        """
        with alone_in(self._root) if self.place.backend is Backend.FILE else nullcontext():
            yield

    def _stat(self) -> Any:
        import opendal.exceptions  # noqa: PLC0415 - the constructor has found it

        with self._told():
            try:
                found = self._operator.stat(self.place.key)
            except opendal.exceptions.NotFound:
                return None
            except opendal.exceptions.PermissionDenied:
                if self.place.backend is Backend.S3:
                    return None
                raise
            except opendal.exceptions.Unexpected:
                if self.place.backend is Backend.S3:  # an answer to HEAD cannot say what is wrong, one to GET does
                    self._operator.read(self.place.key, offset=0, size=1)
                raise
        if found.mode.is_dir():
            raise ArtifactError(f"{self.place} is a directory", fix="Choose another --key", place=str(self.place))
        return found

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
        return self._put(chunks, length, self._headers(content_type, cache_control) | {"if_not_exists": True})

    def replace(
        self, chunks: Iterable[bytes], length: int, *, content_type: str, cache_control: str, tag: str | None = None
    ) -> bool:
        """Make the object, whatever was there; or only in the place of one version.

        :param tag: of the version that may be replaced; None is any.
        :return: False where another one stands there; it is left alone.
        :raises ArtifactError: it cannot be made; what was there still is.
        """
        options = self._headers(content_type, cache_control) | ({} if tag is None else {"if_match": tag})
        return self._put(chunks, length, options)

    def _put(self, chunks: Iterable[bytes], length: int, options: dict[str, Any]) -> bool:
        """Write it; False where a condition among the options does not hold."""
        import opendal.exceptions  # noqa: PLC0415 - as above

        with self._told(), self._workplace() as operator:
            try:
                self._write(operator, chunks, length, **options)
            except opendal.exceptions.ConditionNotMatch:
                return False
            except OSError as error:  # how its files raise the same
                if "ConditionNotMatch" not in str(error):
                    raise
                return False
            return True

    def _write(self, operator: Any, chunks: Iterable[bytes], length: int, **options: Any) -> None:
        part = max(PART, -(-length // _MOST_PARTS))
        # Not as a context manager: leaving one by an exception would publish what was sent so far.
        file = operator.open(self.place.key, "wb", chunk=part, concurrent=_AT_ONCE, **options)
        for chunk in chunks:
            file.write(chunk)
        file.close()

    def _headers(self, content_type: str, cache_control: str) -> dict[str, Any]:
        if self.place.backend is Backend.FILE:  # a file has no headers
            return {}
        return {"content_type": content_type, "cache_control": cache_control}

    @contextmanager
    def _workplace(self) -> Iterator[Any]:
        """What to write by. A file is put together elsewhere in its directory, and gets its name when it is whole."""
        if self.place.backend is not Backend.FILE:
            yield self._operator
            return
        with workplace_in(self._root) as folder:
            yield self._kind("fs", root=str(self._root), atomic_write_dir=str(folder))

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
