"""Every combination of prefix, separator, dots, suffix and depth, tens of thousands: none leaves where it starts."""

import hashlib
import itertools
import ntpath
import os
import posixpath
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from oneiric_core import ArtifactManager
from oneiric_core.artifacts.confine import confine, sanitize_filename
from oneiric_core.artifacts.locate import RemoteFile, locate
from oneiric_core.errors import FetchError, PathTraversalError, RefusedFetchError

pytestmark = pytest.mark.long

PREFIXES = ["", "/", "//", "\\", "\\\\", "C:", "C:\\", "\\\\?\\", "file://h/", "~/", "a", "\u200b", " "]
SEPARATORS = [
    *("/", "\\", "%2f", "%2F", "%5c", "%252f", "%255C", "%c0%af", "%e0%80%af"),
    *("\uff0f", "\uff3c", "\u2044", "\u2215"),
]
DOTS = ["..", "...", "%2e%2e", ".%2e", "%252e%252e", "\uff0e\uff0e", "\u2025", "\u2024.", "%c0%ae%c0%ae", ".\u200b."]
SUFFIXES = ["", "x", "x.", "x ", "x:y", "NUL", "etc/passwd", "\0", "%00"]
DEPTHS = [1, 3]
# What becomes a name or part of one in some reading, and harmless things in between.
PIECES = ["a", "..", ".", "%2e", "%", "2e", "25", "/", "%2f", "\\", "%5c", ":", "\uff0f", "\u2025", "\u200b", " "]


def climbing() -> Iterator[str]:
    for prefix, separator, dots, suffix, depth in itertools.product(PREFIXES, SEPARATORS, DOTS, SUFFIXES, DEPTHS):
        yield prefix + separator.join([*[dots] * depth, suffix])
        yield prefix + separator.join(["d", *[dots] * depth, suffix])


def test_none_of_tens_of_thousands_that_climb_gets_through() -> None:
    root, tried = Path("/srv/root"), set()
    for text in climbing():
        with pytest.raises(PathTraversalError):
            confine(root, text)
        tried.add(text)
    assert len(tried) > 50_000


def test_whatever_gets_through_means_one_path_below_the_root_on_both_families() -> None:
    """All texts of up to four pieces; the systems' own rules are the judges."""
    root, accepted = Path("/srv/root"), 0
    for size in range(1, 5):
        for text in map("".join, itertools.product(PIECES, repeat=size)):
            try:
                path = confine(root, text)
            except PathTraversalError:
                continue
            accepted += 1
            assert path == root / text
            for reading in (text, unquote(text), unquote(unquote(text)), unicodedata.normalize("NFKC", unquote(text))):
                assert posixpath.normpath(posixpath.join("/r/s", reading)).startswith("/r/s/"), text
                assert ntpath.normpath(ntpath.join("C:\\r\\s", reading)).startswith("C:\\r\\s\\"), text
                assert len(ntpath.normpath(reading).split("\\")) == len(text.split("/")), text
    assert accepted > 1000


def test_every_one_of_them_can_be_made_a_single_safe_name() -> None:
    root = Path("/srv/root")
    for text in itertools.islice(climbing(), 0, None, 3):
        name = sanitize_filename(text)
        assert confine(root, name).parent == root
        assert sanitize_filename(name) == name


def test_none_of_them_is_a_place_to_fetch_from() -> None:
    """As a path, as a file URL below a root, and as the path of an HTTPS URL, where the server would climb."""
    roots, climbed = [Path("/srv/root")], 0
    for text in itertools.islice(climbing(), 0, None, 3):
        for uri in (text, f"file:///srv/root/{text}", f"https://host/{text.lstrip('/')}"):
            try:
                found = locate(uri, roots)
            except (PathTraversalError, RefusedFetchError):
                climbed += 1
                continue
            assert isinstance(found, RemoteFile), uri
            assert "?" in uri, uri  # what comes after it is no path
    assert climbed > 50_000


async def test_fetching_them_touches_nothing_and_what_is_kept_is_named_by_digest(tmp_path: Path) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    (offered / "x").write_bytes(b"x")
    (tmp_path / "secret").write_bytes(b"secret")
    sha256 = hashlib.sha256(b"x").hexdigest()
    manager = ArtifactManager(tmp_path / "cache", local_roots=[offered])
    for text in itertools.islice(climbing(), 0, None, 101):
        with pytest.raises((PathTraversalError, FetchError)):
            await manager.fetch(text, sha256)
    assert {folder for folder, _, _ in os.walk(tmp_path)} == {str(tmp_path), str(offered)}
    await manager.fetch("x", sha256)
    assert [name for _, _, names in os.walk(tmp_path / "cache") for name in names] == [sha256]
