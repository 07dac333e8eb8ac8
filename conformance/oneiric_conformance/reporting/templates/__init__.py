"""The templates, and the one way to fill them in: whatever is put in is text, and never markup."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["asset", "content_hash", "rendered"]

_FOLDER: Final = Path(__file__).parent


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def rendered(template: str, **values: Any) -> str:
    """The template of that name, filled in."""
    return _environment().get_template(template).render(**values)


def asset(name: str) -> Markup:
    """A file of ours that belongs into a page as it is."""
    return Markup((_FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704 - it is ours, and nothing was put in


def content_hash(text: str) -> str:
    """What a content security policy calls an inline style or script (CSP level 3)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
