"""A URL in messages and logs."""

import re

__all__ = ["shown"]


def shown(url: str) -> str:
    """A URL for messages: without its query, which may hold a signature, and without credentials."""
    return re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0])[:200]
