"""Files of this machine: where the cache is unless another place is named, and artifacts that are there already."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path

from oneiric_core.artifacts.descriptors import open_below
from oneiric_core.artifacts.locate import LocalFile
from oneiric_core.errors import RefusedFetchError

__all__ = ["default_cache_dir", "open_local"]


def default_cache_dir() -> Path:
    """The cache of the user we run as; never a predictable directory that others can write."""
    from platformdirs import user_cache_path  # noqa: PLC0415 - only where no directory is given

    return user_cache_path("oneiric") / "artifacts"


@contextmanager
def open_local(place: LocalFile) -> Iterator[BufferedReader]:
    """The file, in the first of its roots that has it.

    :raises RefusedFetchError: none has.
    """
    reasons: list[str] = []
    with ExitStack() as stack:
        for root in place.roots:
            try:
                file = stack.enter_context(open_below(root, place.names))
            except OSError as error:
                reasons.append(f"{root}: {error.strerror}")
            else:
                yield file
                return
    name = "/".join(place.names)
    raise RefusedFetchError(
        f"{name!r} cannot be read ({'; '.join(reasons)})",
        fix="Name a regular file that exists and is reached without links",
        name=name,
    )
