"""The wheel that the reference package is released as, made from the files of this directory, right or wrong."""

import atexit
import hashlib
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

from oneiric_conformance.subject import Wheel
from oneiric_core.testing import BadWheel, bad_wheel, make_wheel, wheel_filename

__all__ = ["NAME", "VERSION", "released"]

NAME = "reference"
VERSION = "1.0.0"


@cache
def released(kind: BadWheel | None = None) -> Wheel:
    """The file, which is made when it is first asked for and lasts as long as the process.

    :param kind: what is wrong with it; nothing if None.
    """
    here = Path(__file__).parent
    files = {f"mutants/{path.name}": path.read_bytes() for path in sorted(here.glob("*.py"))}
    content = make_wheel(files, NAME, VERSION) if kind is None else bad_wheel(kind, files, NAME, VERSION)
    folder = _site() / (kind.name if kind else "right")
    folder.mkdir()
    path = folder / wheel_filename(NAME, VERSION)
    path.write_bytes(content)
    return Wheel(path, hashlib.sha256(content).hexdigest())


@cache
def _site() -> Path:
    """A directory on the path in which the reference package is installed, so that its modules are its own."""
    site = Path(tempfile.mkdtemp(prefix="oneiric-reference-"))
    atexit.register(shutil.rmtree, site, ignore_errors=True)
    info = site / f"{NAME}-{VERSION}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n")
    (info / "RECORD").write_text("mutants/__init__.py,,\n")
    sys.path.append(str(site))
    return site
