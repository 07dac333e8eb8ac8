"""What a URI asks for, decided from its text alone: a file below a listed root, one on a server, or a refusal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from oneiric_core.artifacts.confine import confine
from oneiric_core.errors import PathTraversalError, RefusedFetchError

__all__ = ["LocalFile", "RemoteFile", "locate"]

# RFC 3986 would also allow one letter, which is a drive, and dots, which make a file name with a stream.
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+-]+):")
_REMOTE: Final = frozenset({"https", "http"})
_ANCHOR: Final = Path("/")


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to be looked for as ``names`` below each of ``roots`` in turn."""

    roots: tuple[Path, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that a server has. Its path is plain, whoever decodes it; the rest of its URL is yet to be judged."""

    url: str


def locate(uri: str, roots: Sequence[Path]) -> LocalFile | RemoteFile:
    """Where the file is to be looked for. Traversal is judged first, then the scheme.

    :param uri: ``https://host/path``; or ``file:///absolute/path``, an absolute path below a root, or a path relative
        to one.
    :param roots: absolute directories from which files may be taken; none allows nothing.
    :raises PathTraversalError: its path leaves where it starts, or an absolute one lies in none of the roots.
    :raises RefusedFetchError: the scheme is not one we fetch.
    """
    match = _SCHEME.match(uri)
    if match is None:
        return _absolute(uri, roots) if uri.startswith("/") else _relative(uri, roots)
    scheme, rest = match[1].lower(), uri[match.end() :]
    path = _path_of(uri, scheme, rest)
    if scheme == "file" and roots:
        return _absolute(path, roots) if path.startswith("/") else _relative(path, roots)
    if scheme in _REMOTE:
        return RemoteFile(uri)
    raise _refused(uri, scheme)


def _path_of(uri: str, scheme: str, rest: str) -> str:
    """The URI's path, decoded once, as the authority's server or our own disk would read it; judged."""
    authority = ""
    if rest.startswith("//"):
        authority, slash, rest = rest[2:].partition("/")
        rest = f"{slash}{rest}"
    if scheme == "file" and authority.lower() not in {"", "localhost"}:
        raise PathTraversalError(
            f"Path traversal: {uri!r} names a file on another host",
            fix="Write file:///path for a file on this one",
            uri=uri,
        )
    if scheme in _REMOTE:
        rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    path = unquote(rest, errors="surrogateescape")
    below = path.lstrip("/") if scheme in _REMOTE else path.removeprefix("/")
    if below:
        confine(_ANCHOR, below)
    return path


def _absolute(path: str, roots: Sequence[Path]) -> LocalFile:
    names = confine(_ANCHOR, path.removeprefix("/")).parts[1:]
    for root in roots:
        depth = len(root.parts) - 1
        if root.parts[1:] == names[:depth] and len(names) > depth:
            return LocalFile((root,), names[depth:])
    raise PathTraversalError(
        f"Path traversal: {path!r} lies in none of the directories that files may be fetched from",
        fix="List its directory among the local roots (remote.local_roots in oneiric.toml), or offer it by https",
        path=path,
        roots=tuple(map(str, roots)),
    )


def _relative(path: str, roots: Sequence[Path]) -> LocalFile:
    names = confine(_ANCHOR, path).parts[1:]
    if not roots:
        raise _refused(path, "file")
    return LocalFile(tuple(roots), names)


def _refused(uri: str, scheme: str) -> RefusedFetchError:
    what, fix = f"the scheme {scheme!r} is not one artifacts are fetched by", "Offer the artifact by https"
    if scheme == "file":
        what, fix = (
            "local artifacts are off",
            "List its directory among the local roots (remote.local_roots in oneiric.toml)",
        )
    return RefusedFetchError(f"{uri!r} is refused: {what}", fix=fix, uri=uri, scheme=scheme)
