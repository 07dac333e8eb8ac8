"""Small real wheels for tests: the same bytes for the same files on every machine."""

import base64
import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from oneiric_core.testing.archives import Part, write_archive

__all__ = ["SAMPLE", "make_wheel", "wheel_filename"]

SAMPLE: Final[Mapping[str, str]] = {
    "acme/__init__.py": '"""A package for tests."""\n',
    "acme/cache.py": "class Cache(dict):\n    '''Keeps things.'''\n",
}
"""What is in a wheel if nothing else is asked for."""


def make_wheel(
    files: Mapping[str, str | bytes] = SAMPLE,
    name: str = "acme",
    version: str = "1.0",
    *,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    entry_points: str = "",
) -> bytes:
    """The bytes of a wheel that keeps every rule, provided that ``files`` do.

    :param files: their names in the wheel, with text or bytes.
    :param requires: PEP 508 requirements for METADATA; ``entry_points``: the text of entry_points.txt, if any.
    """
    parts = wheel_parts(files, name, version, tag=tag, requires=requires, entry_points=entry_points)
    return write_archive([*parts, record_part(parts, dist_info(name, version))])


def wheel_filename(name: str = "acme", version: str = "1.0", tag: str = "py3-none-any") -> str:
    """What the file is called (PEP 427)."""
    return f"{name.replace('-', '_')}-{version}-{tag}.whl"


def dist_info(name: str, version: str) -> str:
    return f"{name.replace('-', '_')}-{version}.dist-info"


def wheel_parts(
    files: Mapping[str, str | bytes],
    name: str,
    version: str,
    *,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    entry_points: str = "",
) -> list[Part]:
    """Everything but RECORD."""
    folder = dist_info(name, version)
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    wheel = ["Wheel-Version: 1.0", "Generator: oneiric-core", "Root-Is-Purelib: true", f"Tag: {tag}"]
    texts: dict[str, str | bytes] = {**files, f"{folder}/METADATA": _lines(metadata), f"{folder}/WHEEL": _lines(wheel)}
    if entry_points:
        texts[f"{folder}/entry_points.txt"] = entry_points
    return [Part(path, text.encode("utf-8") if isinstance(text, str) else text) for path, text in texts.items()]


def record_part(parts: Iterable[Part], folder: str) -> Part:
    """The RECORD of ``parts``."""
    return Part(f"{folder}/RECORD", record_text([*record_rows(parts), [f"{folder}/RECORD", "", ""]]))


def record_rows(parts: Iterable[Part]) -> list[list[str]]:
    return [
        [part.name, f"sha256={_base64(part.content)}", str(len(part.content))]
        for part in parts
        if not part.name.endswith("/")
    ]


def record_text(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode("ascii").rstrip("=")


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
